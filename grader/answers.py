"""Keep the oracle's recorded answers of a round where staff alone can read them.

One file a round and version, under `oracle/` in the state folder. It is written in one
step, by whoever needs it first; a damaged one is thrown away and recorded anew. Only
`record` of this module writes there, and no student's code runs in it.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from grader.checks.recording import (
    MAX_BYTES,
    DamagedRecordingError,
    Recording,
    basis_of,
    unseal,
)
from grader.files import write_whole
from grader.rounds import Round

FOLDER: Final = "oracle"
PART: Final = ".part-"  # the beginning of a name that is being written
KEPT: Final = 16  # files; the oldest go
# Submissions from which on a recording is made: an estimate of where it pays.
WORTH: Final = 8
_log = logging.getLogger(__name__)


class Shelf:
    """The recordings of one round in a state folder."""

    def __init__(self, state: Path, chosen: Round) -> None:
        self._folder, self._secret = state / FOLDER, chosen.secret

    def recording(self, basis: bytes) -> Recording:
        """Return what was recorded of `basis`, or nothing."""
        data = self.data(basis.hex(), basis)
        return unseal(data, basis, self._secret) if data else {}

    def data(self, name: str, basis: bytes | None = None) -> bytes | None:
        """Return a whole file; None if there is none. Damage is told and removed.

        Args:
            basis: that it must be of; whichever it claims, if None.
        """
        path = self._path(name)
        try:
            with path.open("rb") as file:
                data = file.read(2 * MAX_BYTES + 1)  # one more is damage
        except OSError:
            return None
        try:
            unseal(data, basis or basis_of(data), self._secret)
        except DamagedRecordingError as exc:
            _log.warning("%s: %s; it is removed, and answers are asked live", path, exc)
            path.unlink(missing_ok=True)
            return None
        return data

    def record(self, name: str, make: Callable[[], bytes]) -> None:
        """Write what `make` returns under `name`, unless it is there.

        Of several processes one makes it and the others wait.

        Raises:
            OSError: the folder cannot be written.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            if self.data(name) is None:
                write_whole(self._path(name), make(), mark=PART)
                self._forget_old()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.answers"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _forget_old(self) -> None:
        files = sorted(self._folder.glob("*.answers"), key=lambda p: p.stat().st_mtime)
        for path in files[:-KEPT]:
            path.unlink(missing_ok=True)
        for path in self._folder.glob(f"{PART}*"):  # of a writer that was killed
            path.unlink(missing_ok=True)
