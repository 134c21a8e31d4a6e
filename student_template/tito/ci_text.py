"""Text from strangers for a CI server, made harmless: one function for each surface."""

from __future__ import annotations

import html
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tito.screen import clean, cut

SHORT, LONG = 160, 2000  # characters of a cell, and of a block or message


def line(text: str, most: int = SHORT) -> str:
    """Return text on one line, nothing in it that a program would obey."""
    return cut(" ".join(clean(text[: 4 * most]).split()), most)


def block(text: str, most: int = LONG) -> str:
    """Return several lines of text, nothing in them that a program would obey."""
    return cut(clean(text[: 4 * most].replace("\r\n", "\n")), most).strip("\n")


def log(text: str) -> str:
    """Return a line for the log that the runner cannot take for a command."""
    return line(text).replace("::", ": :").replace("##[", "# #[")


def cell(text: str, most: int = SHORT) -> str:
    """Return text as code for Markdown, in a table too.

    Every character but letters, digits and spaces is written as a number, so that
    neither Markdown nor HTML, nor what a server adds to them, sees anything in it.
    """
    inside = "".join(
        char if char.isalnum() or char == " " else f"&#{ord(char)};"
        for char in line(text, most)
    )
    return f"<code>{inside}</code>" if inside else ""


def pre(text: str, most: int = LONG) -> str:
    """Return text as a block for Markdown or HTML."""
    return f"<pre>\n{html.escape(block(text, most))}\n</pre>"


def command(name: str, message: str, **properties: str | int) -> str:
    """Return a workflow command: `::error file=a.py,line=2,title=...::...`."""
    words = ",".join(
        f"{key}={_data(line(str(value))).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in properties.items()
        if value
    )
    return f"::{name}{f' {words}' if words else ''}::{_data(block(message))}"


def _data(text: str) -> str:
    """Escape as the runner unescapes; the percent sign first."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


@contextmanager
def commands_stopped() -> Iterator[None]:
    """Let the runner obey nothing that is printed inside."""
    token = secrets.token_hex(16)
    click.echo(f"::stop-commands::{token}")
    try:
        yield
    finally:
        click.echo(f"\n::{token}::")  # what was printed may end without a line break
