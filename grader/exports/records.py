"""`json`: what `csv` says, as data; names and ids are exactly as they were given."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from grader.exports.gradebook import Gradebook, Row
from grader.marks.words import policy_words


def write(book: Gradebook) -> bytes:
    """Return one object; what was not judged is null, with its total."""
    value = {
        "schema_version": 2,
        "round": book.round,
        "profile": book.profile,
        "assignment": book.assignment,
        "policy": policy_words(book.policy),
        "students": [student(row) for row in book.rows],
    }
    # ASCII: a terminal or log obeys nothing in it, and still no character is lost.
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def student(row: Row) -> dict[str, Any]:
    """Return one student; `steps` tell how the mark came about."""
    person, stored, mark = row.person, row.stored, row.mark
    result = row.result
    return {
        "student": row.student,
        "name": person.full_name if person else "",
        "email": person.email if person else "",
        "team": mark.team,
        "state": row.state,
        "earned": _points(mark.earned),
        "points": result.points if result else None,
        "late_days": mark.late_days if result else None,
        "penalty": _points(mark.penalty),
        "override": _points(mark.override),
        "mark": _points(mark.value),
        "comment": mark.comment,
        "steps": list(mark.steps),
        "parts": {
            part.key: {
                "earned": part.earned / 100 if part.judged else None,
                "points": part.points / 100,
            }
            for part in row.parts
        },
        "due_at": _moment(mark.due_at),
        "submitted_at": _moment(mark.submitted_at),
        "graded_at": _moment(result.started_at if result else None),
        "submission": result.submission if result else None,
        "document": stored.digest if stored else None,
        "engine": result.engine if result else None,
    }


def _points(value: int | None) -> float | None:
    return None if value is None else value / 100


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
