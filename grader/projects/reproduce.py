"""Reproduce one project: several draws, a metric with its interval, a verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import grader
from grader.checks.runner import seed_of
from grader.host import describe_host
from grader.intake import Handed
from grader.models.capstone import Capstone
from grader.models.course import Course
from grader.models.measure import Limits
from grader.models.outcome import Inconclusive, Limit, LimitExceeded, Outcome, Passed
from grader.models.project import (
    Claim,
    ClaimNotJudged,
    ClaimReported,
    Draw,
    Project,
    ProjectDigests,
    Reproduction,
)
from grader.projects.clock import host_factor
from grader.projects.questions import Source
from grader.projects.run import Attempt, draw, interrupted, over_budget
from grader.projects.scores import FEWEST, judged, reproduced
from grader.rounds import Round
from grader.sandbox import Wall, Zygote
from grader.sandbox.package import package_of

DRAWS: Final = 5  # where the course's total allows so many
TRIES: Final = 3  # inconclusive draws are repeated twice
CEILING: Final = Limits(cpu_s=3600, memory_bytes=2**31, processes=64)


@dataclass(frozen=True)
class ProjectJob:
    """All that a reproduction is a function of, besides the submission.

    Attributes:
        roots: folders of the course's data sets, looked through in order.
    """

    course: Course
    round: Round
    wall: Wall
    roots: tuple[Path, ...]
    progress: Callable[[str], None] = lambda _: None


def draws_of(declared: Capstone, course: Course) -> int:
    """Return how many draws the course's total allows: one, or three to five."""
    fit = int(course.projects.total_cpu_s / declared.budget.cpu_s)
    return min(DRAWS, fit) if fit >= FEWEST else 1


def reproduce(handed: Handed, declared: Capstone, job: ProjectJob) -> Project:
    """Run a project and hold its claim against what was measured.

    Raises:
        SubmissionRejectedError: its own data are not what is declared.
        GraderError: ours; nothing that the project's code does raises.
    """
    started = datetime.now(UTC)
    source = Source(declared, handed.files, job.course.projects, job.roots)
    factor, first = host_factor(), source.draw(_seed(job, 1))
    draws = _draws(handed, declared, job, (source, factor))
    found = reproduced(declared.metric, draws)
    return Project(
        course=job.course.name,
        round=job.round.name,
        engine=grader.__version__,
        started_at=started,
        capstone=declared,
        digests=ProjectDigests(
            submission=handed.submission.digest,
            project=project_digest(handed.files),
            data=first.digest,
        ),
        data=first.facts,
        draws=tuple(draws),
        reproduction=found,
        claim=_claim(declared, draws, found),
        budget_factor=factor,
        isolation=job.wall.isolation,
        host=describe_host(),
    )


def project_digest(files: Mapping[str, bytes]) -> str:
    """Return the digest of paths and bytes of a project's own files."""
    digest = hashlib.sha256()
    for path, data in sorted(files.items()):
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    return f"sha256:{digest.hexdigest()}"


def _seed(job: ProjectJob, number: int) -> int:
    return seed_of(job.round.secret, f"project:{number}")


def _draws(
    handed: Handed, declared: Capstone, job: ProjectJob, given: tuple[Source, float]
) -> list[Draw]:
    """Run all draws; one that does not come to its end is the last."""
    source, factor = given
    script = handed.files[declared.script.file].decode("utf-8", "replace")
    count = draws_of(declared, job.course)
    draws: list[Draw] = []
    package = package_of(job.course, handed.submission.files)
    with Zygote(job.wall, package, memory=CEILING) as zygote:
        zygote.compile(job.course.limits.load)
        for number in range(1, count + 1):
            job.progress(f"{declared.title[:40]}: training {number} of {count}")
            attempt = Attempt(
                number=number,
                declared=declared,
                script=script,
                asked=source.draw(_seed(job, number)),
                seed=_seed(job, number),
                preload=tuple(s.name for m in job.course.modules for s in m.symbols),
                load_limits=job.course.limits.load,
                factor=factor,
            )
            draws.append(_tried(zygote, attempt))
            if not isinstance(draws[-1].outcome, Passed):
                break
    return draws


def _tried(zygote: Zygote, attempt: Attempt) -> Draw:
    """Run a draw; again where it could not be judged, or was barely over budget."""
    found = interrupted(attempt.number)
    try:
        for tries in range(1, TRIES + 1):
            found = draw(zygote, attempt)
            if isinstance(found.outcome, Inconclusive):
                zygote.restart()
            elif tries > 1 or not _barely_over(found, attempt):
                return found
    except KeyboardInterrupt:
        return interrupted(attempt.number)
    return found


def _barely_over(found: Draw, attempt: Attempt) -> bool:
    """Return whether it reached its end, with more CPU time than declared."""
    hit = isinstance(found.outcome, LimitExceeded) and found.outcome.which is Limit.CPU
    killed_at_s = attempt.limits.cpu_s
    over = over_budget(attempt, found.usage)
    return hit and over and found.usage is not None and found.usage.cpu_s < killed_at_s


def _claim(declared: Capstone, draws: list[Draw], found: Reproduction | None) -> Claim:
    failed = [d for d in draws if not isinstance(d.outcome, Passed)]
    if failed:
        return ClaimNotJudged(reason=_why(failed[0].outcome))
    if not declared.metric.measured:
        return ClaimReported()
    if found is None:
        return ClaimNotJudged(reason="no draw has a metric")
    return judged(declared.metric, found)


def _why(outcome: Outcome) -> str:
    """Return what ended a project, in one line."""
    match outcome:
        case Inconclusive(reason=reason):
            return f"could not be judged, for a reason on our side: {reason}"[:1000]
        case LimitExceeded(limit=limit, where=where):
            return f"more than {limit}, {where}"[:1000]
        case _:
            told = outcome.model_dump(exclude={"kind", "hint"})
            parts = [str(text) for text in told.values() if text]
            return f"{outcome.kind.replace('_', ' ')}: {', '.join(parts)}"[:1000]
