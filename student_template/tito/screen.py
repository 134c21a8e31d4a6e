"""What reaches the terminal: harmless text, in colour and with symbols where wanted."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass

import click

WIDTH = 80
COLOURS = re.compile(r"(\x1b\[[0-9;]{0,20}m)")


@dataclass(frozen=True)
class Look:
    """What this terminal can show."""

    colour: bool
    symbols: bool  # beyond ASCII
    width: int

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour of click's, or as it is."""
        return click.style(text, fg=colour) if self.colour and colour else text


def look() -> Look:
    """Ask the environment: NO_COLOR, TERM=dumb, a pipe, an encoding without symbols."""
    plain = os.environ.get("TERM") == "dumb"
    shown = sys.stdout.isatty() and not plain and not os.environ.get("NO_COLOR")
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "●◐○│".encode(encoding)
        symbols = not plain
    except (UnicodeEncodeError, LookupError):
        symbols = False
    columns = shutil.get_terminal_size((WIDTH, 24)).columns
    return Look(shown, symbols, max(40, min(WIDTH, columns)))


def clean(text: str) -> str:
    """Return one line or more with nothing in it that a terminal would obey."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else ascii(char)[1:-1]
        for char in text
    )


def clean_output(text: str, *, colour: bool) -> str:
    """Return the output of a program: colours may stay, anything else is shown."""
    pieces = COLOURS.split(text.replace("\r\n", "\n"))
    kept = [
        (piece if colour else "") if COLOURS.fullmatch(piece) else clean(piece)
        for piece in pieces
    ]
    return "".join(kept)


def cut(text: str, width: int) -> str:
    """Return text that is no wider; three dots say that something is missing."""
    return text if len(text) <= width else text[: max(0, width - 3)] + "..."


def say(text: str = "", colour: str = "") -> None:
    """Print a line, made harmless."""
    seen = look()
    click.echo(seen.paint(clean(text), colour), color=seen.colour)


def seconds(value: float) -> str:
    """Return a time as people read it: "0.84 s", "12 s", "3 min 20 s"."""
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 119.5:
        return f"{value:.0f} s"
    return f"{round(value) // 60} min {round(value) % 60:02} s"


def mebibytes(count: int | None) -> str:
    """Return bytes as MiB; "?" where the system does not tell."""
    return "?" if count is None else f"{count / 2**20:.0f} MiB"
