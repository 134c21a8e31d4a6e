"""`canvas`: a file for the gradebook's import.

Canvas takes any row whose first cell contains "Points Possible" for the points of the
assignments, and any column named like its own totals for one of them; neither a
student's name nor a title may be that.
"""

from __future__ import annotations

import re
from typing import Final

from grader.errors import UsageError
from grader.exports.gradebook import Gradebook, Row, decimal
from grader.exports.spreadsheet import table
from grader.roster import Person

HEADER: Final = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_OWN: Final = re.compile(r"(Current|Final|Override) (Score|Points|Grade|Status)")
_POINTS_ROW: Final = re.compile(r"Points(\s+)Possible")


def write(book: Gradebook) -> bytes:
    """Return the mark of every student; who was not judged has an empty cell.

    Who has neither mark nor result is left out, because Canvas replaces what it has by
    an empty cell.

    Raises:
        UsageError: the title is one of Canvas's own columns.
    """
    title = book.assignment.replace(";", " ")  # semicolons in a header are delimiters
    if _OWN.search(title) or title in HEADER:
        msg = f"Canvas does not import a column {title!r}"
        raise UsageError(msg, hint='name another: `--assignment "TinyTorch (12345)"`')
    counted = [row for row in book.rows if row.result or row.final]
    points = ["Points Possible", "", "", "", "", decimal(book.points)]
    rows = [_line(row, roster=book.roster) for row in counted]
    return table([[*HEADER, title], points, *(row for row in rows if row)])


def _line(row: Row, *, roster: bool) -> list[str]:
    """Return nothing for a student who is not on the roster: Canvas lacks them too."""
    if roster and row.person is None:
        return []
    person = row.person or Person(row.student)
    known = person.id or person.sis_id or person.login
    return [
        _POINTS_ROW.sub(r"Points-Possible", person.full_name or row.student),
        person.id,
        person.sis_id,
        person.login if known else row.student,
        person.section,
        row.final,
    ]
