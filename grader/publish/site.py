"""Put a built site in place of the old one, whole or not at all."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from grader.errors import ConfigError
from grader.publish.build import SUMS

AT_FDCWD: Final = -100
RENAME_EXCHANGE: Final = 2  # both from linux/fs.h and fcntl.h


def write_site(files: Mapping[PurePosixPath, bytes], target: Path) -> None:
    """Write `files` beside `target`, then swap the folders.

    Raises:
        ConfigError: `target` holds something that is no site of ours, or cannot be
            written.
    """
    if target.exists() and not _replaceable(target):
        msg = f"{target} is not empty and holds no leaderboard"
        raise ConfigError(msg, hint="Name a new folder, or one published before.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=".site-"))
        try:
            _fill(fresh, files)
            _swap(fresh, target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    except OSError as exc:
        msg = f"cannot write the site to {target}: {exc.strerror}"
        raise ConfigError(msg, hint="Check free space and permissions.") from exc


def check_site(files: Mapping[PurePosixPath, bytes], target: Path) -> list[str]:
    """Return how the folder `target` differs from `files`; nothing if it does not."""
    present = {
        PurePosixPath(path.relative_to(target).as_posix())
        for path in target.rglob("*")
        if not path.is_dir()
    }
    wrong = [f"{path} should not be there" for path in sorted(present - set(files))]
    for path, content in sorted(files.items()):
        if path not in present:
            wrong.append(f"{path} is missing")
        elif (target / path).read_bytes() != content:
            wrong.append(f"{path} differs")
    return wrong


def _replaceable(target: Path) -> bool:
    if target.is_symlink() or not target.is_dir():
        return False
    return (target / SUMS).is_file() or not any(target.iterdir())


def _fill(folder: Path, files: Mapping[PurePosixPath, bytes]) -> None:
    for parent in {path.parent for path in files}:
        (folder / parent).mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        # Not `folder / path`: taking paths apart takes longer than writing a page.
        with open(f"{folder}/{path}", "wb") as file:  # noqa: PTH123
            file.write(content)
    folder.chmod(0o755)  # a web server reads it; mkdtemp makes it private


def _swap(fresh: Path, target: Path) -> None:
    """Exchange the two folders; afterwards `fresh` holds the old site, if any."""
    if not target.exists() or not any(target.iterdir()):
        fresh.replace(target)
    elif not _exchange(fresh, target):
        # No such call here: for an instant there is no site, and none is ever half.
        old = fresh.with_name(fresh.name + "-old")
        target.replace(old)
        fresh.replace(target)
        shutil.rmtree(old)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    names = AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other)
    return bool(rename(*names, RENAME_EXCHANGE) == 0)
