"""Start workers, watch the job table, replace workers that die."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from grader.answers import WORTH
from grader.batch.keys import basis, key_of
from grader.batch.orders import Orders
from grader.batch.sources import Entry
from grader.container import swept
from grader.errors import GraderError
from grader.grading import GradeOptions, course_of, data_folder, record_oracle
from grader.store import Store
from grader.store.jobs import ENDED, Job, State, Wanted

LOOK_S: Final = 0.25
Talk = Callable[["Tally"], None]


@dataclass(frozen=True)
class Asked:
    """A batch as it is asked for."""

    entries: Sequence[Entry]
    options: GradeOptions
    store: Path
    url: str = ""
    jobs: int = 2
    retry: tuple[State, ...] = ()
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


def grade_batch(asked: Asked, progress: Talk) -> list[Job]:
    """Grade what is not graded yet; return all of it as it stands.

    Ctrl-C stops the workers, gives their work back, and goes on to the caller.

    Raises:
        GraderError: the course, the round, the wall or the store is not usable.
        KeyboardInterrupt: after everything was given back.
    """
    home, course = course_of(asked.options)
    # A set grades anew, whatever was graded before.
    base = basis(home, course, asked.options) + asked.regrade
    keys = {key_of(base, e.student, e.source, course.package): e for e in asked.entries}
    store = Store.open(asked.store, url=asked.url)
    store.jobs.want(
        [Wanted(k, e.source, e.student, asked.regrade) for k, e in keys.items()]
    )
    if asked.retry:
        store.jobs.again(list(keys), asked.retry)
    data = asked.options.data or data_folder(home)
    orders = Orders(
        owner="",
        store=str(asked.store),
        url=asked.url,
        course=str(home.folder),
        round=asked.options.round,
        profile=asked.options.profile,
        sandbox=asked.options.sandbox,
        data=str(data or ""),
        modules=asked.options.modules,
        milestones=asked.options.milestones,
        sources={k: e.source for k, e in keys.items()},
    )
    try:
        left = sum(j.state not in ENDED for j in store.jobs.rows(list(keys)))
        with swept(asked.options.sandbox):
            if left >= WORTH and not asked.options.modules:
                record_oracle(asked.options)
            _Crew(store, orders, asked.jobs).work(progress)
        return store.jobs.rows(list(keys))
    finally:
        store.close()


class _Crew:
    """The worker processes of one coordinator."""

    def __init__(self, store: Store, orders: Orders, size: int) -> None:
        self._store, self._orders, self._size = store, orders, size
        self._keys = list(orders.sources)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._struck = 0  # workers killed with no work in hand

    def work(self, progress: Talk) -> None:
        """Keep workers going until everything has ended.

        Raises:
            GraderError: workers fail before they lease anything.
        """
        self._free_orphans()
        started, fresh = time.monotonic(), self._left()
        total = len(self._keys)
        try:
            while (left := self._left()) or self._running:
                self._replace(left)
                states = Counter(j.state for j in self._rows())
                elapsed_s = time.monotonic() - started
                progress(Tally(states, total, fresh, elapsed_s))
                time.sleep(LOOK_S)
        finally:
            self._stop()
        states = Counter(j.state for j in self._rows())
        progress(Tally(states, total, fresh, time.monotonic() - started))

    def _free_orphans(self) -> None:
        """Give back what workers of this host held whose coordinator is gone."""
        for owner in self._store.jobs.owners(self._keys):
            host, pid, _ = owner.rsplit(":", 2)
            if host == socket.gethostname() and not psutil.pid_exists(int(pid)):
                self._store.jobs.release(owner)

    def _rows(self) -> list[Job]:
        return self._store.jobs.rows(self._keys)

    def _left(self) -> int:
        return sum(job.state not in ENDED for job in self._rows())

    def _replace(self, left: int) -> None:
        for owner, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[owner]
                died = process.returncode != 0
                held = self._store.jobs.release(owner, died=died)
                self._struck += died and not held and process.returncode < 0
                # No submission is to blame; a signal comes from somebody outside.
                if died and not held and (process.returncode > 0 or self._struck > 9):
                    msg = f"a worker ended with exit code {process.returncode}"
                    raise GraderError(msg, hint="what it said stands above")
        free = sum(job.state == "waiting" for job in self._rows())
        for _ in range(min(self._size - len(self._running), free if left else 0)):
            self._start()

    def _start(self) -> None:
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        process = subprocess.Popen(
            [sys.executable, "-m", "grader.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        self._running[owner] = process
        assert process.stdin is not None  # noqa: S101 -- it was asked for
        process.stdin.write(
            Orders(**dict(self._orders) | {"owner": owner}).model_dump_json().encode()
        )
        process.stdin.close()

    def _stop(self) -> None:
        for process in self._running.values():
            process.kill()
        for owner, process in self._running.items():
            process.wait()
            self._store.jobs.release(owner)
        self._running.clear()
