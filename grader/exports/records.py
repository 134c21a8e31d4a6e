"""`json`: what `csv` says, as data; names and ids are exactly as they were given."""

from __future__ import annotations

import json
from typing import Any

from grader.exports.gradebook import Gradebook, Row


def write(book: Gradebook) -> bytes:
    """Return one object; what was not judged is null, with its total."""
    value = {
        "schema_version": 1,
        "round": book.round,
        "profile": book.profile,
        "assignment": book.assignment,
        "students": [_student(row) for row in book.rows],
    }
    # ASCII: a terminal or log obeys nothing in it, and still no character is lost.
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def _student(row: Row) -> dict[str, Any]:
    person, stored = row.person, row.stored
    result = row.result
    return {
        "student": row.student,
        "name": person.full_name if person else "",
        "email": person.email if person else "",
        "state": row.state,
        "earned": float(row.earned) if row.earned else None,
        "points": result.points if result else None,
        "parts": {
            part.key: {
                "earned": part.earned / 100 if part.judged else None,
                "points": part.points / 100,
            }
            for part in row.parts
        },
        "graded_at": result.started_at.isoformat() if result else None,
        "submission": result.submission if result else None,
        "document": stored.digest if stored else None,
        "engine": result.engine if result else None,
    }
