"""Files of submissions as fingerprints, without what was given to everybody."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from grader.models.submission import SourceFile
from grader.similarity.fingerprint import VOID, Hashes, grams, winnow, without
from grader.similarity.scan import BREAK, Line, decoded, scan

GIVEN_TOKENS: Final = 10  # shorter lines, as `else:`, everybody writes anyway
_HEADS: Final = ("def ", "class ", "@ ", "raise NotImplementedError")
_BREAK: Final = bytes([BREAK])


@dataclass(frozen=True)
class Stream:
    """The tokens of a file that are the student's, and the row of each."""

    codes: bytes
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Given:
    """Code that everybody was given: whole lines, and hashes of its tokens, sorted."""

    lines: frozenset[str]
    hashes: Hashes

    def covers(self, line: Line) -> bool:
        """Whether `line` was given word for word and is more than everybody's."""
        if line.text not in self.lines:
            return False
        return len(line.codes) >= GIVEN_TOKENS or line.text.startswith(_HEADS)


@dataclass(frozen=True)
class Document:
    """One file; its text is packed, since few files of a class are ever shown."""

    student: int  # index into the class
    path: str
    packed: bytes
    hashes: Hashes  # sorted, each once

    @property
    def text(self) -> str:
        return decoded(zlib.decompress(self.packed))[0]


def given_code(files: Iterable[SourceFile]) -> Given:
    """Return what is in `files`, which students started from."""
    read = [scan(decoded(file.data)[0])[0] for file in files]
    streams = (b"".join(line.codes for line in lines) for lines in read)
    hashes = np.unique(grams(_BREAK.join(streams)))
    lines = frozenset(line.text for found in read for line in found)
    return Given(lines, hashes[hashes != VOID])


def stream_of(lines: Iterable[Line], given: Given) -> Stream:
    """Return the tokens of `lines`, with a break where a line was given."""
    codes, rows = bytearray(), list[int]()
    for line in lines:
        if not given.covers(line):
            codes += line.codes
            rows += line.rows
        elif codes and codes[-1] != BREAK:
            codes.append(BREAK)
            rows.append(line.rows[0])
    return Stream(bytes(codes), tuple(rows))


def documents_of(
    student: int, files: Sequence[SourceFile], given: Given
) -> tuple[list[Document], list[tuple[str, str]]]:
    """Return a student's files, and what is odd about which of them."""
    codes, odd = [], []
    for file in files:
        text, problem = decoded(file.data)
        lines, python = scan(text)
        if not python:
            problem = "a string never ends: compared by words"
        if problem:
            odd.append((file.path, problem))
        codes.append(stream_of(lines, given).codes)
    found = [
        Document(student, file.path, zlib.compress(file.data, 1), hashes)
        for file, hashes in zip(files, _fingerprints(codes, given), strict=True)
    ]
    return found, odd


def _fingerprints(codes: Sequence[bytes], given: Given) -> list[Hashes]:
    """Return the fingerprints of each file; all at once, which is many times faster."""
    if not codes:
        return []
    hashes = without(grams(_BREAK.join(codes)), given.hashes)
    chosen = winnow(hashes)
    ends = np.cumsum([len(c) + 1 for c in codes])
    parts = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
    return [np.unique(hashes[part]) for part in parts]
