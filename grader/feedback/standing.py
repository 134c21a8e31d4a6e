"""How one person stands in one round: attempts, mark, and whether details may show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from grader.errors import UsageError
from grader.marks.attempts import attempts_of
from grader.marks.closing import closes_at, details_shown
from grader.marks.mark import Mark, mark_of
from grader.marks.person import Person, person_of
from grader.marks.said import Said, said_of
from grader.marks.scored import Scored, scored
from grader.store import Export
from grader.store.attempts import Graded, attempts


@dataclass(frozen=True)
class Asked:
    """Whose page, of which round, and what the store does not know."""

    student: str
    now: datetime  # aware
    round: str = ""  # "": that of the student's newest attempt
    profile: str = ""  # "": likewise
    submission: str = ""  # digest of the attempt to look at; "": the newest
    name: str = ""  # of the person, if a roster tells it
    staff: bool = False  # who reads it may see details before a final round is over
    files: Mapping[str, str] = field(default_factory=dict)  # "tensor" -> "tensor.py"


@dataclass(frozen=True)
class Standing:
    """One person in one round and profile."""

    asked: Asked
    round: str
    profile: str
    others: tuple[str, ...]  # profiles of the round in which there are results too
    person: Person
    tried: tuple[Scored, ...]  # never empty, the newest last
    mark: Mark
    details: bool  # whether more than points may be shown to the person
    closes_at: datetime | None

    @property
    def shown(self) -> Scored:
        """The attempt that is looked at: the one asked for, else the newest."""
        wanted = self.asked.submission
        for one in reversed(self.tried):
            if one.attempt.submission == wanted:
                return one
        return self.tried[-1]

    @property
    def number(self) -> int:
        """Of the attempt that is looked at, from 1."""
        return self.tried.index(self.shown) + 1

    @property
    def kind(self) -> str:
        """Of the round: feedback, final or demo."""
        return self.shown.stored.summary.round_kind

    def counts(self, one: Scored) -> bool:
        """Return whether the mark is made from this attempt."""
        stored = self.mark.stored
        return stored is not None and stored.digest == one.stored.digest


def standing(export: Export, asked: Asked) -> Standing:
    """Return how a person stands.

    Raises:
        UsageError: nothing of this person was graded, there or at all.
    """
    rounds: dict[str, Said] = {}
    own = [one for one in attempts(export) if _is_own(one, asked, export, rounds)]
    here = [one for one in own if asked.profile in ("", one.summary.profile)]
    if not here:
        where = f" in round {asked.round!r}" if asked.round else ""
        where += f" and profile {asked.profile!r}" if asked.profile else ""
        msg = f"no result of {asked.student!r} is stored{where}"
        raise UsageError(msg, hint="grader history shows what is")
    round_, profile = here[-1].group
    said = rounds[round_]
    person = person_of(asked.student, said)
    by_owner = attempts_of(export, round_, profile)
    theirs = [one for name in person.names for one in by_owner.get(name, ())]
    of_round = {one.summary.profile for one in own if one.summary.round == round_}
    return Standing(
        asked=asked,
        round=round_,
        profile=profile,
        others=tuple(sorted(of_round - {profile})),
        person=person,
        tried=tuple(
            scored(one, person) for one in sorted(theirs, key=lambda one: one.order)
        ),
        mark=mark_of(person, by_owner),
        details=asked.staff
        or details_shown(said, here[-1].summary.round_kind, asked.now),
        closes_at=closes_at(said),
    )


def _is_own(one: Graded, asked: Asked, export: Export, rounds: dict[str, Said]) -> bool:
    """Return whether a result is of the person or of a team of theirs in its round."""
    round_ = one.summary.round
    if one.withdrawn or asked.round not in ("", round_):
        return False
    if asked.submission not in ("", one.summary.submission):
        return False
    if round_ not in rounds:
        rounds[round_] = said_of(export, round_)
    return one.student in person_of(asked.student, rounds[round_]).names
