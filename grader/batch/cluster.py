"""Grade on the workers of a Dask cluster; the job table stays the truth.

Theory of operation: this process leases work, packs each submission into one request
and gives it to a worker that has proved itself, one at a time a worker. So whoever dies
takes at most one submission along, and that one alone is counted for it. A report is in
the store before the cluster may forget it. Everything else, dask may lose.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from grader.batch.link import Link, Reply, Worker, dask
from grader.batch.proof import Proof
from grader.batch.remote_task import Answer, Errand, Standing, grade_here, look
from grader.batch.sources import Entry
from grader.batch.work import BEAT_S, LOOK_S, Asked, Talk, Watch, new_owner, told
from grader.container.request import ContainerJob, pack
from grader.errors import (
    GraderError,
    SandboxUnavailableError,
    SubmissionRejectedError,
)
from grader.grading import course_of, round_of
from grader.intake import open_submission
from grader.models.base import Model
from grader.models.report import GradeReport
from grader.models.submission import Submission
from grader.store import Store
from grader.store.jobs import Job

IDLE_S: Final = 1.0  # until work that was given back is looked for
AHEAD: Final = 2  # submissions that are packed before a worker is free
WAIT_S: Final = 60.0  # for a worker, where there was none or all were lost
JOIN_S: Final = 3.0  # for another one, where all that came were refused
_log = logging.getLogger(__name__)
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class _Work:
    """One submission, packed."""

    job: Job
    owner: str
    submission: Submission
    request: bytes


class Cluster:
    """Brings a batch to its end on a cluster; an `Executor`."""

    def __init__(self, store: Store, asked: Asked, entries: dict[str, Entry]) -> None:
        dask()
        self._store, self._jobs = store, store.jobs
        self._entries, self._asked = entries, asked
        self._home, self._course = course_of(asked.options)
        self._proof = Proof(self._home, self._course, asked.options)
        self._watch = Watch(store, list(entries))
        self._held: dict[str, str] = {}  # keys by owner
        self._workers: dict[str, Worker] = {}
        self._refused: dict[str, GraderError] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._proven = False  # whether any worker was good so far

    def work(self, progress: Talk) -> None:
        """Grade until everything has ended.

        Raises:
            SandboxUnavailableError: no scheduler answers, or no worker has a wall.
            ConfigError: the workers are not made for this course.
            InconclusiveError: the scheduler was lost.
        """
        try:
            asyncio.run(self._run(progress))
        finally:
            for owner in list(self._held):
                self._jobs.release(owner)

    async def _run(self, progress: Talk) -> None:
        self._link = await Link.open(self._asked.scheduler)
        self._ready: asyncio.Queue[_Work] = asyncio.Queue(AHEAD)
        try:
            self._start(self._feed())
            self._start(self._beat())
            await self._look_on(progress)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._link.close()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._tasks.add(asyncio.create_task(coroutine))

    async def _look_on(self, progress: Talk) -> None:
        """Give every worker somebody who serves it, until all has ended."""
        hopeful_s = time.monotonic()
        while True:
            tally = await asyncio.to_thread(self._watch.tally)
            progress(tally)
            if tally.ended == tally.total:
                return
            for worker in await self._link.update(self._workers):
                self._workers[worker.address] = worker
                self._start(self._serve(worker))
            for task in [t for t in self._tasks if t.done()]:
                self._tasks.discard(task)
                task.result()
            if self._workers.keys() - self._refused.keys():
                hopeful_s = time.monotonic()
            elif time.monotonic() - hopeful_s > self._patience_s():
                raise self._nobody()
            await asyncio.sleep(LOOK_S)

    def _patience_s(self) -> float:
        """Return how long to wait for a worker when there is none to hope for."""
        return JOIN_S if self._refused and not self._proven else WAIT_S

    def _nobody(self) -> GraderError:
        for address, refusal in self._refused.items():
            msg = f"no worker can grade; {address}: {refusal.message}"
            return type(refusal)(msg, hint=refusal.hint)
        msg = f"the scheduler at {self._asked.scheduler} has no workers"
        hint = "start some in the course's folder: dask worker ADDRESS --nthreads 1"
        return SandboxUnavailableError(msg, hint=hint)

    async def _feed(self) -> None:
        """Keep a few submissions ready."""
        while True:
            work = await asyncio.to_thread(self._leased)
            if work is None:
                await asyncio.sleep(IDLE_S)
            else:
                await self._ready.put(work)

    def _leased(self) -> _Work | None:
        """Lease and pack one submission; None if none is free."""
        while True:
            owner = new_owner()
            self._held[owner] = ""  # before the lease: an interrupt gives it back
            job = self._jobs.lease(self._watch.keys, owner)
            if job is None:
                del self._held[owner]
                return None
            self._held[owner] = job.key
            try:
                return self._packed(job, owner)
            except SubmissionRejectedError as exc:
                self._jobs.refuse(job.key, owner, told(exc))
            except GraderError as exc:
                self._jobs.fail(job.key, owner, told(exc))
            del self._held[owner]

    def _packed(self, job: Job, owner: str) -> _Work:
        options = replace(self._asked.options, student=job.student)
        submission = open_submission(
            self._entries[job.key].source,
            package=self._course.package,
            student=job.student,
        )
        wanted = ContainerJob(
            round=round_of(self._home, options, submission),
            profile=options.profile,
            modules=options.modules,
            milestones=options.milestones,
            label=submission.label,
            student=submission.student,
            digest=submission.digest,
            notes=submission.notes,
        )
        return _Work(job, owner, submission, pack(submission, wanted, ()))

    async def _beat(self) -> None:
        """Renew what is held."""
        while True:
            await asyncio.sleep(BEAT_S)
            for owner, key in list(self._held.items()):
                if key:
                    await asyncio.to_thread(self._jobs.renew, key, owner)

    async def _serve(self, worker: Worker) -> None:
        """Give one worker work for as long as it is there and good."""
        await self._look_at(worker)
        while worker.good and not worker.gone.is_set():
            if worker.others:  # or its death would be blamed on two
                await asyncio.sleep(LOOK_S)
            else:
                await self._one(worker, await self._ready.get())
        await worker.gone.wait()
        del self._workers[worker.address]
        self._refused.pop(worker.address, None)

    async def _one(self, worker: Worker, work: _Work) -> None:
        if worker.gone.is_set():  # while it waited for work
            await self._give_back(work, died=False)
            return
        errand = (
            Errand(born=worker.born, inner=self._proof.inner).model_dump_json().encode()
        )
        async with self._link.ask(worker, grade_here, errand, work.request) as reply:
            answer = _read(Answer, reply)
            if reply.lost or (answer and answer.born != worker.born):
                retired = await self._link.retired(worker.address)
                await self._give_back(work, died=not retired)
                worker.good = False
                if not worker.gone.is_set():  # another process under its address
                    await self._look_at(worker)
            elif answer and answer.report:
                await self._keep(worker, work, answer.report)
            else:
                await self._went_wrong(worker, work, answer, reply.error)

    async def _give_back(self, work: _Work, *, died: bool) -> None:
        await asyncio.to_thread(self._jobs.release, work.owner, died=died)
        del self._held[work.owner]

    async def _keep(self, worker: Worker, work: _Work, report: GradeReport) -> None:
        """Store a report durably, if it is what was asked for."""
        key, owner = work.job.key, work.owner
        if other := self._proof.other(work.submission, report):
            msg = f"{worker.address} sent a report of another {other}"
            await asyncio.to_thread(self._jobs.fail, key, owner, msg)
        else:
            package = self._course.package
            await asyncio.to_thread(self._store.keep_source, work.submission, package)
            await asyncio.to_thread(self._jobs.accept, key, owner, report)
        del self._held[owner]

    async def _went_wrong(
        self, worker: Worker, work: _Work, answer: Answer | None, error: str
    ) -> None:
        """End work that gave no report; a worker that can grade nothing is not to."""
        await self._look_at(worker)
        failure = answer.failure if answer else None
        passing = failure is None or failure.code == GraderError.code
        if not worker.good:
            await self._give_back(work, died=False)
        elif passing:  # no error that we know: counted, and tried again
            why = failure.message if failure else error
            _log.warning("%s, %s: %s", worker.address, work.job.label, why)
            await self._give_back(work, died=True)
        elif failure:
            msg = f"{worker.address}: {failure.message}; {failure.hint}"
            await asyncio.to_thread(self._jobs.fail, work.job.key, work.owner, msg)
            del self._held[work.owner]

    async def _look_at(self, worker: Worker) -> None:
        """Find out whether a worker may grade; say why not."""
        question = self._proof.question.model_dump_json().encode()
        worker.good = False
        async with self._link.ask(worker, look, question) as reply:
            if reply.lost:
                return
            try:
                standing = self._proof.check(_read(Standing, reply), reply.error)
            except GraderError as refusal:
                self._refused[worker.address] = refusal
                _log.warning("%s gets no work: %s", worker.address, refusal.message)
                return
        worker.born, worker.good, self._proven = standing.born, True, True


def _read(kind: type[M], reply: Reply) -> M | None:
    """Return the document in a reply; None if there is none that we understand."""
    try:
        return kind.model_validate_json(reply.data)
    except ValidationError:
        return None
