"""`csv`: a line a student, a column a module and milestone, and what makes the mark.

The columns of parts add up to `earned`; less `penalty` that is `mark`, unless staff set
the whole, which `override` shows.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from grader.exports.gradebook import Gradebook, Row, decimal, shown
from grader.reports.display import csv_cell
from grader.roster import Person

HEAD: Final = ("student", "name", "email", "round", "profile", "state")
MARK: Final = ("earned", "of", "late_days", "penalty", "override", "mark")
LAST: Final = (
    *("comment", "team", "due_at", "submitted_at"),
    *("graded_at", "submission", "document", "engine"),
)


def write(book: Gradebook) -> bytes:
    """Return the table; what was not judged is empty, with its total."""
    columns = {part.key: part.label for row in book.rows for part in row.parts}
    rows = [[*HEAD, *MARK, *columns.values(), *LAST]]
    rows += [_line(book, row, list(columns)) for row in book.rows]
    return table(rows)


def table(rows: Iterable[Sequence[str]]) -> bytes:
    """Return CSV in which no cell is a formula and no line breaks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def _line(book: Gradebook, row: Row, columns: Sequence[str]) -> list[str]:
    person, mark = row.person or Person(row.student), row.mark
    parts = {p.key: decimal(p.earned) for p in row.parts if p.judged}
    return [
        *(row.student, person.full_name, person.email),
        *(book.round, book.profile, row.state),
        *(row.earned, shown(mark.points)),
        str(mark.late_days) if row.result else "",
        *(shown(mark.penalty), shown(mark.override), row.final),
        *(parts.get(key, "") for key in columns),
        *(mark.comment, mark.team, moment(mark.due_at), moment(mark.submitted_at)),
        *_last(row),
    ]


def _last(row: Row) -> list[str]:
    if row.stored is None:
        return ["", "", "", ""]
    result = row.stored.summary
    graded = moment(result.started_at)
    return [graded, result.submission, row.stored.digest, result.engine]


def moment(at: datetime | None) -> str:
    """Return a time to the second; empty where there is none."""
    return at.isoformat(timespec="seconds") if at else ""
