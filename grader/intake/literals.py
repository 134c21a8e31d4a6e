"""Data in source files: what trained weights look like when a package carries them.

A note and never a verdict: staff look at the place. Nothing is parsed, since a source
may be made to cost a parser everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

LONG_LINE: Final = 1000  # characters; people break lines before
MANY_LINES: Final = 30  # in a row that hold nothing but data
_NUMBERS: Final = re.compile(r"[\s\d.,eExX+\-\[\](){}]*[\d][\s\d.,eExX+\-\[\](){}]*")
_PACKED: Final = re.compile(r"""\s*[bru]*["']?[^\s"']{40,}["']?,?\\?\s*""")


def data_lines(text: str) -> int:
    """Return the first line from which on `text` holds data, counted from 1; else 0."""
    started = 0
    for number, line in _lines(text):
        if len(line) > LONG_LINE:
            return number
        if not (_NUMBERS.fullmatch(line) or _PACKED.fullmatch(line)):
            started = 0
            continue
        started = started or number
        if number - started + 1 >= MANY_LINES:
            return started
    return 0


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield numbered lines, cut just beyond what is too long in any case."""
    for number, line in enumerate(text.split("\n"), start=1):
        yield number, line[: LONG_LINE + 1]
