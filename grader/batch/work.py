"""What every executor of a batch shares: what is asked, how far it is, who holds it."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import psutil

from grader.batch.sources import Entry
from grader.errors import GraderError
from grader.grading import GradeOptions
from grader.store import Store
from grader.store.jobs import ENDED, LEASE, Jobs, State

LOOK_S: Final = 0.25
BEAT_S: Final = LEASE.total_seconds() / 4
Talk = Callable[["Tally"], None]


@dataclass(frozen=True)
class Asked:
    """A batch as it is asked for.

    Attributes:
        scheduler: of the Dask cluster that grades; empty: this host does.
    """

    entries: Sequence[Entry]
    options: GradeOptions
    store: Path
    url: str = ""
    jobs: int = 2
    retry: tuple[State, ...] = ()
    scheduler: str = ""
    regrade: str = ""  # the set whose results count only once it is applied


@dataclass(frozen=True)
class Tally:
    """How far a batch is; `fresh` counts what was not done before it began."""

    states: Counter[State]
    total: int
    fresh: int
    elapsed_s: float

    @property
    def ended(self) -> int:
        """How many submissions need no more work."""
        return sum(self.states[state] for state in ENDED)

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest may take; None before anything has ended."""
        left = self.total - self.ended
        done = self.fresh - left
        return self.elapsed_s / done * left if done > 0 else None


class Executor(Protocol):
    """Whatever can bring a batch to its end."""

    def work(self, progress: Talk) -> None:
        """Grade until everything has ended.

        Raises:
            GraderError: nothing can be graded; what was leased is given back.
        """


class Watch:
    """The rows of one batch, from its beginning on."""

    def __init__(self, store: Store, keys: Sequence[str]) -> None:
        self._jobs, self.keys = store.jobs, list(keys)
        free_orphans(self._jobs, self.keys)
        self._started, self._fresh = time.monotonic(), self.left()

    def left(self) -> int:
        """Return how much has not ended."""
        states = self._jobs.states(self.keys)
        return len(self.keys) - sum(states[state] for state in ENDED)

    def tally(self) -> Tally:
        """Return how far it is now."""
        states = self._jobs.states(self.keys)
        elapsed_s = time.monotonic() - self._started
        return Tally(states, len(self.keys), self._fresh, elapsed_s)


def free_orphans(jobs: Jobs, keys: Sequence[str] | None = None) -> None:
    """Give back what workers of this host held whose coordinator is gone.

    Args:
        keys: of the work that is looked at; None: all there is.
    """
    for owner in jobs.owners(keys):
        host, pid, _ = owner.rsplit(":", 2)
        if host == socket.gethostname() and not psutil.pid_exists(int(pid)):
            jobs.release(owner)


def new_owner() -> str:
    """Return a name that holds one lease, of this process on this host."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def told(error: GraderError) -> str:
    """Return an error as a row of the job table says it."""
    return f"{error.message}; {error.hint}" if error.hint else error.message
