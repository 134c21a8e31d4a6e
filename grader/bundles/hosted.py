"""Grade inside another product's container, and always leave an answer."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from grader.bundles.handed_in import HandedIn, handed_in
from grader.bundles.places import Places, closed, places_of, write_at_once
from grader.bundles.results import RESULTS, Said
from grader.bundles.settings import Product, Settings, read_settings
from grader.config import find_home, load_course
from grader.errors import GraderError, InconclusiveError, SubmissionRejectedError
from grader.grading import GradeOptions, course_of, grade_submission
from grader.intake import open_upload
from grader.models.course import Course
from grader.models.report import GradeReport
from grader.store import has_inconclusive
from grader.training import Chosen

UNFINISHED = (
    "The grading did not end: it was stopped from outside, or ran out of memory."
)


@dataclass(frozen=True)
class Answer:
    """What is written for the product, and whether it is a grading."""

    data: bytes
    judged: bool


def run(product: Product, root: Path, work: Path) -> Answer:
    """Grade what `product` has laid out; write the answer where it is looked for.

    Whatever happens, there is an answer: until the grading ends it says that it did
    not, without a score.
    """
    places = places_of(product, root, work)
    results = RESULTS[product]
    said = Said()
    try:
        _write(places, results.failed(UNFINISHED, said))
        settings = read_settings(places.settings)
        said = Said(parts=_parts(places, settings))
        with closed(places.closed), _deadline(settings.deadline_s):
            answer = _graded(product, places, settings, said.parts)
    except GraderError as exc:
        _say(f"error[{exc.code}]: {exc.message}\n  hint: {exc.hint}\n")
        answer = Answer(
            results.failed(f"It could not be graded: {exc.message}.", said), False
        )
    except Exception:  # noqa: BLE001 -- a bug of ours must not become a zero
        _say(traceback.format_exc())
        answer = Answer(results.failed("It could not be graded.", said), False)
    _write(places, answer.data)
    return answer


def _graded(
    product: Product, places: Places, settings: Settings, parts: tuple[str, ...]
) -> Answer:
    results = RESULTS[product]
    known = handed_in(places.metadata)
    said = Said(known.notes(), parts)
    try:
        report = _report(places, settings, known)
    except SubmissionRejectedError as exc:
        return Answer(results.rejected(exc, said), True)
    return Answer(results.graded(report, said), not has_inconclusive(report))


def _report(places: Places, settings: Settings, known: HandedIn) -> GradeReport:
    options = _options(places, settings)
    os.environ["GRADER_STATE"] = str(places.state)
    _, course = course_of(options)
    files = {Path(module.file).name for module in course.modules if module.file}
    submission = open_upload(
        places.submission, files, package=course.package, student=known.student
    )
    return grade_submission(submission, options)


def _options(places: Places, settings: Settings) -> GradeOptions:
    return GradeOptions(
        course=places.course,
        round=settings.round,
        profile=settings.profile,
        modules=settings.modules,
        milestones=settings.milestones,
    )


def _parts(places: Places, settings: Settings) -> tuple[str, ...]:
    """Return the names that scores have in an export: modules, then milestones."""
    home, course = course_of(_options(places, settings))
    chosen = Chosen(course, settings.profile, home.milestones, settings.milestones)
    modules = [
        m for m in course.modules if not settings.modules or m.name in settings.modules
    ]
    return (
        *(module.name for module in modules),
        *(f"milestone_{milestone.name}" for milestone, _ in chosen.pairs()),
    )


class _DeadlineError(InconclusiveError):
    """The time that this product leaves us is over."""


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """End what takes longer, while there is still time to say so."""

    def late(_: int, __: FrameType | None) -> NoReturn:
        msg = f"it took longer than {seconds:.0f} s, which is the time there is here"
        raise _DeadlineError(msg, hint="give the assignment more time or fewer modules")

    before = signal.signal(signal.SIGALRM, late)
    # Again every second: the first one may come where an error is expected.
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _write(places: Places, data: bytes) -> None:
    if places.results is not None:
        write_at_once(places.results, data)


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def check(course: Path) -> Course:
    """Return the course, read as a grading would; for the end of an installation.

    Raises:
        ConfigError: it is not usable.
    """
    return load_course(find_home(course).course_file)
