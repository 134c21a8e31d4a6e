"""One submission from files to report: compile, checks, milestones, score."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grader
from grader import scoring
from grader.checks.runner import Oracle, Ran, SuiteRunner
from grader.checks.suites import Check, Suites, load_suites
from grader.config import Home
from grader.errors import ConfigError
from grader.host import describe_host
from grader.models.base import Profile
from grader.models.course import Course
from grader.models.measure import Limits, Usage
from grader.models.outcome import Outcome
from grader.models.report import (
    CheckMeasure,
    GradeReport,
    Measurements,
    ModuleResult,
    Verdict,
)
from grader.models.submission import SourceFile, Submission
from grader.rounds import Round
from grader.sandbox import Wall, Zygote
from grader.sandbox.package import package_of
from grader.training import (
    Chosen,
    MilestoneContext,
    MilestoneRun,
    ended_milestones,
    run_milestones,
)


@dataclass(frozen=True)
class Job:
    """All that a grading is a function of, besides the submission."""

    home: Home
    course: Course
    round: Round
    profile: Profile
    wall: Wall
    data: Path | None = None  # data sets of the full profile
    modules: tuple[str, ...] = ()  # empty: all
    milestones: tuple[str, ...] | None = None  # None: all; (): none
    progress: Callable[[str], None] = lambda _: None


def grade(submission: Submission, job: Job) -> GradeReport:
    """Grade one submission.

    Raises:
        GraderError: ours; nothing a submission does raises.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    own_cpu_s = time.process_time()
    suites = load_suites(job.home.suites, job.course)
    reference = reference_files(job.home.reference / job.course.package)
    graded = _run(submission, reference, _selected(suites, job), job)
    digests = suites.digest, digest_of(reference)
    verdict = _verdict(submission, job, graded, digests)
    measurements = Measurements(
        started_at=started,
        wall_s=time.monotonic() - clock,
        cpu_s=time.process_time() - own_cpu_s + graded.sandbox_cpu_s,
        isolation=job.wall.isolation,
        host=describe_host(),
        checks=tuple(r.measure for r in graded.ran),
        milestones=tuple(r.measure for r in graded.milestones if r.measure is not None),
        suite=graded.suite,
    )
    return GradeReport(
        student=submission.student,
        label=submission.label,
        verdict=verdict,
        measurements=measurements,
    )


def ended_report(submission: Submission, job: Job, outcome: Outcome) -> GradeReport:
    """Return the report of a run that ended as a whole.

    Every check and every milestone has `outcome`, so that the points there are stay
    those of the course.
    """
    suites = load_suites(job.home.suites, job.course)
    reference = reference_files(job.home.reference / job.course.package)
    ran = []
    for check in _selected(suites, job):
        nothing = CheckMeasure(id=check.id, cpu_s=0.0, wall_s=0.0, peak_rss_bytes=0)
        ran.append(Ran(check, outcome, "", nothing))
    usage = Usage(cpu_s=0.0, wall_s=0.0, peak_rss_bytes=0)
    chosen = Chosen(job.course, job.profile, job.home.milestones, job.milestones)
    milestones = ended_milestones(chosen, outcome)
    modules = scoring.score_modules(job.course, ran)
    graded = _Graded(ran, modules, milestones, usage, 0.0)
    digests = suites.digest, digest_of(reference)
    return GradeReport(
        student=submission.student,
        label=submission.label,
        verdict=_verdict(submission, job, graded, digests),
        measurements=Measurements(
            started_at=datetime.now(UTC),
            wall_s=0.0,
            cpu_s=0.0,
            isolation=job.wall.isolation,
            host=describe_host(),
        ),
    )


def _verdict(
    submission: Submission, job: Job, graded: _Graded, digests: tuple[str, str]
) -> Verdict:
    """Return what was earned; `digests` are those of suites and reference."""
    results = tuple(r.result for r in graded.milestones)
    earned, points = scoring.total(graded.modules, results)
    return Verdict(
        submission=submission.digest,
        suites=digests[0],
        reference=digests[1],
        course=job.course.name,
        round=job.round.name,
        round_kind=job.round.kind,
        profile=job.profile,
        engine=grader.__version__,
        earned=earned,
        points=points,
        modules=graded.modules,
        milestones=results,
        notes=submission.notes,
    )


@dataclass(frozen=True)
class _Graded:
    """What running a submission gave, before it becomes a report."""

    ran: list[Ran]
    modules: tuple[ModuleResult, ...]
    milestones: list[MilestoneRun]
    suite: Usage
    sandbox_cpu_s: float


def _run(
    submission: Submission,
    reference: tuple[SourceFile, ...],
    checks: list[Check],
    job: Job,
) -> _Graded:
    """Run checks and milestones with two zygotes: the student's and the oracle's."""
    truth, package = (
        package_of(job.course, files) for files in (reference, submission.files)
    )
    with (
        Zygote(job.wall, truth, memory=CEILING) as oracle_zygote,
        Zygote(job.wall, package, memory=CEILING) as zygote,
        closing(Oracle(oracle_zygote)) as oracle,
    ):
        job.progress("reading the submission")  # from here on, it may do harm
        zygote.compile(job.course.limits.load)
        runner = SuiteRunner(job.course, zygote, oracle, job.round.secret, job.progress)
        ran = runner.run(checks)
        modules = scoring.score_modules(job.course, ran)
        context = _milestone_context(job, zygote, oracle_zygote)
        milestones = run_milestones(context, modules)
        cpu_s = zygote.cpu_s() + oracle_zygote.cpu_s()
    return _Graded(ran, modules, milestones, _suite_usage(runner, ran), cpu_s)


# Kernel limits of whole groups: the largest milestone, with room; meters are exact.
CEILING = Limits(cpu_s=3600, memory_bytes=2**31, processes=64)


def _selected(suites: Suites, job: Job) -> list[Check]:
    return [c for c in suites.checks if not job.modules or c.module in job.modules]


def _milestone_context(job: Job, zygote: Zygote, reference: Zygote) -> MilestoneContext:
    return MilestoneContext(
        course=job.course,
        zygote=zygote,
        reference=reference,
        secret=job.round.secret,
        profile=job.profile,
        scripts=job.home.milestones,
        data=job.data,
        wanted=job.milestones,
        progress=job.progress,
    )


def reference_files(folder: Path) -> tuple[SourceFile, ...]:
    """Return the source files of the reference, named as in a submission.

    Raises:
        ConfigError: there is no package in `folder`.
    """
    paths = sorted(folder.rglob("*.py"))
    if not paths:
        msg = f"no reference package in {folder}"
        raise ConfigError(msg, hint="hidden suites need the reference as their oracle")
    return tuple(
        SourceFile(path=p.relative_to(folder.parent).as_posix(), data=p.read_bytes())
        for p in paths
    )


def digest_of(files: tuple[SourceFile, ...]) -> str:
    """Return the digest of paths and bytes, as intake computes it."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\0{len(file.data)}\0".encode() + file.data)
    return f"sha256:{digest.hexdigest()}"


def _suite_usage(runner: SuiteRunner, ran: list[Ran]) -> Usage:
    return Usage(
        cpu_s=sum(r.measure.cpu_s for r in ran),
        wall_s=runner.samples[-1].wall_s if runner.samples else 0.0,
        peak_rss_bytes=max([0, *(r.measure.peak_rss_bytes for r in ran)]),
        curve=tuple(runner.samples),
    )
