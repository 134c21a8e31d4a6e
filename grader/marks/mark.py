"""One mark a person and round, which explains itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from grader.marks.attempts import Attempt, attempts_of
from grader.marks.person import Person, person_of
from grader.marks.said import said_of
from grader.marks.scored import Scored, scored
from grader.marks.shares import Share, hundredths
from grader.marks.steps import Choice, steps
from grader.store.export import Export, StoredResult

State = Literal["graded", "not judged", "no result", "closed"]


@dataclass(frozen=True)
class Mark:
    """What one person has in one round; points in hundredths.

    None is no number: nothing was handed in or in time, or it could not be judged.
    `earned` less `penalty` is `value`, unless staff set the whole.
    """

    student: str
    state: State = "no result"
    stored: StoredResult | None = None  # the result that counts
    team: str = ""  # whose result it is, where it is not the student's own
    waiting: bool = False  # the latest attempt could not be judged, so this may change
    parts: tuple[Share, ...] = ()  # with the points that staff set
    earned: int | None = None
    points: int | None = None
    submitted_at: datetime | None = None
    due_at: datetime | None = None  # that holds for this student
    late_days: int = 0
    penalty: int | None = None
    override: int | None = None
    comment: str = ""
    steps: tuple[str, ...] = ()

    @property
    def value(self) -> int | None:
        """The mark."""
        if self.override is not None:
            return self.override
        if self.earned is None or self.penalty is None:
            return None
        return self.earned - self.penalty

    @property
    def time_unknown(self) -> bool:
        """Whether it counts as in time only because nobody told when it came."""
        return bool(self.stored and self.due_at and self.submitted_at is None)


def marks_of(
    export: Export, round_: str, profile: str, also: Iterable[str] = ()
) -> dict[str, Mark]:
    """Return the marks of a round and profile by student, in order.

    Everybody with a result, in a team with one, or with points set by staff has one,
    and so has whoever `also` names. A team's marks are those of its members; results
    without a student are nobody's.
    """
    said = said_of(export, round_)
    attempts = attempts_of(export, round_, profile)
    teams = said.teams
    known = {*attempts, *(s for s in said.overridden if person_of(s, said).overrides)}
    people = {s for name in known for s in teams.get(name, (name,))}
    return {
        student: mark_of(person_of(student, said), attempts)
        for student in sorted({*people, *also} - {""})
    }


def mark_of(person: Person, attempts: Mapping[str, Sequence[Attempt]]) -> Mark:
    """Return the mark of one person."""
    theirs = [one for name in person.names for one in attempts.get(name, ())]
    tried = [scored(a, person) for a in sorted(theirs, key=lambda one: one.order)]
    choice = _choice(tried, person)
    whole = person.overrides.get("")
    override = None
    if whole is not None and whole.points is not None:
        override = hundredths(whole.points)
    base = Mark(
        student=person.student,
        due_at=person.due_at,
        override=override,
        comment=person.comment,
        steps=steps(choice, person),
    )
    if choice.counts is None:
        return replace(base, state="closed" if tried else "no result")
    return _of_attempt(base, choice, choice.counts)


def _of_attempt(base: Mark, choice: Choice, counts: Scored) -> Mark:
    owner = counts.attempt.owner
    return replace(
        base,
        state="not judged" if counts.earned is None else "graded",
        stored=counts.stored,
        team="" if owner == base.student else owner,
        waiting=choice.waiting and base.override is None,
        parts=counts.parts,
        earned=counts.earned,
        points=counts.points,
        submitted_at=counts.submitted_at,
        late_days=counts.late_days,
        penalty=counts.penalty,
    )


def _choice(tried: Sequence[Scored], person: Person) -> Choice:
    """Return the attempt that counts: one chosen by staff, else as the policy says."""
    wanted = person.chosen
    if wanted is not None:
        submission, word = wanted
        for one in reversed(tried):
            if one.attempt.submission == submission:
                return Choice(tried, one, waiting=one.unclear, chosen=word)
    open_ = [one for one in tried if not one.closed]
    waiting = bool(open_) and open_[-1].unclear
    counts = _kept(open_, person.said.policy.keep)
    return Choice(tried, counts, waiting=waiting, missed=wanted is not None)


def _kept(open_: Sequence[Scored], keep: str) -> Scored | None:
    """Return the best or last judged attempt; the last one where none is judged."""
    judged = [one for one in open_ if one.value is not None]
    if judged and keep == "best":
        return max(judged, key=lambda one: (one.value or 0, one.attempt.order))
    if judged:
        return judged[-1]
    return open_[-1] if open_ else None
