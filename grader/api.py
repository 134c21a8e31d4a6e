"""The library behind both command lines: one function a command, nothing printed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader import __version__, datasets, rounds
from grader.checks.suites import load_suites
from grader.config import Home, find_home, load_course
from grader.container import ContainerJob, grade_in_docker
from grader.errors import ConfigError, SandboxUnavailableError
from grader.intake import open_submission
from grader.models.base import Profile
from grader.models.measure import Limits
from grader.models.outcome import Inconclusive
from grader.models.report import GradeReport
from grader.models.submission import Submission
from grader.models.validation import ValidationReport
from grader.pipeline import Job, digest_of, reference_files
from grader.pipeline import grade as run_job
from grader.publish import build, write_site
from grader.rounds import Round, RoundKind
from grader.sandbox import Package, Zygote, choose, survey
from grader.sandbox.docker import available as docker_problem
from grader.store import Store
from grader.training.milestones import INTERRUPTED
from grader.validation import Plan
from grader.validation import validate as run_validation
from grader.validation.mutants import Source, select

Talk = Callable[[str], None]


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True)
class GradeOptions:
    """How to grade; every field has the default a new user wants."""

    course: Path | None = None
    round: str = ""
    profile: Profile = "quick"
    sandbox: str = "auto"
    student: str = ""
    data: Path | None = None
    modules: tuple[str, ...] = ()
    milestones: tuple[str, ...] | None = None
    demo: bool = False


def state_folder(home: Home) -> Path:
    """Return where secrets and results live: GRADER_STATE, or `.grader` beside us."""
    return Path(os.environ.get("GRADER_STATE") or home.folder / ".grader")


def grade(
    source: str, options: GradeOptions | None = None, progress: Talk = _silent
) -> GradeReport:
    """Grade one submission: a folder, archive, bundle or git address.

    Raises:
        GraderError: rejected at intake, or something of ours is wrong.
    """
    options = options or GradeOptions()
    home = find_home(options.course)
    course = load_course(home.course_file)
    _known(
        options, {m.name for m in course.modules}, {m.name for m in course.milestones}
    )
    submission = open_submission(
        source, package=course.package, student=options.student
    )
    chosen = _round(home, options, submission)
    data = options.data or data_folder(home)
    if options.sandbox == "docker":
        wanted = ContainerJob(
            round=chosen,
            profile=options.profile,
            modules=options.modules,
            milestones=options.milestones,
            label=submission.label,
            student=submission.student,
            digest=submission.digest,
            notes=submission.notes,
        )
        return grade_in_docker(submission, wanted, data, home)
    job = Job(
        home=home,
        course=course,
        round=chosen,
        profile=options.profile,
        wall=choose(options.sandbox, secrets=(home.reference, state_folder(home))),
        data=data,
        modules=options.modules,
        milestones=options.milestones,
        progress=progress,
    )
    return run_job(submission, job)


def _known(options: GradeOptions, modules: set[str], milestones: set[str]) -> None:
    for what, names, known in (
        ("module", options.modules, modules),
        ("milestone", options.milestones or (), milestones),
    ):
        for name in names:
            if name not in known:
                msg = f"there is no {what} {name!r}"
                raise ConfigError(msg, hint=f"{what}s: {', '.join(sorted(known))}")


def _round(home: Home, options: GradeOptions, submission: Submission) -> Round:
    if options.demo:
        return rounds.demo_round()
    wanted = options.round or submission.round
    return rounds.load_round(state_folder(home), wanted)


def data_folder(home: Home) -> Path | None:
    """Return where data sets are: TINYTORCH_DATA, or what `data fetch` has filled."""
    named = os.environ.get("TINYTORCH_DATA")
    if named:
        return Path(named)
    own = state_folder(home) / "data"
    return own if own.is_dir() else None


@dataclass(frozen=True)
class ValidateOptions:
    """What to validate, and how thoroughly."""

    course: Path | None = None
    modules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("named", "operator")
    sample: int = 0  # machine-made mutants a module; 0: all
    rounds: int = 3
    jobs: int = 2
    bar: float = 0.95
    sandbox: str = "auto"
    fresh: bool = False  # forget what an interrupted run has found


def validate(options: ValidateOptions, progress: Talk = _silent) -> ValidationReport:
    """Run the hidden suites against the reference, nothing, the template and mutants.

    Raises:
        GraderError: something of ours is wrong; weak suites are a result.
    """
    home = find_home(options.course)
    course = load_course(home.course_file)
    _known(
        GradeOptions(modules=options.modules), {m.name for m in course.modules}, set()
    )
    suites = load_suites(home.suites, course)
    reference = reference_files(home.reference / course.package)
    wall = choose(options.sandbox, secrets=(home.reference, state_folder(home)))
    plan = Plan(
        course=course,
        suites=suites,
        reference=reference,
        template=reference_files(home.template / course.package),
        mutants=select(
            Source(course, reference),
            home.mutants,
            modules=options.modules,
            kinds=options.kinds,
            sample=options.sample,
        ),
        wall=wall,
        digests=(suites.digest, digest_of(reference)),
        rounds=options.rounds,
        sampled=options.sample > 0 or {*options.kinds} != {"named", "operator"},
        jobs=options.jobs,
        bar=options.bar,
        modules=frozenset(options.modules),
        progress=progress,
    )
    basis = [*plan.digests, wall.isolation.tier, __version__, course.model_dump_json()]
    key = hashlib.sha256("\0".join(basis).encode())
    journal = state_folder(home) / "validation" / f"{key.hexdigest()[:16]}.jsonl"
    if options.fresh:
        journal.unlink(missing_ok=True)
    return run_validation(plan, journal)


def is_inconclusive(report: GradeReport) -> bool:
    """Return whether anything could not be judged, for a reason on our side."""
    outcomes = [c.outcome for m in report.verdict.modules for c in m.checks]
    outcomes += [m.outcome for m in report.verdict.milestones]
    return any(isinstance(o, Inconclusive) for o in outcomes)


def was_interrupted(report: GradeReport) -> bool:
    """Return whether Ctrl-C ended the milestones; the report holds what was done."""
    return any(m.outcome == INTERRUPTED for m in report.verdict.milestones)


def new_round(name: str, kind: RoundKind, course: Path | None = None) -> Round:
    """Make a round and its secret."""
    return rounds.new_round(state_folder(find_home(course)), name, kind)


def open_store(folder: Path | None = None, course: Path | None = None) -> Store:
    """Open the result store of this course, made at first use."""
    return Store.open(folder or state_folder(find_home(course)) / "store")


def publish(
    target: Path,
    *,
    store: Path | None = None,
    course: Path | None = None,
    minimum_group: int | None = None,
) -> Path:
    """Build the leaderboard from the store; return its index page."""
    home = find_home(course)
    settings = load_course(home.course_file)
    files = build(
        open_store(store, course).export(),
        course_secret=rounds.course_secret(state_folder(home)),
        assets=home.leaderboard,
        minimum_group=minimum_group or settings.minimum_group,
        now=datetime.now(UTC),
    )
    write_site(files, target)
    return target / "index.html"


def fetch_data(
    names: tuple[str, ...],
    source: Path | None,
    course: Path | None,
    progress: Callable[[str, int, int | None], None],
) -> list[Path]:
    """Download or copy data sets into the course's data folder."""
    target = state_folder(find_home(course)) / "data"
    fetched = datasets.fetch(names, target, source=source, progress=progress)
    return [f.path for f in fetched]


def diagnosis(course: Path | None = None) -> list[str]:
    """Say of each sandbox whether it works here, and what this host would use."""
    home = find_home(course)
    secrets = (home.reference, state_folder(home))
    problems = {"docker": docker_problem() or ""} | survey(secrets)
    lines = [f"{tier:<12}{problem or 'works'}" for tier, problem in problems.items()]
    try:
        wall = choose("auto", secrets=secrets)
    except SandboxUnavailableError as exc:
        return [*lines, f"{'auto':<12}{exc.message}", f"{'':<12}{exc.hint}"]
    with Zygote(wall, Package("nothing", (), {}), memory=Limits()):
        features = ", ".join(wall.isolation.features)
        return [*lines, f"{'auto':<12}{wall.isolation.tier} ({features}): starts"]
