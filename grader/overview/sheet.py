"""`csv`: a line a module, milestone, check, mistake and student; `json`: the value.

The columns are documented in docs/how-to/overview.md; a column that a kind of line has
no use for is empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from grader.exports.spreadsheet import table
from grader.overview.models import BINS, Check, Mistake, Overview, Part, Stuck, Who
from grader.reports import units

COLUMNS: Final = (
    *("kind", "key", "number", "title", "points"),
    *("graded", "not_judged", "no_result"),
    *("mean", "least", "lower_quartile", "median", "upper_quartile", "most"),
    *("full_marks", "untouched", "reached", "metric", "metric_median"),
    *("cpu_s_median", *(f"bin_{i}" for i in range(1, BINS + 1))),
    *("wrong", "raised", "stopped", "blocked", "todo", "unjudged"),
    *("held_checks", "held_students", "mistake", "mistaken"),
    *("student", "name", "earned", "attempts", "since", "latest", "check"),
)

Line = dict[str, object]


def to_csv(made: Overview) -> str:
    """Return the table; counts are of students, points have two decimals."""
    rows = [[_cell(line.get(name)) for name in COLUMNS] for line in _lines(made)]
    return table([COLUMNS, *rows]).decode()


def to_json(made: Overview) -> str:
    """Return one object, in ASCII: a terminal or log obeys nothing in it."""
    return json.dumps(made.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"


def _lines(made: Overview) -> Iterator[Line]:
    for part in (made.total, *made.modules, *made.milestones):
        yield _part(part)
    yield from map(_check, made.checks)
    yield from map(_mistake, made.mistakes)
    yield from map(_stuck, made.stuck)
    yield from map(_without, made.without)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _part(part: Part) -> Line:
    line = part.model_dump(include=set(COLUMNS)) | {
        "full_marks": part.full,
        "metric": part.metric_name,
        "metric_median": None if part.metric is None else f"{part.metric:.6g}",
        "cpu_s_median": None if part.cpu_s is None else units.seconds(part.cpu_s),
        "held_checks": part.held.checks if part.kind == "module" else None,
        "held_students": part.held.students if part.kind == "module" else None,
    }
    line |= {f"bin_{i}": count for i, count in enumerate(part.bins, start=1)}
    if part.spread:
        line |= part.spread.model_dump(include={"mean", "least", "median", "most"})
        line["lower_quartile"] = part.spread.lower
        line["upper_quartile"] = part.spread.upper
    return line


def _check(check: Check) -> Line:
    return check.model_dump(include=set(COLUMNS)) | {
        "kind": "check",
        "key": check.id,
        "graded": check.students,
        "held_checks": check.held.checks,
        "held_students": check.held.students,
        "mistaken": check.mistaken or None,
    }


def _mistake(mistake: Mistake) -> Line:
    ids = " ".join(found.id for found in mistake.checks)
    return {
        "kind": "mistake",
        "key": mistake.checks[0].id,
        "title": mistake.text,
        "mistaken": mistake.students,
        "check": ids,
    }


def _stuck(stuck: Stuck) -> Line:
    return stuck.model_dump(include={"number", "title", "points", "earned"}) | {
        "kind": "stuck",
        "key": stuck.module,
        "student": stuck.who.student,
        "name": stuck.who.name,
        "attempts": stuck.attempts,
        "since": stuck.since.isoformat(timespec="seconds"),
        "latest": stuck.latest.isoformat(timespec="seconds"),
        "check": stuck.check,
        "mistake": stuck.mistake,
    }


def _without(who: Who) -> Line:
    return {"kind": "without", "student": who.student, "name": who.name}
