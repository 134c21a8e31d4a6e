"""Which results of a round count: a pure function of what the store holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from grader.errors import UsageError
from grader.exports.lines import Share, hundredths, shares_of
from grader.exports.roster import Person
from grader.models.summary import ResultSummary
from grader.store import Export, StoredResult
from grader.store.attempts import attempts


@dataclass(frozen=True)
class Row:
    """One student; without a result where the roster names somebody not graded."""

    student: str
    person: Person | None = None
    stored: StoredResult | None = None
    waiting: bool = False  # the latest result could not be judged

    @property
    def result(self) -> ResultSummary | None:
        """The result that counts."""
        return self.stored.summary if self.stored else None

    @cached_property
    def state(self) -> str:
        """What the numbers of this row mean."""
        if self.result is None:
            return "no result"
        return "graded" if self.result.judged else "not judged"

    @property
    def earned(self) -> str:
        """Points with two decimals; empty, never zero, where nothing was judged."""
        if self.result is None or self.state != "graded":
            return ""
        return decimal(hundredths(self.result.earned))

    @cached_property
    def parts(self) -> tuple[Share, ...]:
        """Modules and milestones."""
        return shares_of(self.result) if self.result else ()


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
    def graded(self) -> list[ResultSummary]:
        """The results that count."""
        return [row.result for row in self.rows if row.result]

    @cached_property
    def points(self) -> int:
        """Points of the whole round, in hundredths."""
        return max((hundredths(r.points) for r in self.graded), default=0)

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
    valid = valid_results(export)
    round_ = _one("round", choice.round, (s.summary.round for _, s in valid))
    of_round = [(who, s) for who, s in valid if s.summary.round == round_]
    profiles = (s.summary.profile for _, s in of_round)
    profile = _one("profile", choice.profile, profiles)
    kept = [(who, s) for who, s in of_round if s.summary.profile == profile]
    by_student = {
        student: [stored for _, stored in results]
        for student, results in groupby(
            sorted(kept, key=lambda one: one[0]), key=lambda one: one[0]
        )
    }
    nameless = len(by_student.pop("", ()))
    students = sorted({*by_student, *(people or {})})
    course = kept[-1][1].summary.course
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


def valid_results(export: Export) -> list[tuple[str, StoredResult]]:
    """Return who was graded with which result, in order, without the withdrawn."""
    return [(one.student, one.stored) for one in attempts(export) if not one.withdrawn]


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


def _row(student: str, person: Person | None, results: Sequence[StoredResult]) -> Row:
    if not results:
        return Row(student, person)
    judged = [s for s in results if s.summary.judged]
    latest = results[-1]
    counts = judged[-1] if judged else latest
    return Row(student, person, counts, waiting=not latest.summary.judged)


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
    totals = sorted({hundredths(r.points) for r in book.graded})
    if len(totals) > 1:
        shown = ", ".join(map(decimal, totals))
        said.append(f"results are out of different totals: {shown}")
    return said
