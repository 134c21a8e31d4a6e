"""Many submissions at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from grader import rounds
from grader.batch import Asked, Entry, Tally, digests_of, find_entries, tell_times
from grader.batch import grade_batch as run_batch
from grader.config import state_folder
from grader.grading import GradeOptions, course_of
from grader.models.base import Model
from grader.models.summary import ResultSummary
from grader.store import Store
from grader.store.jobs import Job as BatchJob
from grader.store.jobs import State


@dataclass(frozen=True)
class BatchOptions:
    """How to grade many submissions."""

    grade: GradeOptions = field(default_factory=GradeOptions)
    store: Path | None = None
    url: str = ""  # SQLAlchemy address of the store's tables
    jobs: int = 0  # workers; 0: as many as cores
    retry: tuple[str, ...] = ()  # "inconclusive", "failed", "refused"
    scheduler: str = ""  # of a Dask cluster; then `grade.sandbox` is its workers' wall


class BatchRow(Model):
    """One submission of a batch as it stands."""

    student: str
    source: str
    state: State
    earned: float | None = None
    points: float | None = None
    attempts: int
    document: str | None = None
    message: str = ""


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def grade_batch(
    sources: Sequence[str],
    options: BatchOptions,
    progress: Callable[[Tally], None] = lambda _: None,
) -> list[BatchRow]:
    """Grade many submissions; what the store has already is not graded again.

    Raises:
        GraderError: the sources, the course, the wall or the store is not usable.
    """
    home, course = course_of(options.grade)
    folder = options.store or state_folder(home) / "store"
    asked = Asked(
        entries=find_entries(sources, course.package),
        options=options.grade,
        store=folder,
        url=options.url,
        jobs=options.jobs or cores(),
        retry=tuple(_RETRIES[name] for name in options.retry),
        scheduler=options.scheduler,
    )
    round_ = rounds.load_round(state_folder(home), options.grade.round).name
    timed = [entry for entry in asked.entries if entry.submitted_at]
    _tell(asked, round_, timed, digests_of(timed, course.package))
    jobs = run_batch(asked, progress)
    with closing(Store.open(folder, url=options.url)) as store:
        results = store.summaries([job.document for job in jobs if job.document])
    _tell(asked, round_, timed, {r.student: r.submission for r in results.values()})
    return [_row(job, results.get(job.document or "")) for job in jobs]


def _tell(
    asked: Asked, round_: str, timed: Sequence[Entry], digests: Mapping[str, str]
) -> None:
    """Record when submissions came: those at hand before they are graded, all after."""
    if timed:
        with closing(Store.open(asked.store, url=asked.url)) as store:
            tell_times(store, round_, timed, digests)


_RETRIES: Final[dict[str, State]] = {
    "inconclusive": "unclear",
    "failed": "failed",
    "refused": "refused",
}


def _row(job: BatchJob, result: ResultSummary | None) -> BatchRow:
    return BatchRow(
        student=job.student,
        source=job.label,
        state=job.state,
        earned=result.earned if result else None,
        points=result.points if result else None,
        attempts=job.attempts,
        document=job.document,
        message=job.message,
    )
