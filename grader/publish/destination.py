"""What publishing changes at its destination, file by file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeVar

from grader.errors import ConfigError

T = TypeVar("T")


class Changes(NamedTuple):
    """Files that publishing adds, changes and takes away, each in order."""

    added: tuple[PurePosixPath, ...]
    changed: tuple[PurePosixPath, ...]
    removed: tuple[PurePosixPath, ...]

    def lines(self) -> Iterator[str]:
        """Yield one line a file: "added entry/brisk-otter.html"."""
        for word, paths in zip(self._fields, self, strict=True):
            yield from (f"{word} {path}" for path in paths)

    def summary(self) -> str:
        """Return the counts in words."""
        counts = zip(self._fields, self, strict=True)
        return ", ".join(f"{len(paths)} {word}" for word, paths in counts)


def changes(
    there: Mapping[PurePosixPath, T], here: Mapping[PurePosixPath, T]
) -> Changes:
    """Return what turns `there` into `here`."""
    both = there.keys() & here.keys()
    return Changes(
        added=tuple(sorted(here.keys() - both)),
        changed=tuple(sorted(path for path in both if there[path] != here[path])),
        removed=tuple(sorted(there.keys() - both)),
    )


def folder_changes(folder: Path, files: Mapping[PurePosixPath, bytes]) -> Changes:
    """Return what writing the site into `folder` changes; it need not exist.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        there = {
            PurePosixPath(path.relative_to(folder).as_posix()): path.read_bytes()
            for path in folder.rglob("*")
            if not path.is_dir() or path.is_symlink()
        }
    except OSError as exc:
        msg = f"the site in {folder} cannot be read: {exc.strerror}"
        raise ConfigError(msg, hint="Check its permissions.") from exc
    return changes(there, files)
