"""The machine-readable side of the site: JSON, its schema, CSV, check sums."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final

from grader.models.base import Model
from grader.publish.models import Board, Entry, Leaderboard
from grader.reports.display import csv_cell

HEADERS: Final = (
    *("round", "profile", "rank", "entry", "part", "earned", "points", "metric"),
    *("cpu_s", "peak_memory_bytes", "submission", "tier", "host_class", "engine"),
    "graded_on",
)


def to_json(data: Model) -> bytes:
    """Return a data set; the same value gives the same bytes."""
    return (data.model_dump_json(indent=1) + "\n").encode()


def schema(kind: type[Model] = Leaderboard) -> bytes:
    """Return the JSON Schema of `to_json`."""
    body = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **kind.model_json_schema(mode="serialization"),
    }
    return (json.dumps(body, indent=1, sort_keys=True) + "\n").encode()


def to_csv(leaderboard: Leaderboard) -> bytes:
    """Return one line per row and part: total, each module, each milestone."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADERS)
    for board in leaderboard.boards:
        for entry in board.entries:
            for part in _parts(entry):
                writer.writerow(_line(board, entry, part))
    return out.getvalue().encode()


Part = tuple[str, float | None, float, float | None, float | None, int | None]


def _parts(entry: Entry) -> list[Part]:
    total: Part = ("total", entry.total, entry.points, None, None, None)
    modules: list[Part] = [
        (f"module {m.name}", m.earned, m.points, None, None, None)
        for m in entry.modules
    ]
    stones: list[Part] = [
        (
            f"milestone {m.name}",
            m.earned,
            m.points,
            m.metric,
            m.cpu_s,
            m.peak_memory_bytes,
        )
        for m in entry.milestones
    ]
    return [total, *modules, *stones]


def _line(board: Board, entry: Entry, part: Part) -> list[str]:
    name, *numbers = part
    source = entry.provenance
    texts = [source.submission, source.tier, source.host_class, source.engine]
    return [
        csv_cell(board.round),
        board.profile,
        number(entry.rank),
        csv_cell(entry.name),
        name,
        *(number(n) for n in numbers),
        *(csv_cell(text) for text in texts),
        source.graded_on.isoformat(),
    ]


def number(value: float | None) -> str:
    """Return a number for CSV; what is missing is an empty cell."""
    return "" if value is None else f"{value:.10g}"


def check_sums(files: Mapping[PurePosixPath, bytes]) -> bytes:
    """Return a file that `sha256sum --check` understands."""
    lines = [
        f"{hashlib.sha256(data).hexdigest()}  {path}\n"
        for path, data in sorted(files.items())
    ]
    return "".join(lines).encode()
