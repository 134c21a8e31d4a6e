"""`csv`: a line a student, a column a module and milestone."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from grader.exports.gradebook import Gradebook, Row, decimal
from grader.exports.roster import Person
from grader.reports.display import csv_cell

FIXED: Final = ("student", "name", "email", "round", "profile", "state", "earned", "of")
LAST: Final = ("graded_at", "submission", "document", "engine")


def write(book: Gradebook) -> bytes:
    """Return the table; what was not judged is empty, with its total."""
    columns = {part.key: part.label for row in book.rows for part in row.parts}
    rows = [[*FIXED, *columns.values(), *LAST]]
    rows += [_line(book, row, list(columns)) for row in book.rows]
    return table(rows)


def table(rows: Iterable[Sequence[str]]) -> bytes:
    """Return CSV in which no cell is a formula and no line breaks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([csv_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def _line(book: Gradebook, row: Row, columns: Sequence[str]) -> list[str]:
    person = row.person or Person(row.student)
    head = [row.student, person.full_name, person.email, book.round, book.profile]
    parts = {p.key: decimal(p.earned) for p in row.parts if p.judged}
    stored = row.stored
    if stored is None:
        return [*head, row.state, "", "", *("" for _ in columns), *("" for _ in LAST)]
    result = stored.summary
    return [
        *head,
        row.state,
        row.earned,
        f"{result.points:.2f}",
        *(parts.get(key, "") for key in columns),
        result.started_at.isoformat(timespec="seconds"),
        result.submission,
        stored.digest,
        result.engine,
    ]
