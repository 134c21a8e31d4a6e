"""Who is in the course: names and ids that only a gradebook needs."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Final

from grader.errors import ConfigError

MOST_BYTES: Final = 16 << 20
COLUMNS: Final = (
    "student, name, first_name, last_name, email, id, sis_id, login, section"
)


@dataclass(frozen=True)
class Person:
    """One line of a roster; what it does not tell is empty."""

    student: str  # as in our reports
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    id: str = ""  # the gradebook's own number
    sis_id: str = ""
    login: str = ""
    section: str = ""

    @property
    def full_name(self) -> str:
        """The name as it is written, or first and last name."""
        return self.name or f"{self.first_name} {self.last_name}".strip()

    @property
    def names(self) -> tuple[str, str]:
        """First and last name, taken from the whole one where they are not told."""
        if self.first_name or self.last_name:
            return self.first_name, self.last_name
        if "," in self.name:
            last, _, first = self.name.partition(",")
        else:
            first, _, last = self.name.rpartition(" ")
        return first.strip(), last.strip()


def read_roster(data: bytes) -> dict[str, Person]:
    """Return the people of a CSV roster by student; other columns are ignored.

    Raises:
        ConfigError: it is no CSV, has no column `student`, or a student stands twice.
    """
    if len(data) > MOST_BYTES:
        msg = f"a roster of {len(data)} bytes"
        raise ConfigError(msg, hint=f"at most {MOST_BYTES}; columns: {COLUMNS}")
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        rows = list(csv.reader(text, strict=True))
    except (UnicodeDecodeError, csv.Error) as exc:
        msg = f"the roster is no CSV file: {exc}"
        raise ConfigError(msg, hint="save it as CSV, in UTF-8") from exc
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if "student" not in header:
        msg = "the roster has no column `student`"
        raise ConfigError(msg, hint=f"columns: {COLUMNS}")
    known = Person.__dataclass_fields__.keys()
    people: dict[str, Person] = {}
    for number, row in enumerate(rows[1:], start=2):
        cells = {n: c.strip() for n, c in zip(header, row, strict=False) if n in known}
        student = cells.get("student", "")
        if student in people:
            msg = f"{student!r} stands twice in the roster, again in row {number}"
            raise ConfigError(msg, hint="leave one out")
        if student:
            people[student] = Person(**cells)
    return people
