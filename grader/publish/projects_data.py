"""The gallery for machines: `data/v1/projects.json`, its schema, and CSV."""

from __future__ import annotations

import csv
import io
import json
from typing import Final

from grader.publish.projects import Card, Gallery
from grader.reports.display import csv_cell

HEADERS: Final = (
    *("slug", "name", "title", "data", "own_data", "metric", "unit", "claimed"),
    *("measured", "low", "high", "over", "draws", "reported", "claim", "short_by"),
    *("cpu_s", "memory_bytes", "budget_cpu_s", "budget_memory_bytes", "submission"),
    *("project", "round", "engine", "tier", "measured_on"),
)


def files(gallery: Gallery) -> dict[str, bytes]:
    """Return everything that programs read of projects, by path."""
    return {
        "data/v1/projects.json": to_json(gallery),
        "data/v1/projects.csv": to_csv(gallery),
        "data/v1/projects.schema.json": schema(),
    }


def to_json(gallery: Gallery) -> bytes:
    """Return the data set; the same value gives the same bytes."""
    return (gallery.model_dump_json(indent=1) + "\n").encode()


def schema() -> bytes:
    """Return the JSON Schema of `to_json`."""
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Gallery.model_json_schema(mode="serialization"),
    }
    return (json.dumps(body, indent=1, sort_keys=True) + "\n").encode()


def to_csv(gallery: Gallery) -> bytes:
    """Return one line a project; curves are in the JSON alone."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADERS)
    writer.writerows(_line(card) for card in gallery.cards)
    return out.getvalue().encode()


def _line(card: Card) -> list[str]:
    metric, cost, budget = card.metric, card.cost, card.budget
    words = (card.slug, card.name, card.title, card.data.title)
    return [
        *(csv_cell(word) for word in words),
        "yes" if card.data.own else "no",
        csv_cell(metric.name),
        csv_cell(metric.unit),
        *map(_number, (metric.claimed, metric.value, metric.low, metric.high)),
        metric.over or "",
        str(metric.draws),
        _number(metric.reported),
        metric.state,
        _number(metric.by),
        *map(_number, (cost.cpu_s, cost.memory_bytes)),
        *map(_number, (budget.cpu_s, budget.memory_bytes)),
        card.submission,
        card.project,
        csv_cell(card.round),
        card.engine,
        card.tier,
        card.measured_on.isoformat(),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"
