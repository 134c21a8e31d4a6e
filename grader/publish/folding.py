"""Texts as they are compared when something is looked for: folded, and unescaped.

Folding acts on one character at a time, so that a string folds the same wherever it
stands: small letters, no accents, compatible characters alike, and a space for what is
neither ASCII nor part of a word.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Container, Iterator, Sequence
from functools import cache
from typing import Final
from urllib.parse import unquote_to_bytes

import numpy as np

DEPTH: Final = 3  # escapes within escapes: a URL in JSON in HTML
COMMON: Final = 16  # bytes; shorter runs come again and again
_Plain = Callable[[re.Match[bytes]], bytes]
_Way = tuple[re.Pattern[bytes], _Plain]
_REFERENCE: Final = rb"(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]\w{1,31});?"
_BACKSLASH: Final = rb"(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|[\x20-\x7e])"
# The commonest escapes, behind their first character; `&amp;` may begin another one.
_HTML: Final = {
    "&": (rb"amp;(?![#a-zA-Z])",),
    "<": (b"lt;",),
    ">": (b"gt;",),
    '"': (b"quot;", b"#34;"),
    "'": (b"#39;", b"#x27;"),
}
_JSON: Final = {'"': b'"', "\n": b"n", "\t": b"t", "/": b"/"}


class _Folds(dict[int, str]):
    """What a character folds to, by its code."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code)).upper().casefold()
        plain = unicodedata.normalize("NFKD", plain)
        kept = [c for c in plain if unicodedata.category(c) != "Mn"]
        folded = "".join(c if c.isascii() or c.isalnum() else " " for c in kept)
        self[code] = folded
        return folded


_FOLDS: Final = _Folds()


def fold(data: bytes) -> bytes:
    """Return `data`, UTF-8, as it is compared."""
    low = data.lower()
    if low.isascii():
        return low
    # Runs of other characters, found by numpy: an expression takes ten times as long.
    foreign = np.zeros(len(low) + 2, bool)
    foreign[1:-1] = np.frombuffer(low, np.uint8) >= 0x80
    edges = np.flatnonzero(foreign[1:] != foreign[:-1]).tolist()
    pieces, end = [], 0
    for first, last in zip(edges[0::2], edges[1::2], strict=True):
        pieces += [low[end:first], _folded(low[first:last])]
        end = last
    return b"".join([*pieces, low[end:]])


def _folded(run: bytes) -> bytes:
    return _plain(run) if len(run) <= COMMON else _plain.__wrapped__(run)


@cache
def _plain(run: bytes) -> bytes:
    return run.decode("utf-8", "replace").translate(_FOLDS).encode()


class Unescaper:
    """Undoes escapes of HTML, JSON and URLs where these could hide a string."""

    def __init__(self, alphabet: Container[str], reach: int) -> None:
        """Prepare for many texts.

        Args:
            alphabet: the characters that a string can have; an escape of another one
                is left as it is, unless it hides an escape.
            reach: bytes on both sides of an escape that can be of one string with it.
        """
        self._reach = reach
        dull = [
            way for char, ways in _HTML.items() if char not in alphabet for way in ways
        ]
        quiet = [way for char, way in _JSON.items() if char not in alphabet]
        self._ways: tuple[_Way, ...] = (
            (re.compile(_but(rb"&", dull) + _REFERENCE), _of_html),
            (re.compile(_but(rb"\\", quiet) + _BACKSLASH), _of_json),
            (re.compile(rb"%[0-9a-fA-F]{2}(?:%[0-9a-fA-F]{2})*"), _of_url),
        )

    def views(self, data: bytes, depth: int = DEPTH) -> Iterator[bytes]:
        """Yield `data`, and the surroundings of its escapes with these undone."""
        yield data
        if depth:
            for pattern, plain in self._ways:
                if opened := self._opened(data, pattern, plain):
                    yield from self.views(opened, depth - 1)

    def _opened(self, data: bytes, pattern: re.Pattern[bytes], plain: _Plain) -> bytes:
        """Return the surroundings of what `pattern` finds, with that replaced."""
        windows: list[tuple[int, int]] = []
        for found in pattern.finditer(data):
            first, last = max(0, found.start() - self._reach), found.end() + self._reach
            if windows and first <= windows[-1][1]:
                first = windows.pop()[0]
            windows.append((first, last))
        return b"\0".join(pattern.sub(plain, data[a:b]) for a, b in windows)


def _but(mark: bytes, rests: Sequence[bytes]) -> bytes:
    return mark + (b"(?!" + b"|".join(rests) + b")" if rests else b"")


def _of_html(found: re.Match[bytes]) -> bytes:
    return html.unescape(found[0].decode()).encode("utf-8", "replace")


def _of_url(found: re.Match[bytes]) -> bytes:
    return unquote_to_bytes(found[0])


def _of_json(found: re.Match[bytes]) -> bytes:
    try:
        text = json.loads(b'"' + found[0] + b'"')
    except ValueError:  # no escape of JSON's, as in a pattern
        return found[0][1:]
    return str(text).encode("utf-8", "replace")
