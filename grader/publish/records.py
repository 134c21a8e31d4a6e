"""Records over time: taken only from the holder, pair by pair on one machine.

The first record of a board is its best entry before anybody was timed against anybody,
the first challenger's aside.
From then on a submission takes it that was timed against the holder's very submission
and won beyond doubt. Who beat somebody that is no longer shown takes the place left
empty, if the score is above that of whoever holds it now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.compete.estimates import Estimate, geometric_mean
from grader.compete.ranking import beats_holder
from grader.publish.competition import Ground, Scored, scored
from grader.publish.competition_models import EventBoard, Record
from grader.publish.entrants import (
    Attempt,
    BoardKey,
    Told,
    boards_of,
    told_of,
    withdrawn_of,
)
from grader.publish.measured import interval


@dataclass(frozen=True)
class Challenge:
    """All sessions of one submission against another, the latest of each workload."""

    student: str
    submission: str
    opponent: str
    against: str  # the opponent's submission
    sessions: tuple[Told, ...]

    @property
    def at(self) -> datetime:
        """When the last of them was measured."""
        return max(told.of.started_at for told in self.sessions)


@dataclass(frozen=True)
class Held:
    """A record: the entry that holds it, since when, and how it was taken."""

    entry: Scored
    since: datetime
    beaten: Held | None = None  # where that one is still shown
    ratio: Estimate | None = None
    challenge: Challenge | None = None


def records(ground: Ground, shown: Iterable[EventBoard]) -> tuple[Record, ...]:
    """Return the records of the boards that are shown, each board's oldest first."""
    gone = withdrawn_of(ground.events)

    def valid(kind: str) -> list[Told]:
        return [
            told
            for told in told_of(ground.events, kind)
            if told.student in ground.people
            and told.document not in gone
            and (ground.frozen_at is None or told.of.started_at < ground.frozen_at)
        ]

    entries, duels = valid("entry"), valid("head-to-head")
    found: list[Record] = []
    for board in shown:
        key = BoardKey(board.event, board.division, board.host_class)
        if board.shown and key.event in ground.rules.by_name:
            found += _Chain(ground, key, entries).after(duels)
    return tuple(found)


class _Chain:
    """Who held the record of one board, one after the other."""

    def __init__(self, ground: Ground, key: BoardKey, entries: Sequence[Told]) -> None:
        self._ground, self._key, self._entries = ground, key, entries
        boards = boards_of(entries, frozenset(), ground.rules)
        self._attempts = {
            (one.student, one.submission): one
            for some in boards.get(key, {}).values()
            for one in some
        }
        self._held: list[Held] = []

    def after(self, duels: Iterable[Told]) -> list[Record]:
        """Return the records, the last of which is the current one."""
        challenges = _challenges(self._ground, self._key, duels)
        first = self._first(challenges[0] if challenges else None)
        self._held = [first] if first else []
        for challenge in challenges:
            taken = self._taken(challenge)
            if taken is not None:
                self._held.append(taken)
        last = len(self._held) - 1
        return [
            self._record(held, current=place == last)
            for place, held in enumerate(self._held)
        ]

    def _first(self, challenge: Challenge | None) -> Held | None:
        """Return the best entry before the first challenge, which is not among them."""
        before = [
            told
            for told in self._entries
            if challenge is None
            or (
                told.of.started_at < challenge.at
                and (told.student, told.of.submission)
                != (challenge.student, challenge.submission)
            )
        ]
        boards = boards_of(before, frozenset(), self._ground.rules)
        newest = [some[-1] for some in boards.get(self._key, {}).values()]
        able = [found for one in newest if (found := self._scored(one)) is not None]
        if not able:
            return None
        best = min(able, key=lambda one: (-_value(one), one.attempt.first_at))
        return Held(best, best.attempt.last_at)

    def _taken(self, challenge: Challenge) -> Held | None:
        """Return the record that a challenge sets, if it sets one."""
        own = self._attempts.get((challenge.student, challenge.submission))
        entry = self._scored(own) if own else None
        won = _won(self._ground, self._key, challenge)
        if entry is None or won is None:
            return None
        holder = self._held[-1] if self._held else None
        if (challenge.opponent, challenge.against) in self._attempts:
            if holder is None or not _is_of(holder, challenge):
                return None
            return Held(entry, challenge.at, holder, won, challenge)
        if holder is not None and _value(entry) <= _value(holder.entry):
            return None
        return Held(entry, challenge.at, None, won, challenge)

    def _scored(self, attempt: Attempt) -> Scored | None:
        """Return the score with the gates of a record; None where it has no value."""
        found = scored(self._ground, self._key, attempt, "record")
        return found if found.score.estimate is not None else None

    def _record(self, held: Held, *, current: bool) -> Record:
        attempt, challenge = held.entry.attempt, held.challenge
        who = self._ground.people[attempt.student]
        return Record(
            event=self._key.event,
            division=self._key.division,
            host_class=self._key.host_class,
            value=_value(held.entry),
            name=who.name,
            slug=who.slug,
            set_on=held.since.astimezone(UTC).date(),
            submission=attempt.submission,
            current=current,
            beaten=_value(held.beaten.entry) if held.beaten else None,
            ratio=interval(held.ratio),
            head_to_head=tuple(t.document for t in challenge.sessions)
            if challenge
            else (),
        )


def _value(entry: Scored) -> float:
    return entry.score.total or 0.0


def _is_of(holder: Held, challenge: Challenge) -> bool:
    attempt = holder.entry.attempt
    mine = (attempt.student, attempt.submission)
    return mine == (challenge.opponent, challenge.against)


def _challenges(
    ground: Ground, key: BoardKey, duels: Iterable[Told]
) -> list[Challenge]:
    """Return the challenges of a board that are complete, the earliest first."""
    grouped: dict[tuple[str, str, str, str], dict[str, Told]] = {}
    for told in duels:
        of = told.of
        if (of.event, of.division, of.host_class) != key or not of.counts:
            continue
        reference = ground.measure(told.document).facts.result.reference
        who = (told.student, of.submission, of.opponent, reference)
        grouped.setdefault(who, {})[of.workload] = told
    wanted = ground.rules.by_name[key.event].workloads.keys()
    found = [
        Challenge(*who, sessions=tuple(told[name] for name in wanted))
        for who, told in grouped.items()
        if told.keys() >= wanted
    ]
    return sorted(found, key=lambda c: (c.at, c.sessions[0].number))


def _won(ground: Ground, key: BoardKey, challenge: Challenge) -> Estimate | None:
    """Return by how much the holder was beaten; None where it was not beyond doubt."""
    rules = ground.rules.by_name[key.event]
    part = "memory" if key.event == "memory" else "speed"
    parts = []
    for told in challenge.sessions:
        measured = ground.measure(told.document)
        estimate = getattr(measured, part)
        if estimate is None or measured.facts.outputs.wrong:
            return None
        parts.append((rules.workloads[told.of.workload], estimate))
    mean = geometric_mean(parts)
    return mean if beats_holder(mean) else None
