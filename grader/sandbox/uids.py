"""Lease user ids that no other grading on this host uses.

The kernel counts processes per uid across containers, so two gradings must never share
one. A block of ids is held by a locked file for as long as the process lives.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psutil

from grader.errors import SandboxUnavailableError

FIRST: Final = 700_000  # above every range that distributions hand out
BLOCK: Final = 64
SWEEP_S: Final = 60.0
BLOCKS: Final = 256
BLOCKS_A_CONTAINER: Final = 8


def sweep(block: range) -> None:
    """Remove what earlier users of these ids left, where a judge was killed.

    By `find`, which no depth or number of a hostile tree can stop; nothing runs as
    these users now.
    """
    folders = [Path("/tmp"), Path("/dev/shm"), Path("/var/tmp")]  # noqa: S108
    there = [str(folder) for folder in folders if folder.is_dir()]
    mine = ["-uid", f"+{block.start - 1}", "-uid", f"-{block.stop}"]
    rule = ["-xdev", "-mindepth", "1", *mine, "-delete"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(  # noqa: S603
            ["find", *there, *rule],  # noqa: S607
            capture_output=True,
            check=False,
            timeout=SWEEP_S,
        )


def _lock_folder() -> Path:
    """Return the one place where all graders of this host look, whatever TMPDIR is."""
    for folder in (Path("/run/lock"), Path("/tmp")):  # noqa: S108
        if os.access(folder, os.W_OK):
            return folder / "tinytorch-grader-uids"
    msg = "neither /run/lock nor /tmp can be written"
    raise SandboxUnavailableError(msg, hint="user ids are leased by files there")


def _taken(block: range) -> bool:
    """Return whether anything runs as one of these ids, in a container perhaps."""
    for process in psutil.process_iter(["uids"]):
        uids = process.info["uids"]
        if uids is not None and uids.real in block:
            return True
    return False


class Lease:
    """A block of uids, used one after the other."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _lock_folder()
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if self._folder.stat().st_uid != os.geteuid():
            msg = f"{self._folder} belongs to another user"
            raise SandboxUnavailableError(msg, hint="remove it")
        self._file, self.first = self._lock()
        self.block = range(self.first, self.first + BLOCK)
        self._uids: Iterator[int] = itertools.cycle(self.block)

    def _lock(self) -> tuple[int, int]:
        base = int(os.environ.get("GRADER_UID_BASE", FIRST))
        for number in range(BLOCKS):
            path = self._folder / str(number)
            first = base + number * BLOCK
            descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                continue
            if not _taken(range(first, first + BLOCK)):
                return descriptor, first
            os.close(descriptor)
        msg = f"all {BLOCKS} blocks of user ids are in use"
        raise SandboxUnavailableError(msg, hint="wait for other gradings to end")

    def container_base(self) -> int:
        """Return where a container's own ids begin, apart from all others of the host.

        The kernel counts processes per id across containers, and a judge leases a block
        for each of its zygotes.
        """
        above = FIRST + BLOCKS * BLOCK
        return above + (self.first - FIRST) * BLOCKS_A_CONTAINER

    def next(self) -> int:
        """Return a uid that nothing runs as."""
        return next(self._uids)

    def close(self) -> None:
        """Give the block back."""
        os.close(self._file)
