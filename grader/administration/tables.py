"""CSV files of staff: read whole, and every error says where."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from grader.errors import ConfigError, UsageError
from grader.marks.words import UnclearError

MOST_BYTES: Final = 16 << 20
T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One line of a table, by column; `number` counts from 1, with the header."""

    number: int
    cells: dict[str, str]

    def read(self, column: str, how: Callable[[str], T]) -> T:
        """Return a cell as `how` reads it.

        Raises:
            ConfigError: it is no such thing.
            UsageError: it names something that is not there.
        """
        where = f"line {self.number}, column {column}"
        try:
            return how(self.cells.get(column, ""))
        except UnclearError as exc:
            raise ConfigError(f"{where}: {exc}", hint=_whole(exc.hint)) from exc
        except UsageError as exc:
            msg = f"{where}: {exc.message}"
            raise UsageError(msg, hint=_whole(exc.hint)) from exc


def _whole(hint: str) -> str:
    return f"{hint}; nothing was written"


def read_table(data: bytes, needed: tuple[str, ...]) -> list[Line]:
    """Return the lines of a CSV file that are not empty.

    Raises:
        ConfigError: it is no CSV in UTF-8, too large, or lacks a column.
    """
    columns = f"columns: {', '.join(needed)}"
    if len(data) > MOST_BYTES:
        raise ConfigError(f"a table of {len(data)} bytes", hint=f"at most {MOST_BYTES}")
    try:
        rows = list(_rows(data.decode("utf-8-sig")))
    except (UnicodeDecodeError, csv.Error) as exc:
        msg = f"the table is no CSV file: {exc}"
        raise ConfigError(msg, hint="save it as CSV, in UTF-8") from exc
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    for column in needed:
        if column not in header:
            raise ConfigError(f"the table has no column `{column}`", hint=columns)
    lines = [
        Line(number, {n: c.strip() for n, c in zip(header, row, strict=False)})
        for number, row in rows[1:]
    ]
    return [line for line in lines if any(line.cells.values())]


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for row in reader:
        yield reader.line_num, row


def filled(text: str) -> str:
    """Return `text` unless it is empty.

    Raises:
        UnclearError: it is.
    """
    if not text:
        raise UnclearError("there is nothing", "leave no cell empty")
    return text
