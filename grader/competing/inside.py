"""Measure one session inside our container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from grader.competing.bench import CompeteOptions, make_bench
from grader.container.request import SessionJob
from grader.grading import Talk
from grader.measuring.session import measure
from grader.models.session import Session
from grader.models.submission import SourceFile, Submission

INNER: Final = "uid"  # the wall inside a container


def measured(
    submission: Submission,
    held: Mapping[str, bytes],
    wanted: SessionJob,
    progress: Talk,
) -> Session:
    """Measure the session that a request asks for.

    Args:
        held: files of the submission that is challenged, by path.

    Raises:
        GraderError: the course or the wall is not usable, or has no such workload.
    """
    options = CompeteOptions(
        events=(wanted.event,),
        workloads=(wanted.workload,),
        sandbox=INNER,
        launches=wanted.launches,
        pairs=wanted.pairs,
    )
    bench = make_bench(options, progress)
    ((event, workload),) = bench.pairs()
    submissions: tuple[Submission, ...] = (submission,)
    if wanted.holder is not None:
        files = tuple(SourceFile(path=p, data=held[p]) for p in sorted(held))
        holder = Submission(label="holder", digest=wanted.holder, files=files)
        submissions = (submission, holder)

    def offsets(host_class: str) -> tuple[float, ...]:
        return wanted.offsets.get(host_class, ())

    order = bench.order(event, workload, submissions, offsets)
    return measure(replace(order, attempt=wanted.attempt, limits=wanted.limits))
