"""What the course's grading found wrong, as notes at lines of the student's files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tito.ci_annotations import MOST
from tito.ci_places import Place, Places
from tito.ci_text import command, line
from tito.ci_verdict import kind_of, label_of, object_of, rows_of, told

_WHERE = re.compile(r"([\w./-]{1,200}\.py):(\d{1,6})(?:, in .*)?", re.DOTALL)
HELD = ("passed", "blocked", "inconclusive")  # nothing to put right in that place


def annotations(verdict: dict[str, Any], places: Places | None) -> Iterator[str]:
    """Yield workflow commands: the first failure of each module, then second ones.

    Args:
        places: None where the files here are not those that were graded.
    """
    found: list[tuple[int, int, str]] = []
    for number, module in enumerate(rows_of(verdict, "modules")):
        bad = [c for c in rows_of(module, "checks") if kind_of(c) not in HELD]
        found += [
            (depth, number, _command(module, check, places))
            for depth, check in enumerate(bad)
        ]
    yield from [text for _depth, _number, text in sorted(found)][:MOST]


def _command(
    module: dict[str, Any], check: dict[str, Any], places: Places | None
) -> str:
    todo = kind_of(check) == "not_implemented"
    title = f"{label_of(module)}: {line(str(check.get('title', '')))}"
    place = _place(check, places) if places else Place()
    text = told(object_of(check.get("outcome")))
    kind = "notice" if todo else "error"
    return command(kind, text, file=place.file, line=place.line, title=title)


def _place(check: dict[str, Any], places: Places) -> Place:
    """Return the line that raised, or of the function that the task is about."""
    where = str(object_of(check.get("outcome")).get("where", ""))
    match = _WHERE.fullmatch(where)
    file, number = (match[1], int(match[2])) if match else ("", 0)
    name = str(check.get("id", "")).partition("::")[2]
    return places.at(file, number, str(check.get("task", "")), name)
