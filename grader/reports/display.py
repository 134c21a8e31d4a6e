"""Text from strangers, made harmless for the surface it is shown on.

One function per surface. All begin with `safe_text`, which makes control and
bidirectional characters visible instead of obeying them, and bounds the length before
anything else is done, so that a megabyte costs no more than a page.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final

DEFAULT_LIMIT: Final = 4000
MARKS_IN_A_ROW: Final = 3  # real scripts need two or three; more only stack upwards
_FORMULA: Final = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")  # also their wide twins
_HIDDEN: Final = {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"}


def safe_text(text: str, *, limit: int = DEFAULT_LIMIT) -> str:
    """Return `text` with nothing in it that a program could obey.

    Newlines stay and tabs become spaces. Other control, format, surrogate, private and
    unassigned characters are written out as escapes; runs of combining marks are cut.

    Args:
        text: anything, of any length.
        limit: longest result in characters, not counting the note on what was cut.
    """
    head = text[:limit]
    if not (head.isascii() and head.isprintable()):
        head = _visible(head)[:limit]
    if len(text) <= limit:
        return head
    return f"{head}... ({len(text)} characters)"


def _visible(text: str) -> str:
    shown: list[str] = []
    marks = 0
    for char in text.replace("\r\n", "\n").replace("\t", "    "):
        kind = unicodedata.category(char)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > MARKS_IN_A_ROW:
            continue
        hidden = kind in _HIDDEN and char != "\n"
        shown.append(_escape(char) if hidden else char)
    return "".join(shown)


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def one_line(text: str, *, limit: int = 300) -> str:
    """Return `safe_text` without line breaks and runs of spaces."""
    return " ".join(safe_text(text, limit=limit).split())


def columns(text: str) -> int:
    """Return the width of `text` on a terminal, in columns."""
    return len(text) if text.isascii() else sum(_width(char) for char in text)


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def terminal(text: str, width: int) -> str:
    """Return `text` on one line of at most `width` columns."""
    line = one_line(text, limit=4 * width)
    if columns(line) <= width:
        return line
    kept, used = [], 3
    for char in line:
        used += _width(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "..."


def csv_cell(text: str) -> str:
    """Return `text` on one line, so that no spreadsheet takes it for a formula."""
    line = one_line(text)
    return f"'{line}" if text.lstrip(" \n").startswith(_FORMULA) else line


def markdown(text: str) -> str:
    """Return `text` on one line with the characters of Markdown and HTML escaped."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~&@:])", r"\\\1", one_line(text))


def workflow_log(text: str) -> str:
    """Return `text` for a CI log: no line of it can be a workflow command."""
    return re.sub(r"::|##\[", lambda found: " ".join(found[0]), safe_text(text))


def markdown_code(text: str) -> str:
    """Return `text` on one line as code for Markdown, fit for a table.

    All but letters, digits and spaces is written as a number: neither Markdown nor
    HTML, nor mentions, formulas and emoji that a server adds, are seen in it.
    """
    inside = "".join(
        char if char.isalnum() or char == " " else f"&#{ord(char)};"
        for char in one_line(text)
    )
    return f"<code>{inside}</code>" if inside else ""


def markdown_block(text: str) -> str:
    """Return `text` as a preformatted block for Markdown."""
    return f"<pre>\n{html.escape(safe_text(text)).strip()}\n</pre>"


def workflow_command(name: str, message: str, **properties: str) -> str:
    """Return one workflow command, `::error file=a.py,line=2::message`.

    `message` may have several lines; the runner turns the escapes back.
    """
    words = ",".join(
        f"{key}={_command_property(value)}"
        for key, value in properties.items()
        if value
    )
    head = f"{name} {words}" if words else name
    return f"::{head}::{_command_data(safe_text(message))}"


def _command_property(text: str) -> str:
    return _command_data(one_line(text)).replace(":", "%3A").replace(",", "%2C")


def _command_data(text: str) -> str:
    """Escape as the runner unescapes; the percent sign first."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
