"""TinyMLPerf in public: who stands on which board, with what score and rank.

A pure function of an export, the sessions it names, the people who may be shown, and
the rules. Ranks are among those shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from grader.compete import ladder
from grader.compete.formula import Score
from grader.compete.gates import Purpose
from grader.compete.ranking import Place, Standing, rank
from grader.publish.checked import ChecksOf
from grader.publish.competition_models import (
    EntryState,
    EventBoard,
    EventEntry,
    Interval,
    PastScore,
    ScoreState,
)
from grader.publish.entrants import (
    Attempt,
    Attempts,
    BoardKey,
    boards_of,
    keys_of,
    measured_of,
    rules_of,
    told_of,
    withdrawn_of,
)
from grader.publish.measured import Measure, interval
from grader.publish.people import Public
from grader.publish.rules import CompetitionRules
from grader.publish.scores import ALL_ROUND, Asked, Measured, mean, score
from grader.store.events import Event

LAST_ATTEMPT: Final = 4  # the first session and three requeues


@dataclass(frozen=True)
class Ground:
    """All that boards are made from."""

    events: tuple[Event, ...]
    people: Mapping[str, Public]
    rules: CompetitionRules
    measure: Measure
    checks: ChecksOf  # of a student's submission, in some modules
    minimum_group: int
    frozen_at: datetime | None


@dataclass(frozen=True)
class Scored:
    """A submission with its score on one board."""

    attempt: Attempt
    measured: Measured
    asked: Asked
    score: Score


def boards(ground: Ground) -> tuple[EventBoard, ...]:
    """Return every board on which somebody public was measured."""
    gone = withdrawn_of(ground.events)
    told = [
        one
        for one in told_of(ground.events, "entry")
        if one.student in ground.people
        and (ground.frozen_at is None or one.of.started_at < ground.frozen_at)
    ]
    made = boards_of(told, gone, ground.rules)
    return tuple(_board(ground, key, attempts) for key, attempts in made.items())


def _board(ground: Ground, key: BoardKey, attempts: Attempts) -> EventBoard:
    rows = [
        _Row(ground, key, ground.people[student], of_one)
        for student, of_one in attempts.items()
    ]
    present = [row for row in rows if row.chosen]
    enough = len(present) >= ground.minimum_group or all(r.who.named for r in rows)
    return EventBoard(
        event=key.event,
        division=key.division,
        host_class=key.host_class,
        shown=enough,
        frozen_at=ground.frozen_at,
        entries=_ranked(key, rows) if enough else (),
    )


def _ranked(key: BoardKey, rows: Sequence[_Row]) -> tuple[EventEntry, ...]:
    """Return the rows in order: with a rank, without one, withdrawn."""
    by_slug = {row.who.slug: row for row in rows}
    standings = [
        Standing(slug, key.host_class, row.newest.first_at, row.estimate)
        for slug, row in by_slug.items()
    ]
    places = rank(standings)[key.host_class]
    entries = [by_slug[place.key].entry(place) for place in places]
    return tuple(sorted(entries, key=lambda e: e.state == "withdrawn"))


def scored(
    ground: Ground, key: BoardKey, attempt: Attempt, purpose: Purpose = "credit"
) -> Scored:
    """Return a submission with its score."""
    rules = rules_of(ground.rules, key)
    required = tuple(dict.fromkeys(m for one in rules for m in one.required))
    asked = Asked(
        division=key.division,
        rules=rules,
        checks=ground.checks(attempt.student, attempt.submission, required),
        purpose=purpose,
        all_round=key.event == ALL_ROUND,
    )
    measured = measured_of(attempt, keys_of(rules), ground.measure)
    return Scored(attempt, measured, asked, score(asked, measured))


class _Row:
    """One entrant on one board, before the ranks are known."""

    def __init__(
        self, ground: Ground, key: BoardKey, who: Public, attempts: Sequence[Attempt]
    ) -> None:
        self._key, self.who = key, who
        self._all = [
            (one, None if one.withdrawn else scored(ground, key, one))
            for one in attempts
        ]
        valid = [one for _, one in self._all if one is not None]
        self.chosen = _chosen(ground, key, valid)
        self.newest = self.chosen.attempt if self.chosen else attempts[-1]
        self._feedback = ground.rules.kind == "feedback"

    @property
    def estimate(self) -> Any:
        """What it is ranked by, if it can be."""
        return self.chosen.score.estimate if self.chosen else None

    def entry(self, place: Place) -> EventEntry:
        """Return the row with its rank."""
        key, who = self._key, self.who
        values = _values(self.chosen) if self.chosen else _TOMBSTONE
        return EventEntry(
            rank=place.shown,
            rank_number=place.rank,
            rank_worst=place.worst,
            tied=place.tied,
            name=who.name,
            slug=who.slug,
            event=key.event,
            division=key.division,
            host_class=key.host_class,
            submission=self.newest.submission,
            measured_on=_day(self.newest.last_at),
            reproduce=_command(key),
            history=tuple(map(self._past, reversed(range(len(self._all))))),
            **values,
        )

    def _past(self, place: int) -> PastScore:
        attempt, found = self._all[place]
        return PastScore(
            measured_on=_day(attempt.last_at),
            submission=attempt.submission,
            score=found.score.total if found else None,
            state=self._state(place),
        )

    def _state(self, place: int) -> ScoreState:
        found = self._all[place][1]
        if found is None:
            return "withdrawn"
        if found.score.estimate is None:
            return "unranked"
        if found is self.chosen:
            return "counts"
        counting = next(n for n, (_, s) in enumerate(self._all) if s is self.chosen)
        return "not better" if self._feedback and place > counting else "earlier"


def _chosen(ground: Ground, key: BoardKey, valid: Sequence[Scored]) -> Scored | None:
    """Return the submission that counts, of those not withdrawn, the newest last."""
    if not valid:
        return None
    if ground.rules.kind == "feedback":
        place = ladder.shown([one.score.estimate for one in valid])
        return valid[-1 if place is None else place]
    if key.event == ALL_ROUND:
        # One that still waits for some event does not put out a whole one.
        keys = keys_of(ground.rules.of(key.division))
        return next((s for s in reversed(valid) if s.attempt.has(keys)), valid[-1])
    return valid[-1]


_TOMBSTONE: Final[dict[str, Any]] = {
    "state": "withdrawn",
    "score": None,
    "interval": None,
    "gates": (),
    "missing": (),
    "workloads": (),
}


def _values(chosen: Scored) -> dict[str, Any]:
    """Return everything of a row that its rank does not decide."""
    found = chosen.score
    return {
        "state": _state(chosen),
        "score": found.total,
        "interval": _interval(found),
        "gates": found.gates,
        "missing": found.missing,
        "workloads": tuple(m.facts.result for m in chosen.measured.values()),
        **{
            part: interval(mean(chosen.asked, chosen.measured, part))
            for part in ("speed", "memory", "accuracy")
        },
    }


def _state(chosen: Scored) -> EntryState:
    if chosen.score.estimate is not None:
        return "ranked"
    facts = [m.facts for m in chosen.measured.values()]
    spent = any(f.void and f.result.attempt >= LAST_ATTEMPT for f in facts)
    return "unstable" if spent else "unranked"


def _interval(found: Score) -> Interval | None:
    if found.total is None or found.interval is None:
        return None
    low, high = found.interval
    return Interval(value=found.total, low=low, high=high)


def _command(key: BoardKey) -> str:
    event = "" if key.event == ALL_ROUND else f" --event {key.event}"
    division = "" if key.division == "closed" else f" --division {key.division}"
    return f"grader compete run SUBMISSION{event}{division}"


def _day(moment: datetime) -> Any:
    return moment.astimezone(UTC).date()
