"""Have sessions measured in containers of their own."""

from __future__ import annotations

from collections.abc import Callable

from grader.competing.bench import Bench
from grader.competing.earlier import Earlier
from grader.container.host import Engine
from grader.container.request import SessionJob
from grader.container.session import session_in_docker
from grader.errors import UsageError
from grader.models.course import CompetitionEvent, Workload
from grader.models.session import Session
from grader.models.submission import Submission


def contained(
    bench: Bench,
    event: CompetitionEvent,
    workload: Workload,
    submissions: tuple[Submission, ...],
    earlier: Earlier,
) -> Callable[[int], Session]:
    """Return what measures one attempt in a container of its own.

    Raises:
        UsageError: a script of a submission's own would have to travel along.
    """
    if bench.options.division != "closed":
        msg = "the open division is not measured in a container yet"
        raise UsageError(msg, hint="leave out `--sandbox docker`")
    wanted = SessionJob(
        event=event.name,
        workload=workload.name,
        launches=bench.options.launches,
        pairs=bench.options.pairs,
        attempt=1,
        limits=bench.course.limits.container,
        holder=submissions[1].digest if len(submissions) == 2 else None,
        offsets=earlier.by_class(),
    )
    engine = Engine(progress=bench.progress)

    def once(attempt: int) -> Session:
        asked = SessionJob.model_validate(dict(wanted) | {"attempt": attempt})
        return session_in_docker(submissions, asked, bench.home, engine)

    return once
