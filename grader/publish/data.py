"""The machine-readable side of the site: JSON, its schema, CSV, check sums."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from grader.models.base import Model
from grader.publish.models import Board, Entry, Leaderboard, MilestoneScore
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
    lines = [f"{_joined(HEADERS)}\r\n"]
    for board in leaderboard.boards:
        for entry in board.entries:
            lines += _lines(board, entry)
    return "".join(lines).encode()


def _joined(cells: Sequence[str]) -> str:
    """Return cells as a part of a line of CSV, quoted where they need it."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


@lru_cache(maxsize=16384)
def _cell(text: str) -> str:
    """Return a text of people as one cell; most rows of a board share most of them."""
    return _joined([csv_cell(text), ""])[:-1]  # alone, an empty one would be quoted


def _parts(entry: Entry) -> list[str]:
    """Return name and numbers of every part: earned, points, metric, time, memory."""
    # The names of parts are of letters, digits and underscores.
    return [
        _scored("total", entry.total, entry.points),
        *(_scored(f"module {m.name}", m.earned, m.points) for m in entry.modules),
        *(f"milestone {m.name},{_numbers(m)}" for m in entry.milestones),
    ]


@lru_cache(maxsize=16384)
def _scored(part: str, earned: float | None, points: float) -> str:
    return f"{part},{number(earned)},{number(points)},,,"


def _numbers(stone: MilestoneScore) -> str:
    numbers = (stone.metric, stone.cpu_s, stone.peak_memory_bytes)
    return ",".join(map(number, (stone.earned, stone.points, *numbers)))


def _lines(board: Board, entry: Entry) -> list[str]:
    """Return the lines of an entry; what they share is put together once."""
    source = entry.provenance
    texts = (source.tier, source.host_class, source.engine)
    name = _cell(entry.name)
    head = f"{_cell(board.round)},{board.profile},{number(entry.rank)},{name}"
    tail = ",".join([source.submission, *map(_cell, texts), str(source.graded_on)])
    return [f"{head},{part},{tail}\r\n" for part in _parts(entry)]


def number(value: float | None) -> str:
    """Return a number for CSV; what is missing is an empty cell."""
    return "" if value is None else f"{value:.10g}"


def check_sums(files: Mapping[PurePosixPath, bytes]) -> bytes:
    """Return a file that `sha256sum --check` understands."""
    named = sorted((str(path), data) for path, data in files.items())
    sums = (f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in named)
    return "".join(sums).encode()
