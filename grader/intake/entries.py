"""The form every kind of submission is brought into before it is judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class ArchiveError(Exception):
    """A submission that is refused; `grader.intake` turns it into the public error."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Kind(Enum):
    """What an entry is; only files are ever read."""

    FILE = auto()
    FOLDER = auto()
    LINK = auto()  # symbolic or hard
    OTHER = auto()  # device, pipe, socket, submodule, encrypted or sparse file


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a submission.

    Attributes:
        parts: the path below the submission's root, composed Unicode.
        size: bytes as the container claims; the reader never trusts it.
        key: how the reader finds the content again.
    """

    parts: tuple[str, ...]
    kind: Kind
    size: int = 0
    key: object = None


class Reader(Protocol):
    """One opened submission: list it, then read a few of its files."""

    def entries(self) -> Iterable[Entry]:
        """List everything that may matter.

        Raises:
            ArchiveError: the container is damaged, unsafe or too large.
        """

    def read(self, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        """Yield the content of each wanted entry, in any order.

        Every size was checked against the limits; a reader stops at the claimed size.

        Raises:
            ArchiveError: content and claim disagree.
        """
