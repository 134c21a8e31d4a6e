"""The library behind both command lines: one function a command, nothing printed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from grader import datasets, publishing, rounds, similarity
from grader import overview as overviews
from grader.batch import Asked, Entry, Tally, digests_of, find_entries, tell_times
from grader.batch import grade_batch as run_batch
from grader.config import find_home, load_course
from grader.container.host import IMAGE, IMAGE_VARIABLE
from grader.errors import SandboxUnavailableError
from grader.exports import (
    CLASS_FORMATS,
    Choice,
    Exported,
    of_class,
    of_report,
    of_student,
)
from grader.exports.gradebook import notes
from grader.grading import (
    GradeOptions,
    Talk,
    course_of,
    data_folder,
    grade,
    is_inconclusive,
    make_pack,
    silent,
    state_folder,
)
from grader.image.inspection import ImageReport
from grader.image.inspection import inspect_image as look_into
from grader.image.labels import Build, labels_for
from grader.intake import open_submission
from grader.models.base import Model
from grader.models.measure import Limits
from grader.models.report import GradeReport
from grader.models.summary import ResultSummary
from grader.pipeline import reference_files
from grader.proofs import ValidateOptions, validate
from grader.roster import read_roster
from grader.sandbox import Package, Zygote, choose, survey
from grader.sandbox.docker import available as docker_problem
from grader.store import Store
from grader.store.jobs import Job as BatchJob
from grader.store.jobs import State
from grader.training.milestones import INTERRUPTED

__all__ = [
    "BatchOptions",
    "BatchRow",
    "CompareOptions",
    "ExportOptions",
    "GradeOptions",
    "OverviewOptions",
    "ValidateOptions",
    "compare",
    "cores",
    "data_folder",
    "diagnosis",
    "export",
    "fetch_data",
    "grade",
    "grade_batch",
    "image_labels",
    "inspect_image",
    "is_inconclusive",
    "make_pack",
    "open_store",
    "overview",
    "publish",
    "save",
    "state_folder",
    "validate",
    "was_interrupted",
]


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


@dataclass(frozen=True)
class CompareOptions:
    """What to hold against each other, and from which share on."""

    course: Path | None = None
    least: float = 0.3
    common: float = 0.5
    top: int = 50
    given: tuple[Path, ...] = ()  # code that everybody had, beside the template


def compare(
    sources: Sequence[str], options: CompareOptions, progress: Talk = silent
) -> similarity.Compared:
    """Find passages that submissions share; evidence, never a verdict.

    Raises:
        GraderError: the sources or the course are not usable.
    """
    home = find_home(options.course)
    package = load_course(home.course_file).package
    folders = (home.template / package, *options.given)
    settings = similarity.Settings(
        given=tuple(file for folder in folders for file in reference_files(folder)),
        least=options.least,
        common=options.common,
        top=options.top,
        package=package,
    )
    entries = find_entries(sources, package)
    whose = [similarity.Whose(entry.student, entry.source) for entry in entries]
    return similarity.compare(whose, settings, progress)


def was_interrupted(report: GradeReport) -> bool:
    """Return whether Ctrl-C ended the milestones; the report holds what was done."""
    return any(m.outcome == INTERRUPTED for m in report.verdict.milestones)


def open_store(folder: Path | None = None, course: Path | None = None) -> Store:
    """Open the result store of this course, made at first use."""
    return Store.open(folder or state_folder(find_home(course)) / "store")


def save(report: GradeReport, source: str, course: Path | None = None) -> str:
    """Keep a report and what was graded; return the digest of the result.

    Raises:
        GraderError: the store cannot be written, or `source` is gone.
    """
    package = load_course(find_home(course).course_file).package
    with closing(open_store(course=course)) as store:
        submission = open_submission(source, package=package)
        if submission.digest == report.verdict.submission:  # not edited meanwhile
            store.keep_source(submission, package)
        return store.add_report(report)


def publish(
    target: Path,
    *,
    store: Path | None = None,
    url: str = "",
    course: Path | None = None,
    minimum_group: int | None = None,
) -> Path:
    """Build the leaderboard from the store into a folder; return its index page.

    Args:
        url: SQLAlchemy address of the store's tables.

    Raises:
        LeakError: it would tell what must not be public.
        GraderError: the course or the store is not usable, or the site not writable.
    """
    source = publishing.Source(course, store, url, minimum_group)
    publishing.to_folder(publishing.prepare(source), target)
    return target / "index.html"


@dataclass(frozen=True)
class ExportOptions:
    """What to export: a report as JSON, or what the store has of the choice."""

    course: Path | None = None
    store: Path | None = None
    url: str = ""  # SQLAlchemy address of the store's tables
    report: bytes | None = None
    roster: bytes | None = None
    choice: Choice = field(default_factory=Choice)


def export(form: str, options: ExportOptions) -> Exported:
    """Write results in the format `form` of another program.

    Raises:
        GraderError: there is no such result, or the format does not take it.
    """
    if options.report is not None:
        return of_report(form, options.report, os.environ)
    folder = options.store or state_folder(find_home(options.course)) / "store"
    store = Store.open(folder, url=options.url)
    stored = store.export()
    if form in CLASS_FORMATS:
        return of_class(form, stored, options.choice, options.roster)
    return of_student(form, stored, options.choice, os.environ, store.report)


@dataclass(frozen=True)
class OverviewOptions:
    """Which round to look at, and who is in the class."""

    course: Path | None = None
    store: Path | None = None
    url: str = ""  # SQLAlchemy address of the store's tables
    roster: bytes | None = None
    choice: Choice = field(default_factory=Choice)


def overview(form: str, options: OverviewOptions) -> Exported:
    """Look at a whole class: how points lie, what fails most, who is stuck.

    Raises:
        GraderError: there is no such round, or the store or the roster is unreadable.
    """
    home = find_home(options.course)
    modules = load_course(home.course_file).modules
    roster = options.roster
    taught = overviews.Taught(
        needs={module.name: module.needs for module in modules},
        people=None if roster is None else read_roster(roster),
    )
    folder = options.store or state_folder(home) / "store"
    with closing(Store.open(folder, url=options.url)) as store:
        made, book = overviews.overview(
            store.export(), options.choice, store.report, taught
        )
    data = overviews.FORMATS[form](made).encode()
    return Exported(data, tuple(notes(book)), book.unjudged)


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


def inspect_image(name: str = "", course: Path | None = None) -> ImageReport:
    """Look into an image, by default the one that gradings use.

    Raises:
        GraderError: the engine lacks it, or the course cannot be read.
    """
    chosen = name or os.environ.get(IMAGE_VARIABLE, IMAGE)
    return look_into(chosen, find_home(course))


def image_labels(course: Path | None = None, **build: Any) -> dict[str, str]:
    """Return the labels of an image of this checkout; `build`: fields of `Build`.

    Raises:
        ConfigError: the course or the lock file cannot be read.
    """
    return labels_for(find_home(course), Build(**build))


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
