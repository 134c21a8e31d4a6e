"""From an export to an overview: which results count, and all that is said of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from grader.exports.gradebook import Choice, Gradebook, gradebook, valid_results
from grader.models.base import Digest
from grader.models.report import GradeReport
from grader.overview import checks, parts, stuck
from grader.overview.catalogue import catalogue
from grader.overview.models import Overview, Who
from grader.roster import Person
from grader.store import Export, StoredResult
from grader.store.events import Submitted


@dataclass(frozen=True)
class Taught:
    """What the store does not know of a class."""

    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    people: Mapping[str, Person] | None = None


def overview(
    export: Export, choice: Choice, read: Callable[[str], GradeReport], taught: Taught
) -> tuple[Overview, Gradebook]:
    """Return an overview and the gradebook it is made from.

    Args:
        read: gives a stored report by its digest; one a version of the suites is read,
            for the titles of checks.

    Raises:
        UsageError: there is no such round or profile, or it is not clear which.
        StoreError: a report cannot be read.
    """
    book = gradebook(export, choice, taught.people)
    results, students = book.graded, len(book.rows)
    still = stuck.standstills(_attempts(export, book), taught.needs)
    counting = [row.stored for row in book.rows if row.stored]
    known = catalogue([*counting, *(s.attempts[-1].stored for s in still)], read)
    names = {row.student: _who(row.student, row.person) for row in book.rows}
    made = Overview(
        course=results[-1].course if results else "",
        round=book.round,
        profile=book.profile,
        as_of=max((r.started_at for r in results), default=None),
        students=students,
        total=parts.total(results, students),
        modules=parts.modules(results, students),
        milestones=parts.milestones(results, students),
        checks=checks.checks(results, known),
        mistakes=checks.mistakes(results, known),
        stuck=tuple(stuck.told(s, names[s.student], known) for s in still),
        without=tuple(names[r.student] for r in book.rows if r.result is None),
    )
    return made, book


def _who(student: str, person: Person | None) -> Who:
    return Who(student=student, name=person.full_name if person else "")


def _attempts(export: Export, book: Gradebook) -> dict[str, list[stuck.Attempt]]:
    """Return the attempts of everybody in the book, in its round and profile."""
    handed_in = _handed_in(export, book.round)
    found: dict[str, list[StoredResult]] = {row.student: [] for row in book.rows}
    for student, stored in valid_results(export):
        result = stored.summary
        here = (result.round, result.profile) == (book.round, book.profile)
        if here and student in found:
            found[student].append(stored)
    return {
        student: stuck.attempts(results, handed_in.get(student, {}))
        for student, results in found.items()
    }


def _handed_in(export: Export, round_: str) -> dict[str, dict[Digest, datetime]]:
    """Return when each student's submissions were handed in; the earliest counts."""
    found: dict[str, dict[Digest, datetime]] = {}
    for event in export.events:
        told = event.payload
        if isinstance(told, Submitted) and told.round == round_:
            own = found.setdefault(event.student, {})
            own[told.submission] = min(told.at, own.get(told.submission, told.at))
    return found
