"""Python source as a stream of plain tokens, whatever a stranger wrote.

One regular expression reads the text from left to right; every alternative is
possessive or a single character, and a string that does not end takes what is left, so
that no input costs more than its length. Nothing is parsed and nothing recurses:
`tokenize` refuses half-written files and differs between versions of Python, and what
two submissions have in common must not depend on either.

Names, strings and numbers become one token each. Comments, imports and strings that
stand alone (docstrings) are dropped, layout too.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field
from typing import Final

BREAK: Final = 0  # between tokens that do not follow each other; equals nothing
NAME: Final = 1
STRING: Final = 2
NUMBER: Final = 3
OTHER: Final = 4
COMMA: Final = 5
LITERALS: Final = (STRING, NUMBER)

_OPS: Final = re.findall(
    r"\S+",
    "-> := ** // << >> += -= *= /= %= @= &= |= ^= **= //= <<= >>= == != <= >= ... "
    "( ) [ ] { } . : ; + - * / % @ & | ^ ~ = < > !",
)
CODES: Final = {",": COMMA} | {
    word: code
    for code, word in enumerate([*_OPS, *sorted(keyword.kwlist)], start=COMMA + 1)
}
_SIGNS: Final = "|".join(
    re.escape(op)
    for op in sorted([",", *_OPS], key=len, reverse=True)
    if op not in "()[]{}"
)
_STRING: Final = (
    r"[rRbBuUfF]{0,2}"
    r"(?:'''(?:[^'\\]++|\\.|'(?!''))*+'''"
    r'|"""(?:[^"\\]++|\\.|"(?!""))*+"""'
    r"|(?!'''|\"\"\")"
    r"(?:'(?:[^'\\\n]++|\\.)*+'?"
    r'|"(?:[^"\\\n]++|\\.)*+"?))'
)
_WORDS: Final = 1  # the group of names, keywords and signs: most tokens
_NAME: Final = rf"([^\W\d]\w*+|(?!\.\d)(?:{_SIGNS}))"
_REST: Final = (
    r"|(\.?\d(?:[eE][+-]?\d|[\w.])*+)"
    r"|(\n)"
    r"|(#[^\n]*+|\\\n|\s)"
    r"|(.)"
)
_TOKEN: Final = re.compile(
    rf"[ \t]*+(?:(?![rRbBuUfF]{{1,2}}['\"]){_NAME}|({_STRING}){_REST})", re.DOTALL
)
_PLAIN: Final = re.compile(rf"[ \t]*+(?:{_NAME}|(?!)(){_REST})", re.DOTALL)
# These cannot stand inside brackets: a bracket before them was never closed.
_STARTS: Final = frozenset(
    {"def", "class", "return", "raise", "import", "while", "try", "with", "pass", "del"}
)
_IMPORTS: Final = frozenset({"import", "from"})
_CODE: Final = CODES.get
_QUOTES: Final = frozenset("'\"")


@dataclass(frozen=True)
class Line:
    """One logical line: its text without layout, its tokens, and their rows."""

    text: str
    codes: bytes
    rows: tuple[int, ...]


@dataclass(slots=True)
class _Scanner:
    """Collects logical lines; a method for each kind of token but the commonest."""

    strings: bool = True  # quotes begin strings
    closed: bool = True  # and every string ended
    lines: list[Line] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    codes: bytearray = field(default_factory=bytearray)
    rows: list[int] = field(default_factory=list)  # filled up when the row ends
    row: int = 1
    depth: int = 0

    def run(self, text: str, pattern: re.Pattern[str]) -> None:
        """Read `text`; stop at a string of several lines that never ends."""
        words, codes = self.words, self.codes
        take = (self.string, self.number, self.newline, self.skip, self.bracket)
        # Blanks at the end would be tried from each of them on.
        for found in pattern.finditer(text.rstrip()):
            kind = found.lastindex or 0
            word = found[kind]
            if kind == _WORDS:
                if self.depth and word in _STARTS:
                    self.flush()
                words.append(word)
                codes.append(_CODE(word, NAME))
            else:
                take[kind - 2](word)
                if not self.closed:
                    return
        self.flush()

    def string(self, word: str) -> None:
        self.literal(word, STRING)
        if "\n" in word:
            self.end_row(word.count("\n"))

    def number(self, word: str) -> None:
        self.literal(word, NUMBER)

    def literal(self, word: str, code: int) -> None:
        """Take a literal; rows of literals, as in a table of data, count as one."""
        self.words.append(word)
        codes = self.codes
        if len(codes) > 1 and codes[-1] == COMMA and codes[-2] in LITERALS:
            del codes[-1], self.rows[len(codes) :]
        elif not codes or codes[-1] not in LITERALS:
            codes.append(code)

    def bracket(self, word: str) -> None:
        """Take a bracket or a sign that means nothing, such as a quote."""
        if word in "([{":
            self.depth += 1
        elif word in ")]}":
            self.depth = max(0, self.depth - 1)
        elif word in _QUOTES and self.strings:
            self.closed = False
        self.words.append(word)
        self.codes.append(_CODE(word, OTHER))

    def newline(self, _: str) -> None:
        if self.depth:
            self.end_row(1)
        else:
            self.flush()
            self.row += 1

    def skip(self, word: str) -> None:
        if word == "\\\n":
            self.end_row(1)

    def end_row(self, count: int) -> None:
        """Go `count` rows down inside a logical line."""
        self.rows += [self.row] * (len(self.codes) - len(self.rows))
        self.row += count

    def flush(self) -> None:
        """End the logical line; imports and strings that stand alone are dropped."""
        self.depth = 0
        words, codes = self.words, self.codes
        if not words:
            return
        if words[0] not in _IMPORTS and (len(codes) > 1 or codes[0] != STRING):
            self.end_row(0)
            self.lines.append(Line(" ".join(words), bytes(codes), tuple(self.rows)))
        words.clear()
        codes.clear()
        self.rows.clear()


def scan(text: str) -> tuple[list[Line], bool]:
    """Return the logical lines of `text`, and whether it was read as Python.

    Where a string never ends, the text is read again as words and signs: what stands
    after the quotes would be one long string otherwise.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    scanner = _Scanner()
    scanner.run(text, _TOKEN)
    if scanner.closed:
        return scanner.lines, True
    plain = _Scanner(strings=False)
    plain.run(text, _PLAIN)
    return plain.lines, False


def decoded(data: bytes) -> tuple[str, str]:
    """Return the text of a file, and what is odd about it ("" where nothing is)."""
    try:
        text, odd = data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        text, odd = data.decode("latin-1"), "not UTF-8"
    if "\0" in text:
        text, odd = text.replace("\0", " "), odd or "has NUL bytes"
    return text, odd
