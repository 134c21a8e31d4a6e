"""Long tables over several pages: what each page holds, and where a name stands.

A table of up to `WHOLE` rows stands on one page and has no book. A longer one is cut
after every `ROWS` rows, whatever their ranks: where rows of one rank lie on both sides
of a cut, both pages say so. The list of pages and the lists of names are plain links.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

WHOLE: Final = 200  # rows of one page; a class of that size sees all of it at once
ROWS: Final = 100  # of each page of a longer table
OTHERS: Final = "other"  # where names stand that begin with none of a to z


class Row(NamedTuple):
    """What tells one row from others: its rank as shown, its name and its page."""

    rank: str
    name: str
    slug: str


class Sheet(NamedTuple):
    """One page of a long table.

    Attributes:
        number: from 1.
        path: of the page, from the site's root.
        first, last: numbers of its rows, from 1, both included.
        rows: what it holds.
        tied_before, tied_after: the rank that also stands on the page before or after.
    """

    number: int
    path: str
    first: int
    last: int
    rows: tuple[Row, ...]
    tied_before: str
    tied_after: str


class Letter(NamedTuple):
    """The names that begin with one letter, each with the page that has its row."""

    letter: str
    path: str
    names: tuple[tuple[Row, Sheet], ...]


class Book(NamedTuple):
    """A long table.

    Attributes:
        home: the page that has the first rows, from the site's root.
        contents: the page that lists all others, from the site's root.
    """

    title: str
    home: str
    contents: str
    total: int
    sheets: tuple[Sheet, ...]
    letters: tuple[Letter, ...]


def portion(number: int, rows: int) -> slice:
    """Return which rows of a table stand on one of its pages.

    Args:
        number: of the page, from 1.
        rows: that the table has.
    """
    if rows <= WHOLE:
        return slice(0, rows)
    return slice((number - 1) * ROWS, min(number * ROWS, rows))


def book(title: str, home: str, stem: str, rows: Sequence[Row]) -> Book | None:
    """Return how a table lies over pages; None if it is on one.

    Args:
        home: path of the page that has the first rows.
        stem: what paths of all other pages begin with, from the site's root.
    """
    if len(rows) <= WHOLE:
        return None
    sheets = tuple(_sheets(home, stem, rows))
    letters = tuple(_letters(stem, sheets))
    return Book(title, home, f"{stem}-pages.html", len(rows), sheets, letters)


def _sheets(home: str, stem: str, rows: Sequence[Row]) -> Iterator[Sheet]:
    for number in range(1, -(-len(rows) // ROWS) + 1):
        part = portion(number, len(rows))
        yield Sheet(
            number=number,
            path=home if number == 1 else f"{stem}-{number}.html",
            first=part.start + 1,
            last=part.stop,
            rows=tuple(rows[part]),
            tied_before=_tied(rows, part.start),
            tied_after=_tied(rows, part.stop),
        )


def _tied(rows: Sequence[Row], cut: int) -> str:
    """Return the rank that the rows on both sides of a cut share; a dash is none."""
    if not 0 < cut < len(rows):
        return ""
    before, after = rows[cut - 1].rank, rows[cut].rank
    return before if before == after and before[:1].isdigit() else ""


def _letters(stem: str, sheets: Sequence[Sheet]) -> Iterator[Letter]:
    found: dict[str, list[tuple[Row, Sheet]]] = {}
    for sheet in sheets:
        for row in sheet.rows:
            found.setdefault(_letter(row.name), []).append((row, sheet))
    for letter in sorted(found, key=lambda one: (one == OTHERS, one)):
        names = sorted(found[letter], key=lambda n: (n[0].name.casefold(), n[0].slug))
        yield Letter(letter, f"{stem}-names-{letter}.html", tuple(names))


def _letter(name: str) -> str:
    first = unicodedata.normalize("NFKD", name.strip())[:1].casefold()
    return first if re.fullmatch("[a-z]", first) else OTHERS
