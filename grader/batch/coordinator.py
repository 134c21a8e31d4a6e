"""One batch: put into the job table, graded by a crew, watched until it has ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from grader.answers import WORTH
from grader.batch.cluster import Cluster
from grader.batch.crew import Crew
from grader.batch.keys import basis, key_of
from grader.batch.orders import Orders
from grader.batch.sources import Entry
from grader.batch.work import LOOK_S, Asked, Executor, Talk, Watch
from grader.config import Home, data_folder
from grader.container.host import swept
from grader.grading import course_of, record_oracle
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
    tier = asked.options.sandbox if asked.scheduler else ""  # its workers prove it
    # A set grades anew, whatever was graded before.
    base = basis(home, course, asked.options, tier) + asked.regrade
    keys = {key_of(base, e.student, e.source, course.package): e for e in asked.entries}
    store = Store.open(asked.store, url=asked.url)
    store.jobs.want(
        [Wanted(k, e.source, e.student, asked.regrade) for k, e in keys.items()]
    )
    if asked.retry:
        store.jobs.again(list(keys), asked.retry)
    try:
        _executor(store, asked, home, keys).work(progress)
        return store.jobs.rows(list(keys))
    finally:
        store.close()


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
    return _Batch(store, orders, asked.jobs, partial(_recorded, asked))


def _recorded(asked: Asked, left: int) -> None:
    """Record the oracle's answers, where there is enough to be graded with them."""
    if left >= WORTH and not asked.options.modules:
        record_oracle(asked.options)


class _Batch:
    """The worker processes of one batch, until all of it has ended."""

    def __init__(
        self,
        store: Store,
        orders: Orders,
        size: int,
        prepare: Callable[[int], None],
    ) -> None:
        self._sandbox, self._prepare = orders.sandbox, prepare
        self._watch = Watch(store, list(orders.sources))
        self._crew = Crew(store, orders, size)

    def work(self, progress: Talk) -> None:
        """Keep workers going until everything has ended.

        Raises:
            GraderError: workers fail before they lease anything.
        """
        with swept(self._sandbox):  # once the workers are gone
            try:
                self._prepare(self._watch.left())
                self._grade(progress)
            finally:
                self._crew.stop()
        progress(self._watch.tally())

    def _grade(self, progress: Talk) -> None:
        tally = self._watch.tally()
        while tally.ended < tally.total or self._crew.running:
            self._crew.replace(tally.states["waiting"])
            progress(tally)
            time.sleep(LOOK_S)
            tally = self._watch.tally()
