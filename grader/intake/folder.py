"""A folder as a submission: no link is followed, no pipe is waited for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from grader.intake.entries import ArchiveError, Entry, Kind
from grader.intake.limits import DEPTH
from grader.intake.names import composed, shown
from grader.intake.select import is_cache, level_of

# NONBLOCK: opening a pipe returns at once, and the type is looked at afterwards.
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderReader:
    """Lists only the places where a package may stand, so .venv costs nothing."""

    def __init__(self, root: Path, package: str) -> None:
        self.root = root
        self.package = package
        # Someone who names the package folder itself means what holds it.
        self.prefix = (package,) if self._is_package() else ()

    def _is_package(self) -> bool:
        inner = (self.root / self.package, self.root / "src" / self.package)
        own = self.root.resolve().name == self.package
        return own and not any(path.is_dir() for path in inner)

    def entries(self) -> Iterator[Entry]:
        yield from self._walk((), self.prefix)

    def _walk(self, raw: tuple[str, ...], parts: tuple[str, ...]) -> Iterator[Entry]:
        with self._opened(raw, FOLDER_FLAGS) as fd, os.scandir(fd) as listing:
            found = sorted(listing, key=lambda item: item.name)
            infos = [(item.name, item.stat(follow_symlinks=False)) for item in found]
        for name, info in infos:
            path, key = (*parts, composed(name)), (*raw, name)
            kind = kind_of(info.st_mode)
            yield Entry(path, kind, info.st_size, key)
            if kind is Kind.FOLDER and self._matters(path):
                yield from self._walk(key, path)

    def _matters(self, path: tuple[str, ...]) -> bool:
        """Whether a package may stand at, above or right below `path`."""
        for length in range(min(len(path), 3)):
            if path[length] == self.package and level_of(path[:length]) is not None:
                below = path[length + 1 :]
                return len(below) <= DEPTH and not is_cache(below)
        return level_of(path) is not None

    def read(self, wanted: Sequence[Entry]) -> Iterator[tuple[Entry, bytes]]:
        for entry in wanted:
            assert isinstance(entry.key, tuple)  # noqa: S101 -- set by _walk
            with self._opened(entry.key, FILE_FLAGS) as fd:
                yield entry, read_regular(fd, entry.size, "/".join(entry.parts))

    @contextmanager
    def _opened(self, raw: tuple[str, ...], flags: int) -> Iterator[int]:
        """Open part by part: a folder swapped for a link in between is refused."""
        fd = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for index, name in enumerate(raw):
                last = index == len(raw) - 1
                inner = os.open(name, flags if last else FOLDER_FLAGS, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield fd
        finally:
            os.close(fd)


def read_regular(fd: int, size: int, name: str) -> bytes:
    """Read a regular file of exactly `size` bytes.

    Raises:
        ArchiveError: it is something else, or its size changes meanwhile.
    """
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        msg = f"{shown(name)} is not a regular file"
        raise ArchiveError(msg, "Send a folder or an archive.")
    with os.fdopen(os.dup(fd), "rb") as file:
        data = file.read(size + 1)
    if len(data) != size:
        msg = f"{shown(name)} changed while it was read"
        raise ArchiveError(msg, "Grade again when nothing writes to it.")
    return data


def kind_of(mode: int) -> Kind:
    """Return the kind by a Unix mode."""
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.FOLDER
    return Kind.LINK if stat.S_ISLNK(mode) else Kind.OTHER
