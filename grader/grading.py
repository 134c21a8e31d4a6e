"""Grade one submission as a command line asks for it, behind whichever wall."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from grader import rounds
from grader.answers import Shelf
from grader.checks.suites import suites_digest
from grader.config import (
    Home,
    data_folder,
    find_home,
    load_course,
    state_folder,
)
from grader.container.request import ContainerJob
from grader.errors import ConfigError, UsageError
from grader.intake import open_submission
from grader.models.base import Profile
from grader.models.course import Course
from grader.models.outcome import Inconclusive
from grader.models.report import GradeReport
from grader.models.submission import Submission
from grader.packs import Built, OpenPack, build_pack, opened
from grader.pipeline import (
    Job,
    answers_basis,
    digest_of,
    record_answers,
    reference_files,
)
from grader.pipeline import grade as run_job
from grader.rounds import Round
from grader.sandbox import choose

Talk = Callable[[str], None]
_log = logging.getLogger(__name__)


def silent(_: str) -> None:
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
    patience_s: float = 0.0  # for a Docker engine that does not answer
    pack: Path | None = None  # grade with this and no reference


def course_of(options: GradeOptions) -> tuple[Home, Course]:
    """Return the course that is graded in.

    Raises:
        ConfigError: it cannot be read, or has no such module or milestone.
    """
    home = find_home(options.course)
    course = load_course(home.course_file)
    known(options, course)
    return home, course


def known(options: GradeOptions, course: Course) -> None:
    """Check the names of modules and milestones.

    Raises:
        ConfigError: there is none of that name.
    """
    for what, asked, there in (
        ("module", options.modules, course.modules),
        ("milestone", options.milestones or (), course.milestones),
    ):
        names = {one.name for one in there}
        for name in asked:
            if name not in names:
                msg = f"there is no {what} {name!r}"
                raise ConfigError(msg, hint=f"{what}s: {', '.join(sorted(names))}")


def round_of(home: Home, options: GradeOptions, submission: Submission) -> Round:
    """Return the round whose secret is used.

    Raises:
        ConfigError: there is none, or it is not clear which.
    """
    if options.demo:
        return rounds.demo_round()
    wanted = options.round or submission.round
    return rounds.load_round(state_folder(home), wanted)


def grade(
    source: str, options: GradeOptions | None = None, progress: Talk = silent
) -> GradeReport:
    """Grade one submission: a folder, archive, bundle or git address.

    Raises:
        GraderError: rejected at intake, or something of ours is wrong.
    """
    options = options or GradeOptions()
    if options.pack is not None:
        with opened(options.pack) as pack:
            return _grade_with(pack, options.pack, source, options, progress)
    _, course = course_of(options)
    submission = open_submission(
        source, package=course.package, student=options.student
    )
    return grade_submission(submission, options, progress)


def grade_submission(
    submission: Submission, options: GradeOptions, progress: Talk = silent
) -> GradeReport:
    """Grade a submission that was taken in.

    Raises:
        GraderError: something of ours is wrong.
    """
    home, course = course_of(options)
    chosen = round_of(home, options, submission)
    data = options.data or data_folder(home)
    shelf = Shelf(state_folder(home), chosen)
    if options.sandbox == "docker":
        from grader.container import host  # noqa: PLC0415 -- loads the Docker SDK

        wanted = ContainerJob(
            round=chosen,
            profile=options.profile,
            modules=options.modules,
            milestones=options.milestones,
            label=submission.label,
            student=submission.student,
            digest=submission.digest,
            notes=submission.notes,
            answers=base64.b64encode(
                shelf.data(host.answers_name(chosen)) or b""
            ).decode(),
        )
        engine = host.Engine(options.patience_s, progress)
        return host.grade_in_docker(submission, wanted, data, home, engine)
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
        answers=shelf.recording,
    )
    return run_job(submission, job)


def _grade_with(
    pack: OpenPack, path: Path, source: str, options: GradeOptions, progress: Talk
) -> GradeReport:
    """Grade with an answer pack: hidden checks, no milestones.

    Raises:
        GraderError: as `grade`, or the options do not go with a pack.
    """
    if options.milestones:
        msg = "an answer pack judges no milestones: they need the reference"
        raise UsageError(msg, hint="leave out `--milestone`")
    if options.sandbox == "docker":
        msg = "an answer pack grades here, behind the inner wall"
        raise UsageError(msg, hint="leave out `--sandbox`, or start the pack inside")
    if options.round not in ("", pack.round.name):
        msg = f"the pack is of round {pack.round.name}, not {options.round}"
        raise UsageError(msg, hint="leave out `--round`")
    known(options, pack.course)
    submission = open_submission(
        source, package=pack.course.package, student=options.student
    )
    job = Job(
        home=pack.home,
        course=pack.course,
        round=pack.round,
        profile=options.profile,
        wall=choose(options.sandbox, secrets=(pack.home.folder, path)),
        modules=options.modules,
        milestones=(),
        progress=progress,
        pack=pack.answers,
    )
    return run_job(submission, job)


def make_pack(name: str, target: Path, options: GradeOptions, progress: Talk) -> Built:
    """Make the answer pack of the round `name`.

    Raises:
        GraderError: there is no such feedback round, or the course is not usable.
    """
    home, course = course_of(options)
    state = state_folder(home)
    job = Job(
        home=home,
        course=course,
        round=rounds.load_round(state, name),
        profile=options.profile,
        wall=choose(options.sandbox, secrets=(home.reference, state)),
        progress=progress,
    )
    return build_pack(job, target)


def record_oracle(options: GradeOptions) -> None:
    """Record the right answers of a round, if that was not done yet.

    What cannot be recorded is asked live by every grading.

    Raises:
        GraderError: the course, the round or the wall is not usable.
    """
    home, course = course_of(options)
    state = state_folder(home)
    chosen = rounds.load_round(state, options.round)
    shelf = Shelf(state, chosen)
    if options.sandbox == "docker":
        from grader.container import host  # noqa: PLC0415

        name, make = host.answers_name(chosen), partial(host.record_in_docker, chosen)
    else:
        wall = choose(options.sandbox, secrets=(home.reference, state))
        job = Job(home, course, chosen, options.profile, wall)
        digests = (
            suites_digest(home.suites),
            digest_of(reference_files(home.reference / course.package)),
        )
        name = answers_basis(job, digests).hex()
        make = partial(_recorded, job)
    try:
        shelf.record(name, make)
    except OSError as exc:
        _log.warning("the oracle's answers are not kept: %s", exc)


def _recorded(job: Job) -> bytes:
    data, wrong = record_answers(job)
    if wrong:
        names = ", ".join(wrong)
        _log.warning(
            "the reference does not pass in round %s: %s", job.round.name, names
        )
    return data


def is_inconclusive(report: GradeReport) -> bool:
    """Return whether anything could not be judged, for a reason on our side."""
    outcomes = [c.outcome for m in report.verdict.modules for c in m.checks]
    outcomes += [m.outcome for m in report.verdict.milestones]
    return any(isinstance(o, Inconclusive) for o in outcomes)
