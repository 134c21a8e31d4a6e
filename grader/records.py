"""What staff ask of stored results: pages, history, erasure, a check."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader.config import find_home, load_course, state_folder
from grader.errors import StoreError, UsageError
from grader.exports.gradebook import Choice, gradebook
from grader.feedback import Asked as AskedFor
from grader.feedback import Feedback, feedback
from grader.history import Line, find_result, timeline
from grader.models.report import GradeReport
from grader.models.summary import summary_of
from grader.roster import Person
from grader.store import Export, Store
from grader.store.erasure import Kept

__all__ = [
    "Kept",
    "Line",
    "Place",
    "check",
    "feedback_of",
    "feedback_of_all",
    "forget",
    "history",
    "kept_of",
    "opened",
    "report_of",
]


@dataclass(frozen=True)
class Place:
    """Which store: its folder, and the address of its tables."""

    course: Path | None = None
    folder: Path | None = None
    url: str = ""

    @property
    def path(self) -> Path:
        """The store's folder, found from the course if it is not named."""
        return self.folder or state_folder(find_home(self.course)) / "store"


@contextmanager
def opened(place: Place) -> Iterator[Store]:
    """Open a store for the length of a block."""
    store = Store.open(place.path, url=place.url)
    try:
        yield store
    finally:
        store.close()


def history(place: Place, student: str = "", round_: str = "") -> list[Line]:
    """Return what happened, oldest first."""
    with opened(place) as store:
        return timeline(store.export(), student, round_)


def report_of(place: Place, wanted: str, round_: str = "") -> GradeReport:
    """Return the report of a student's latest result, or of a digest."""
    with opened(place) as store:
        return store.report(find_result(store.export(), wanted, round_))


def feedback_of(place: Place, student: str, choice: Choice) -> Feedback:
    """Return what the page of one person shows.

    Raises:
        UsageError: nothing of this person was graded there.
    """
    with opened(place) as store:
        asked = _asked(place, student, choice, store.people.get(student))
        return feedback(store.export(), store.report, asked)


def feedback_of_all(place: Place, choice: Choice) -> Iterator[Feedback]:
    """Yield the pages of everybody with a result, in the order of their ids.

    Raises:
        UsageError: there is no such round or profile, or it is not clear which.
    """
    with opened(place) as store:
        export = store.export()
        book = gradebook(export, choice)
        there = Choice(round=book.round, profile=book.profile)
        people = store.people.all()
        for row in book.rows:
            if row.stored is not None or row.state == "closed":
                asked = _asked(place, row.student, there, people.get(row.student))
                yield feedback(export, store.report, asked)


def _asked(
    place: Place, student: str, choice: Choice, person: Person | None
) -> AskedFor:
    course = load_course(find_home(place.course).course_file)
    folder = course.package.replace(".", "/")
    return AskedFor(
        student=student,
        now=datetime.now(UTC),
        round=choice.round,
        profile=choice.profile,
        name=person.full_name if person else "",
        files={module.name: f"{folder}/{module.file}" for module in course.modules},
    )


def check(place: Place) -> list[str]:
    """Read the whole store; return what is wrong with it, nothing if it is sound.

    What an erasure that was cut off left is deleted.
    """
    problems = []
    with opened(place) as store:
        store.end_erasures()
        export = store.export()
        for result in export.results:
            try:
                report = store.report(result.digest)
            except StoreError as exc:
                problems.append(exc.message)
                continue
            if result.summary != summary_of(report):
                problems.append(f"the summary of {result.digest} is not of its report")
        return problems + _damaged(store, export)


def _damaged(store: Store, export: Export) -> list[str]:
    """Return what is wrong with sessions and projects."""
    problems = []
    read = {"measured": store.sessions.read, "project": store.projects.read}
    for event in export.events:
        if event.payload.kind in read and event.document:
            try:
                read[event.payload.kind](event.document)
            except StoreError as exc:
                problems.append(exc.message)
    return problems


def kept_of(place: Place, student: str) -> Kept:
    """Return what is kept of one person.

    Raises:
        UsageError: nothing is.
    """
    with opened(place) as store:
        kept = store.kept_of(student)
    if kept.nothing:
        msg = f"nothing is kept of {student!r}"
        raise UsageError(msg, hint="the id is the one results were stored by")
    return kept


def forget(place: Place, student: str, *, by: str, reason: str) -> Kept:
    """Erase one person."""
    with opened(place) as store:
        return store.forget(student, by=by, reason=reason)
