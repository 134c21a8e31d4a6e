"""`nbgrader`: the columns of `nbgrader export`.

nbgrader writes them without quoting and gives a zero to who handed in nothing; here
cells are quoted as CSV asks, and nothing that was not judged is a number. `duedate` is
the round's, as there; a student's own date shows in the penalty. `score` is the mark.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from grader.exports.gradebook import Gradebook, Row, shown
from grader.exports.spreadsheet import table
from grader.roster import Person

COLUMNS: Final = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name"),
    *("email", "raw_score", "late_submission_penalty", "score", "max_score"),
)


def write(book: Gradebook) -> bytes:
    """Return a line a student; scores that were not judged are empty."""
    return table([COLUMNS, *(_line(book, row) for row in book.rows)])


def _line(book: Gradebook, row: Row) -> list[str]:
    person, mark = row.person or Person(row.student), row.mark
    first, last = person.names
    result = row.result
    handed_in, most = "", book.points / 100
    if result:
        handed_in = _utc(mark.submitted_at or result.started_at)
        most = result.points
    return [
        book.assignment,
        _utc(book.policy.due_at) if book.policy.due_at else "",
        handed_in,
        row.student,
        last,
        first,
        person.email,
        row.earned,
        shown(mark.penalty),
        row.final,
        f"{most:.2f}",
    ]


def _utc(at: datetime) -> str:
    """Return a time as nbgrader writes it: UTC, without saying so."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
