"""What staff ask of stored results: pages, history, regrade sets, erasure, a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from grader.batch import Asked, Tally, grade_batch
from grader.batch.regrade import (
    Change,
    RegradeState,
    changes,
    chosen,
    entries_of,
    open_set,
    sets_of,
)
from grader.config import find_home, load_course
from grader.errors import StoreError, UsageError
from grader.exports.gradebook import Choice, gradebook
from grader.feedback import Asked as AskedFor
from grader.feedback import Feedback, feedback
from grader.grading import GradeOptions, state_folder
from grader.history import Line, find_result, timeline
from grader.models.report import GradeReport
from grader.models.summary import summary_of
from grader.roster import Person
from grader.store import Store
from grader.store.erasure import Kept
from grader.store.events import RegradeSet

__all__ = [
    "Change",
    "Kept",
    "Line",
    "Place",
    "Regrade",
    "RegradeState",
    "apply_regrade",
    "cancel_regrade",
    "check",
    "feedback_of",
    "feedback_of_all",
    "forget",
    "history",
    "kept_of",
    "list_regrades",
    "opened",
    "preview",
    "regrade",
    "report_of",
    "summed",
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
    """Read the whole store; return what is wrong with it, nothing if it is sound."""
    problems = []
    with opened(place) as store:
        export = store.export()
        for result in export.results:
            try:
                report = store.report(result.digest)
            except StoreError as exc:
                problems.append(exc.message)
                continue
            if result.summary != summary_of(report):
                problems.append(f"the summary of {result.digest} is not of its report")
    return problems


@dataclass(frozen=True)
class Regrade:
    """A regrade set as it is asked for."""

    name: str
    by: str
    reason: str = ""
    students: tuple[str, ...] = ()
    jobs: int = 2
    grade: GradeOptions = field(default_factory=GradeOptions)


def regrade(
    place: Place, asked: Regrade, progress: Callable[[Tally], None] = lambda _: None
) -> list[Change]:
    """Grade a set, or what is left of one, and return what it would change.

    Raises:
        UsageError: nothing to regrade, or the set has ended.
        GraderError: the course, the round, the wall or the store is not usable.
    """
    round_ = asked.grade.round
    with opened(place) as store:
        export = store.export()
        if asked.name in sets_of(export):
            open_set(export, asked.name)
        wanted = chosen(export, round_, asked.grade.profile, asked.students)
        entries = entries_of(store, wanted)
        if asked.name not in sets_of(export):
            planned = RegradeSet(
                name=asked.name,
                state="planned",
                round=round_,
                by=asked.by,
                reason=asked.reason,
            )
            store.record("", planned)
    batch = Asked(
        entries=entries,
        options=asked.grade,
        store=place.path,
        url=place.url,
        jobs=asked.jobs,
        retry=("unclear", "failed"),
        regrade=asked.name,
    )
    grade_batch(batch, progress)
    return preview(place, asked.name)


def list_regrades(place: Place) -> list[RegradeState]:
    """Return all sets, the first planned first."""
    with opened(place) as store:
        return list(sets_of(store.export()).values())


def preview(place: Place, name: str) -> list[Change]:
    """Return what a set changes, attempt by attempt.

    Raises:
        UsageError: there is no such set.
    """
    with opened(place) as store:
        export = store.export()
        if name not in sets_of(export):
            open_set(export, name)
        return changes(export, store.jobs.of_set(name), store)


def apply_regrade(
    place: Place, name: str, *, by: str, reason: str = "", partly: bool = False
) -> list[Change]:
    """Let all results of a set count, in one transaction.

    Args:
        partly: also where some could not be judged; their old results stay.

    Raises:
        UsageError: the set has ended, or is not complete and `partly` is not said.
    """
    with opened(place) as store:
        export = store.export()
        state = open_set(export, name)
        found = changes(export, store.jobs.of_set(name), store)
        ready = [c for c in found if c.new is not None and c.new.judged]
        missing = len(found) - len(ready)
        if not ready or (missing and not partly):
            msg = f"{missing} of {len(found)} results of {name!r} are not judged"
            hint = "say `grader regrade new` again, or apply the others: --partly"
            raise UsageError(msg, hint=hint)
        ending = RegradeSet(
            name=name, state="applied", round=state.round, by=by, reason=reason
        )
        results = [(c.student, c.new_document) for c in ready if c.new_document]
        store.end_regrade(ending, results)
        return ready


def cancel_regrade(place: Place, name: str, *, by: str, reason: str = "") -> None:
    """End a set without any effect.

    Raises:
        UsageError: there is no such set, or it has ended.
    """
    with opened(place) as store:
        state = open_set(store.export(), name)
        ending = RegradeSet(
            name=name, state="cancelled", round=state.round, by=by, reason=reason
        )
        store.end_regrade(ending)


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


def summed(found: Sequence[Change]) -> dict[str, int]:
    """Return how many attempts a set raises, lowers, leaves, and cannot judge."""
    moved = [change.by for change in found]
    return {
        "up": sum(by is not None and by > 0 for by in moved),
        "down": sum(by is not None and by < 0 for by in moved),
        "same": sum(by == 0 for by in moved),
        "not judged": sum(by is None for by in moved),
    }
