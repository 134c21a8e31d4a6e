"""One submission from files to report: compile, checks, milestones, score."""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grader
from grader import scoring
from grader.checks.oracle import Oracle, Recorder
from grader.checks.packed import PackedAnswers, PackedOracle
from grader.checks.recording import Recording, seal
from grader.checks.runner import Ran, SuiteRunner
from grader.checks.suites import Check, Suites, load_suites
from grader.config import Home
from grader.errors import ConfigError
from grader.host import describe_host
from grader.models.base import Profile
from grader.models.course import Course
from grader.models.measure import Limits, Usage
from grader.models.outcome import Outcome, Passed
from grader.models.report import (
    CheckMeasure,
    GradeReport,
    Measurements,
    ModuleResult,
    Verdict,
)
from grader.models.submission import SourceFile, Submission
from grader.rounds import Round
from grader.sandbox import LateZygote, Package, Wall, Zygote
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
    answers: Callable[[bytes], Recording] = lambda _: {}  # of `answers_basis`
    pack: PackedAnswers | None = None  # stands for the reference; then no milestones


def grade(submission: Submission, job: Job) -> GradeReport:
    """Grade one submission.

    Raises:
        GraderError: ours; nothing a submission does raises.
    """
    started, clock = datetime.now(UTC), time.monotonic()
    own_cpu_s = time.process_time()
    suites = load_suites(job.home.suites, job.course)
    reference, digest = _reference(job)
    digests = suites.digest, digest
    recording = {} if job.pack else job.answers(answers_basis(job, digests))
    package = package_of(job.course, submission.files)
    truth = package_of(job.course, reference)
    graded = _run(package, truth, recording, _selected(suites, job), job)
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
        pack=job.pack.pack if job.pack else "",
    )
    return GradeReport(
        student=submission.student,
        label=submission.label,
        verdict=verdict,
        measurements=measurements,
    )


def _reference(job: Job) -> tuple[tuple[SourceFile, ...], str]:
    """Return the reference's files and digest; a pack knows only the digest."""
    if job.pack is not None:
        return (), job.pack.reference
    files = reference_files(job.home.reference / job.course.package)
    return files, digest_of(files)


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
    package: Package,
    truth: Package,
    recording: Recording,
    checks: list[Check],
    job: Job,
) -> _Graded:
    """Run checks and milestones; the reference's zygote starts if it is needed."""
    with (
        LateZygote(job.wall, truth, memory=CEILING) as oracle_zygote,
        Zygote(job.wall, package, memory=CEILING) as zygote,
        closing(_oracle(oracle_zygote, recording, job)) as oracle,
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


def _oracle(zygote: Zygote, recording: Recording, job: Job) -> Oracle:
    return PackedOracle(zygote, job.pack) if job.pack else Oracle(zygote, recording)


@dataclass(frozen=True)
class Recorded:
    """The reference, run as if it were a submission."""

    recording: Recording  # of the checks that hold
    right: frozenset[str]  # ids of these
    wrong: tuple[str, ...]  # and of the others
    digests: tuple[str, str]  # of suites and reference


def record(job: Job, wanted: Callable[[Check], bool]) -> Recorded:
    """Run the `wanted` checks on the reference, and write down what they ask it.

    No student's code is run.

    Raises:
        GraderError: the course is not usable, or the sandbox does not start.
    """
    suites = load_suites(job.home.suites, job.course)
    reference = reference_files(job.home.reference / job.course.package)
    truth = package_of(job.course, reference)
    with (
        Zygote(job.wall, truth, memory=CEILING) as oracle_zygote,
        Zygote(job.wall, truth, memory=CEILING) as zygote,
        closing(Recorder(oracle_zygote)) as oracle,
    ):
        zygote.compile(job.course.limits.load)
        runner = SuiteRunner(job.course, zygote, oracle, job.round.secret, job.progress)
        ran = runner.run(filter(wanted, suites.checks))
    right = frozenset(r.check.id for r in ran if isinstance(r.outcome, Passed))
    return Recorded(
        recording={k: tuple(v) for k, v in oracle.made.items() if k in right},
        right=right,
        wrong=tuple(r.check.id for r in ran if r.check.id not in right),
        digests=(suites.digest, digest_of(reference)),
    )


def asks_oracle(check: Check) -> bool:
    """Return whether a check is answered by the reference at all."""
    return "oracle" in check.fixtures


def record_answers(job: Job) -> tuple[bytes, tuple[str, ...]]:
    """Return the file for `job.answers`, and the checks that do not hold.

    Raises:
        GraderError: as `record`.
    """
    made = record(job, asks_oracle)
    basis = answers_basis(job, made.digests)
    return seal(made.recording, basis, job.round.secret), made.wrong


def answers_basis(job: Job, digests: tuple[str, str]) -> bytes:
    """Return the digest of all that the oracle's answers depend on.

    The processor is part of it: numpy and BLAS choose their code by it, and the last
    bits of an answer follow.
    """
    host = describe_host()
    agent = sorted((Path(__file__).parent / "agent").glob("*.py"))
    parts = [
        *digests,
        job.course.model_dump_json(),
        hashlib.sha256(job.round.secret).hexdigest(),
        grader.__version__,
        *(hashlib.sha256(path.read_bytes()).hexdigest() for path in agent),
        *(host.python, host.numpy, host.blas, host.cpu, platform.machine()),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).digest()


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
