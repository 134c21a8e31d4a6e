"""What every text for a terminal is laid out with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from tabulate import SEPARATING_LINE, tabulate

from grader.reports.display import terminal

WIDTH: Final = 80
_NAMES: Final = {"l": "left", "r": "right"}


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Return lines of a name and what it is, cleaned for a terminal."""
    return "\n".join(f"{name:<10} {terminal(text, WIDTH - 11)}" for name, text in rows)


def table(rows: Sequence[Sequence[str]], headers: Sequence[str], align: str) -> str:
    """Lay out rows; `align` has one of "l" and "r" per column."""
    # The headers go in as a row: as headers, tabulate would widen each column by two.
    return tabulate(
        [list(headers), SEPARATING_LINE, *rows],
        tablefmt="simple",
        disable_numparse=True,  # else "02" becomes 2
        colalign=[_NAMES[a] for a in align],
    )
