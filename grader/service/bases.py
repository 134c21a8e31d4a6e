"""What results of a round depend on, computed once and again when files change."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from grader.batch.keys import basis, key_of_content
from grader.config import Home, state_folder
from grader.grading import GradeOptions, course_of
from grader.store.received import Received

LOOK_S: Final = 5.0  # between looks at the files
Print = tuple[tuple[str, int, int], ...]  # path, time and size of every file


class Bases:
    """The basis of each round that anybody asked for."""

    def __init__(self, home: Home, options: GradeOptions) -> None:
        self._home, self._options = home, options
        self._known: dict[str, str] = {}
        self._print: Print = ()
        self._looked_at = float("-inf")
        self._changes = 0
        self._lock = threading.Lock()

    def of(self, round_: str) -> str:
        """Return what a result of a round depends on, but for the submission.

        Raises:
            GraderError: suites, reference or round cannot be read, or no wall be built.
        """
        with self._lock:
            self._forget_if_changed()
            if round_ not in self._known:
                options = replace(self._options, round=round_)
                home, course = course_of(options)
                self._known[round_] = basis(home, course, options)
            return self._known[round_]

    @property
    def changes(self) -> int:
        """How often the files have changed so far."""
        with self._lock:
            self._forget_if_changed()
            return self._changes

    def key(self, round_: str, student: str, digest: str) -> str:
        """Return the key of one submission's work."""
        return key_of_content(self.of(round_), student, digest)

    def key_of(self, received: Received) -> str:
        """Return the key that a submission has now."""
        return self.key(received.round, received.student, received.digest)

    def _forget_if_changed(self) -> None:
        if time.monotonic() < self._looked_at + LOOK_S:
            return
        self._looked_at = time.monotonic()
        found = tuple(sorted(_files(self._home)))
        if found != self._print:
            self._print = found
            self._known.clear()
            self._changes += 1


def _files(home: Home) -> Iterator[tuple[str, int, int]]:
    """Yield what results depend on and staff may change while the service runs."""
    yield from _seen(home.course_file)
    for folder in (home.suites, home.reference, home.milestones):
        for path in folder.rglob("*.py"):
            yield from _seen(path)
    for path in (state_folder(home) / "rounds").glob("*.json"):
        yield from _seen(path)


def _seen(path: Path) -> Iterator[tuple[str, int, int]]:
    try:
        found = path.stat()
    except OSError:
        return  # removed meanwhile; whoever reads it says what is wrong
    yield str(path), found.st_mtime_ns, found.st_size
