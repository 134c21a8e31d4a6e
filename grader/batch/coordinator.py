"""Start workers, watch the job table, replace workers that die."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

from grader.batch.cluster import Cluster
from grader.batch.keys import basis, key_of
from grader.batch.orders import Orders
from grader.batch.sources import Entry
from grader.batch.work import LOOK_S, Asked, Executor, Talk, Watch, new_owner
from grader.config import Home
from grader.errors import GraderError
from grader.grading import course_of, data_folder
from grader.models.course import Course
from grader.store import Store
from grader.store.jobs import Job, Wanted


def grade_batch(asked: Asked, progress: Talk) -> list[Job]:
    """Grade what is not graded yet; return all of it as it stands.

    Ctrl-C stops the workers, gives their work back, and goes on to the caller.

    Raises:
        GraderError: the course, the round, the wall or the store is not usable.
        KeyboardInterrupt: after everything was given back.
    """
    home, course = course_of(asked.options)
    base = _basis(home, course, asked)
    keys = {key_of(base, e.student, e.source, course.package): e for e in asked.entries}
    store = Store.open(asked.store, url=asked.url)
    store.jobs.want([Wanted(k, e.source, e.student) for k, e in keys.items()])
    if asked.retry:
        store.jobs.again(list(keys), asked.retry)
    try:
        _executor(store, asked, home, keys).work(progress)
        return store.jobs.rows(list(keys))
    finally:
        store.close()


def _basis(home: Home, course: Course, asked: Asked) -> str:
    """Return what results depend on, besides the submissions.

    The workers of a cluster prove its wall; this host may be unable to build it. So
    the basis is asked for with a wall that is not tried here, and then named.
    """
    if not asked.scheduler:
        return basis(home, course, asked.options)
    parts = json.loads(basis(home, course, replace(asked.options, sandbox="docker")))
    return json.dumps(parts | {"tier": asked.options.sandbox}, sort_keys=True)


def _executor(
    store: Store, asked: Asked, home: Home, keys: dict[str, Entry]
) -> Executor:
    if asked.scheduler:
        return Cluster(store, asked, keys)
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
    return _Crew(store, orders, asked.jobs)


class _Crew:
    """The worker processes of one coordinator."""

    def __init__(self, store: Store, orders: Orders, size: int) -> None:
        self._store, self._orders, self._size = store, orders, size
        self._watch = Watch(store, list(orders.sources))
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def work(self, progress: Talk) -> None:
        """Keep workers going until everything has ended.

        Raises:
            GraderError: workers fail before they lease anything.
        """
        try:
            while (left := self._watch.left()) or self._running:
                self._replace(left)
                progress(self._watch.tally())
                time.sleep(LOOK_S)
        finally:
            self._stop()
        progress(self._watch.tally())

    def _replace(self, left: int) -> None:
        for owner, process in list(self._running.items()):
            if process.poll() is not None:
                del self._running[owner]
                died = process.returncode != 0
                held = self._store.jobs.release(owner, died=died)
                if died and not held:  # no submission is to blame
                    msg = f"a worker ended with exit code {process.returncode}"
                    raise GraderError(msg, hint="what it said stands above")
        free = sum(job.state == "waiting" for job in self._watch.rows())
        for _ in range(min(self._size - len(self._running), free if left else 0)):
            self._start()

    def _start(self) -> None:
        owner = new_owner()
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
