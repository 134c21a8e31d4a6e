"""Which results of a round count: a pure function of what the store holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from grader.errors import UsageError
from grader.exports.lines import Part, hundredths, parts_of
from grader.exports.roster import Person
from grader.models.report import GradeReport
from grader.store import Export, GradedAt, StoredReport, Withdrawn, has_inconclusive


@dataclass(frozen=True)
class Row:
    """One student; without a report where the roster names somebody not graded."""

    student: str
    person: Person | None = None
    stored: StoredReport | None = None
    waiting: bool = False  # the latest result could not be judged

    @property
    def report(self) -> GradeReport | None:
        """The report that counts."""
        return self.stored.report if self.stored else None

    @cached_property
    def state(self) -> str:
        """What the numbers of this row mean."""
        if self.report is None:
            return "no result"
        return "not judged" if has_inconclusive(self.report) else "graded"

    @property
    def earned(self) -> str:
        """Points with two decimals; empty, never zero, where nothing was judged."""
        if self.report is None or self.state != "graded":
            return ""
        return decimal(hundredths(self.report.verdict.earned))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Modules and milestones."""
        return parts_of(self.report) if self.report else ()


@dataclass(frozen=True)
class Gradebook:
    """All students of one round and profile, by student."""

    round: str
    profile: str
    assignment: str  # title of the column in a gradebook
    rows: tuple[Row, ...]
    roster: bool
    nameless: int  # results without a student

    @property
    def graded(self) -> list[GradeReport]:
        """The reports that count."""
        return [row.report for row in self.rows if row.report]

    @cached_property
    def points(self) -> int:
        """Points of the whole round, in hundredths."""
        return max((hundredths(r.verdict.points) for r in self.graded), default=0)

    @property
    def unjudged(self) -> bool:
        """Whether somebody waits for our side."""
        return any(row.waiting for row in self.rows)


@dataclass(frozen=True)
class Choice:
    """What is asked for; an empty round or profile: the only one there is."""

    round: str = ""
    profile: str = ""
    student: str = ""  # for formats that hold one report
    assignment: str = ""


def decimal(value: int) -> str:
    """Return hundredths as a number with two decimals."""
    return f"{value / 100:.2f}"


def gradebook(
    export: Export, choice: Choice, people: Mapping[str, Person] | None = None
) -> Gradebook:
    """Return what counts: the latest judged result a student, else the latest.

    Raises:
        UsageError: there is no such round or profile, or it is not clear which.
    """
    valid = _valid(export)
    round_ = _one("round", choice.round, (s.report.verdict.round for _, s in valid))
    of_round = [(who, s) for who, s in valid if s.report.verdict.round == round_]
    profiles = (s.report.verdict.profile for _, s in of_round)
    profile = _one("profile", choice.profile, profiles)
    kept = [(who, s) for who, s in of_round if s.report.verdict.profile == profile]
    by_student = {
        student: [stored for _, stored in results]
        for student, results in groupby(
            sorted(kept, key=lambda one: one[0]), key=lambda one: one[0]
        )
    }
    nameless = len(by_student.pop("", ()))
    students = sorted({*by_student, *(people or {})})
    course = kept[-1][1].report.verdict.course
    return Gradebook(
        round=round_,
        profile=profile,
        assignment=choice.assignment or f"{course} {round_}",
        rows=tuple(
            _row(s, (people or {}).get(s), by_student.get(s, ())) for s in students
        ),
        roster=people is not None,
        nameless=nameless,
    )


def _valid(export: Export) -> list[tuple[str, StoredReport]]:
    """Return who was graded with which result, in order, without the withdrawn."""
    gone = {e.document for e in export.events if isinstance(e.payload, Withdrawn)}
    reports = {stored.digest: stored for stored in export.reports}
    return [
        (event.student, reports[event.document])
        for event in export.events
        if isinstance(event.payload, GradedAt)
        and event.document
        and event.document not in gone
    ]


def _one(what: str, asked: str, there: Iterable[str]) -> str:
    names = list(dict.fromkeys(there))
    if asked in names:
        return asked
    if not names:
        raise UsageError("the store has no result", hint="grader grade ... --save")
    hint = f"`--{what}` is one of: {', '.join(names)}"
    if asked:
        raise UsageError(f"no result of the {what} {asked!r} is stored", hint=hint)
    if len(names) > 1:
        raise UsageError(f"there are results of more than one {what}", hint=hint)
    return names[0]


def _row(student: str, person: Person | None, results: Sequence[StoredReport]) -> Row:
    if not results:
        return Row(student, person)
    judged = [s for s in results if not has_inconclusive(s.report)]
    latest = results[-1]
    counts = judged[-1] if judged else latest
    return Row(student, person, counts, waiting=has_inconclusive(latest.report))


def notes(book: Gradebook) -> list[str]:
    """Say what a reader of the numbers has to know."""
    said = []
    for row in book.rows:
        if row.waiting and row.earned:
            said.append(f"{row.student}: an earlier result; the latest is not judged")
        elif row.waiting:
            said.append(f"{row.student}: could not be judged (our side), left empty")
    if book.nameless:
        said.append(f"left out: results without a student: {book.nameless}")
    missing = sum(row.state == "no result" for row in book.rows)
    if missing:
        said.append(f"on the roster, but without a result, left empty: {missing}")
    totals = sorted({hundredths(r.verdict.points) for r in book.graded})
    if len(totals) > 1:
        shown = ", ".join(map(decimal, totals))
        said.append(f"results are out of different totals: {shown}")
    return said
