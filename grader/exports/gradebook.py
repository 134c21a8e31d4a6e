"""Which results of a round count, and with which mark: a pure function of the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from grader.errors import UsageError
from grader.marks import Mark, Share, decimal, hundredths, marks_of, said_of
from grader.marks.attempts import counting
from grader.models.summary import ResultSummary
from grader.roster import Person
from grader.store import Export, StoredResult
from grader.store.attempts import attempts
from grader.store.events import PolicySet

__all__ = [
    "Choice",
    "Gradebook",
    "Row",
    "decimal",
    "gradebook",
    "notes",
    "shown",
    "valid_results",
]


@dataclass(frozen=True)
class Row:
    """One student; without a result where the roster names somebody not graded."""

    student: str
    mark: Mark
    person: Person | None = None

    @property
    def stored(self) -> StoredResult | None:
        """The result that counts."""
        return self.mark.stored

    @property
    def result(self) -> ResultSummary | None:
        """The result that counts."""
        return self.stored.summary if self.stored else None

    @property
    def waiting(self) -> bool:
        """Whether the latest attempt could not be judged."""
        return self.mark.waiting

    @property
    def state(self) -> str:
        """What the numbers of this row mean."""
        return self.mark.state

    @property
    def earned(self) -> str:
        """Points before any penalty, as `shown`."""
        return shown(self.mark.earned)

    @property
    def final(self) -> str:
        """The mark, as `shown`."""
        return shown(self.mark.value)

    @property
    def parts(self) -> tuple[Share, ...]:
        """Modules and milestones, with the points that staff set."""
        return self.mark.parts


@dataclass(frozen=True)
class Gradebook:
    """All students of one round and profile, by student."""

    round: str
    profile: str
    assignment: str  # title of the column in a gradebook
    rows: tuple[Row, ...]
    roster: bool
    nameless: int  # results without a student
    policy: PolicySet

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


def shown(value: int | None) -> str:
    """Return hundredths with two decimals; empty, never zero, where there is none."""
    return "" if value is None else decimal(value)


def gradebook(
    export: Export, choice: Choice, people: Mapping[str, Person] | None = None
) -> Gradebook:
    """Return what counts, by the round's policy and what staff said since.

    Raises:
        UsageError: there is no such round or profile, or it is not clear which.
    """
    valid = counting(export)
    round_ = _one("round", choice.round, (s.summary.round for _, s in valid))
    of_round = [(e.student, s) for e, s in valid if s.summary.round == round_]
    profiles = (s.summary.profile for _, s in of_round)
    profile = _one("profile", choice.profile, profiles)
    kept = [(who, s) for who, s in of_round if s.summary.profile == profile]
    found = people or {}
    course = kept[-1][1].summary.course
    return Gradebook(
        round=round_,
        profile=profile,
        assignment=choice.assignment or f"{course} {round_}",
        rows=tuple(
            Row(student, mark, found.get(student))
            for student, mark in marks_of(export, round_, profile, found).items()
        ),
        roster=people is not None,
        nameless=sum(not who for who, _ in kept),
        policy=said_of(export, round_).policy,
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
    said += [
        f"{row.student}: handed in after the round closed, left empty"
        for row in book.rows
        if row.state == "closed" and not row.final
    ]
    timeless = sum(row.mark.time_unknown for row in book.rows)
    if timeless:
        said.append(f"no time of handing in is known, taken as in time: {timeless}")
    missing = sum(row.state == "no result" and not row.final for row in book.rows)
    if missing:
        said.append(f"on the roster, but without a result, left empty: {missing}")
    totals = sorted({hundredths(r.points) for r in book.graded})
    if len(totals) > 1:
        shown = ", ".join(map(decimal, totals))
        said.append(f"results are out of different totals: {shown}")
    return said
