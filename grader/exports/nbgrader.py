"""`nbgrader`: the columns of `nbgrader export`.

nbgrader writes them without quoting and gives a zero to who handed in nothing; here
cells are quoted as CSV asks, and nothing that was not judged is a number.
"""

from __future__ import annotations

from datetime import UTC
from typing import Final

from grader.exports.gradebook import Gradebook, Row
from grader.exports.roster import Person
from grader.exports.spreadsheet import table

COLUMNS: Final = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name"),
    *("email", "raw_score", "late_submission_penalty", "score", "max_score"),
)


def write(book: Gradebook) -> bytes:
    """Return a line a student; scores that were not judged are empty."""
    return table([COLUMNS, *(_line(book, row) for row in book.rows)])


def _line(book: Gradebook, row: Row) -> list[str]:
    person = row.person or Person(row.student)
    first, last = person.names
    result = row.result
    handed_in, most = "", book.points / 100
    if result:
        started = result.started_at.astimezone(UTC)
        handed_in = started.strftime("%Y-%m-%d %H:%M:%S")
        most = result.points
    return [
        book.assignment,
        "",
        handed_in,
        row.student,
        last,
        first,
        person.email,
        row.earned,
        "0.00" if row.earned else "",
        row.earned,
        f"{most:.2f}",
    ]
