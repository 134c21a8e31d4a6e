"""Which sessions are of one submission, and which submissions of one entrant.

An entrant has a row on a board: an event and division on one class of hosts. The
all-round is a board of all events, and its submissions are those that were measured in
any of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from grader.models.session import Division
from grader.models.session import Event as EventName
from grader.publish.measured import Measure, Measurement
from grader.publish.rules import CompetitionRules, EventRules
from grader.publish.scores import ALL_ROUND, Key
from grader.store.events import Event, Measured, Withdrawn


class BoardKey(NamedTuple):
    """What is ranked together."""

    event: EventName
    division: Division
    host_class: str


class Told(NamedTuple):
    """A session as the event table tells of it."""

    number: int
    student: str
    document: str
    of: Measured


@dataclass(frozen=True)
class Attempt:
    """One submission of one entrant on one board; its sessions by their order."""

    student: str
    submission: str
    told: tuple[Told, ...]
    valid: tuple[Told, ...]  # not withdrawn

    @property
    def withdrawn(self) -> bool:
        """Whether none of its sessions holds any more."""
        return not self.valid

    @property
    def first_at(self) -> datetime:
        """When it was measured first."""
        return min(told.of.started_at for told in self.told)

    @property
    def last_at(self) -> datetime:
        """When it was measured last."""
        return max(told.of.started_at for told in self.told)

    def has(self, keys: Iterable[Key]) -> bool:
        """Tell whether there is a session for each of `keys`."""
        known = {(told.of.event, told.of.workload) for told in self.valid}
        return known.issuperset(keys)


Attempts = dict[str, list[Attempt]]  # by student, the newest last


def told_of(events: Iterable[Event], kind: str) -> list[Told]:
    """Return the sessions of one kind, in the order in which they were stored."""
    found = [
        Told(event.id, event.student, event.document, event.payload)
        for event in events
        if isinstance(event.payload, Measured)
        and event.payload.session_kind == kind
        and event.document is not None
    ]
    return sorted(found, key=lambda told: told.number)


def withdrawn_of(events: Iterable[Event]) -> frozenset[str]:
    """Return the digests of all that was withdrawn."""
    gone = (e.document for e in events if isinstance(e.payload, Withdrawn))
    return frozenset(digest for digest in gone if digest)


def keys_of(rules: Iterable[EventRules]) -> tuple[Key, ...]:
    """Return event and workload of everything that is measured."""
    return tuple((one.event, name) for one in rules for name in one.workloads)


def rules_of(rules: CompetitionRules, key: BoardKey) -> tuple[EventRules, ...]:
    """Return the rules that a board rests on; none if its event is not held."""
    held = rules.of(key.division)
    if key.event == ALL_ROUND:
        return held
    return tuple(one for one in held if one.event == key.event)


def boards_of(
    told: Sequence[Told], gone: AbstractSet[str], rules: CompetitionRules
) -> dict[BoardKey, Attempts]:
    """Return the attempts of every board, which are in the order of the rules."""
    names: list[EventName] = [one.event for one in rules.events]
    if "memory" in names and len(names) > 1:
        names.append(ALL_ROUND)
    grouped: dict[BoardKey, dict[str, dict[str, list[Told]]]] = {}
    for one in told:
        asked: tuple[EventName, ...] = (one.of.event, ALL_ROUND)
        for name in asked:
            if name not in names:
                continue
            key = BoardKey(name, one.of.division, one.of.host_class)
            of_student = grouped.setdefault(key, {}).setdefault(one.student, {})
            # Measured again is newest again.
            sessions = of_student.pop(one.of.submission, [])
            of_student[one.of.submission] = [*sessions, one]
    ordered = sorted(grouped, key=lambda k: (k[1], names.index(k.event), k[2]))
    return {key: _attempts(grouped[key], gone) for key in ordered}


def _attempts(
    grouped: Mapping[str, Mapping[str, Sequence[Told]]], gone: AbstractSet[str]
) -> Attempts:
    return {
        student: [
            Attempt(
                student,
                submission,
                told=tuple(told),
                valid=tuple(one for one in told if one.document not in gone),
            )
            for submission, told in submissions.items()
        ]
        for student, submissions in grouped.items()
    }


def measured_of(
    attempt: Attempt, keys: Iterable[Key], measure: Measure
) -> dict[Key, Measurement]:
    """Return the session that holds for each of `keys`, where there is one.

    It is the latest that is not void: what failed later did fail. Where all are void,
    it is the latest of them.
    """
    found = {}
    for key in keys:
        sessions = [
            told
            for told in reversed(attempt.valid)
            if (told.of.event, told.of.workload) == key
        ]
        one = _deciding(sessions, measure)
        if one is not None:
            found[key] = one
    return found


def _deciding(sessions: Sequence[Told], measure: Measure) -> Measurement | None:
    """Return the first that is not void, or else the first."""
    newest: Measurement | None = None
    for told in sessions:
        one = measure(told.document)
        if told.of.counts or not one.facts.void:
            return one
        newest = newest or one
    return newest
