"""Bring published files into the data folder: from the net, or from a folder.

A file is written as NAME.part, checked, then renamed, so a data folder never holds a
half or a wrong file under its own name.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

from grader.datasets.download import DownloadError, download
from grader.datasets.published import PUBLISHED, PublishedFile
from grader.errors import ConfigError

# name of the file, bytes so far, bytes in all when known
Progress = Callable[[str, int, int | None], None]
Table = Mapping[str, Sequence[PublishedFile]]

_BLOCK: Final = 1 << 20
# A .gz of 12 MB that unzips to more than this is a bomb, not a data set.
_MAX_UNZIPPED: Final = 256 << 20


@dataclass(frozen=True)
class Fetched:
    """A file that is now in place, and how it came there."""

    name: str
    path: Path
    size_bytes: int
    state: Literal["present", "copied", "downloaded"]


def fetch(
    names: Sequence[str],
    target: Path,
    *,
    source: Path | None = None,
    progress: Progress | None = None,
    table: Table = PUBLISHED,
) -> tuple[Fetched, ...]:
    """Put the files of the data sets `names` under `target`, checked.

    Files already there and right are left alone. Interrupted downloads go on where
    they stopped.

    Args:
        names: keys of `table`.
        target: the data folder; made when missing.
        source: an existing folder to copy from, instead of downloading.
        progress: called while bytes arrive.
        table: what is published where; tests bring their own.

    Raises:
        ConfigError: unknown name, file missing in `source`, checksum that differs, no
            mirror answers, or the disk is full; nothing wrong is left in place.
    """
    unknown = [name for name in names if name not in table]
    if unknown:
        message = f"there is no data set called {unknown[0]!r} to fetch"
        raise ConfigError(message, hint=f"known: {', '.join(table)}")
    report = progress or _silent
    try:
        return tuple(
            _fetch_one(name, file, target, source, report)
            for name in names
            for file in table[name]
        )
    except OSError as exc:
        raise _disk_error(exc, target) from exc


def _silent(_name: str, _done: int, _total: int | None) -> None:
    return None


def _fetch_one(
    name: str,
    file: PublishedFile,
    target: Path,
    source: Path | None,
    progress: Progress,
) -> Fetched:
    final = target / file.path
    if final.is_file() and _checksum(final, file) == file.checksum:
        return Fetched(name, final, final.stat().st_size, "present")
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f"{final.name}.part")
    if source is not None:
        _copy(_find(source, file), part, file)
        progress(file.filename, part.stat().st_size, part.stat().st_size)
    else:
        _download(part, file, progress)
    part.replace(final)
    state: Literal["copied", "downloaded"] = "copied" if source else "downloaded"
    return Fetched(name, final, final.stat().st_size, state)


def _find(source: Path, file: PublishedFile) -> Path:
    plain = file.filename.removesuffix(".gz")
    for folder in (source / file.path.rsplit("/", 1)[0], source):
        for path in (folder / file.filename, folder / plain):
            if path.is_file():
                return path
    message = f"{file.filename} is not in {source}"
    raise ConfigError(message, hint=f"expected {file.path}, or the file itself")


def _copy(origin: Path, part: Path, file: PublishedFile) -> None:
    """Copy, zipping where the source has the unzipped file, and check the copy."""
    zipping = file.filename.endswith(".gz") and origin.suffix != ".gz"
    with origin.open("rb") as incoming, part.open("wb") as outgoing:
        if zipping:
            # mtime 0: the same content gives the same file
            with gzip.GzipFile("", "wb", fileobj=outgoing, mtime=0) as wrapped:
                shutil.copyfileobj(incoming, wrapped, _BLOCK)
        else:
            shutil.copyfileobj(incoming, outgoing, _BLOCK)
    found = _checksum(part, file)
    if found != file.checksum:
        part.unlink()
        raise _mismatch(file, found, f"copied from {origin}")


def _download(part: Path, file: PublishedFile, progress: Progress) -> None:
    if part.is_file() and _checksum(part, file) == file.checksum:
        return  # complete, and interrupted just before the rename
    failures: list[str] = []
    for url in file.urls:
        # An old .part may be of another mirror or damaged: a wrong sum after resuming
        # is worth one fresh start before the mirror is given up.
        for _ in range(2 if part.exists() else 1):
            try:
                download(url, part, file, progress)
            except DownloadError as exc:
                failures.append(str(exc))
                break
            found = _checksum(part, file)
            if found == file.checksum:
                return
            part.unlink()
            failures.append(str(_mismatch(file, found, f"from {url}")))
    message = f"{file.filename} could not be downloaded: {'; '.join(failures)}"
    hint = "check the network and run again (it resumes), or use --from with a copy"
    raise ConfigError(message, hint=hint)


def _mismatch(file: PublishedFile, found: str, where: str) -> ConfigError:
    message = (
        f"{file.filename} {where} has {file.algorithm} {found}, "
        f"published is {file.checksum}"
    )
    hint = "the copy is damaged or altered; take the published file"
    return ConfigError(message, hint=hint)


def _checksum(path: Path, file: PublishedFile) -> str:
    """Return the file's checksum, or "unreadable gzip" for broken wrapping."""
    state = hashlib.new(file.algorithm, usedforsecurity=False)
    size = 0
    try:
        with _opened(path, file.unzipped) as stream:
            while block := stream.read(_BLOCK):
                size += len(block)
                if size > _MAX_UNZIPPED:
                    return "of more bytes than the file can have"
                state.update(block)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return "of an unreadable gzip file"
    return state.hexdigest()


def _opened(path: Path, unzipped: bool) -> AbstractContextManager[BinaryIO]:
    if unzipped:
        return cast("AbstractContextManager[BinaryIO]", gzip.open(path, "rb"))
    return path.open("rb")


def _disk_error(exc: OSError, target: Path) -> ConfigError:
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ConfigError(
            f"the disk of {target} is full",
            hint="free some space and run again; the download resumes",
        )
    return ConfigError(
        f"{exc.filename or target}: {exc.strerror or exc}",
        hint="choose folders that you may read and write",
    )
