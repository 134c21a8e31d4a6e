"""From when on a board shows nothing newer, until it is revealed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from grader.store.attempts import Graded
from grader.store.events import BoardFrozen, Event, Submitted

COMPETITION: Final = "tinymlperf"  # the name of its boards; others are rounds

Key = tuple[str, str, str]  # student, round, submission


def frozen_boards(events: Iterable[Event]) -> dict[str, datetime]:
    """Return since when each board that is frozen now has been so.

    Freezing a frozen board again does not move the moment.
    """
    since: dict[str, datetime] = {}
    for event in events:
        if not isinstance(event.payload, BoardFrozen):
            continue
        if event.payload.frozen:
            since.setdefault(event.payload.board, event.at.astimezone(UTC))
        else:
            since.pop(event.payload.board, None)
    return since


def submitted_at(events: Iterable[Event]) -> dict[Key, datetime]:
    """Return when submissions were handed in: the earliest that was told and holds."""
    found: dict[Key, datetime] = {}
    for event in events:
        if isinstance(event.payload, Submitted):
            told = event.payload
            key = (event.student, told.round, told.submission)
            before = None if told.anew else found.get(key)
            found[key] = min(before or told.at, told.at)
    return found


def came_before(
    graded: Iterable[Graded], moment: datetime, told: dict[Key, datetime]
) -> list[Graded]:
    """Return the results whose submission came before `moment`.

    A regrade of such a submission is shown however late it is: it is the same
    submission. Where nobody told when it came, the time of its first result is taken.
    """
    results = [*graded]
    first: dict[Key, datetime] = {}
    for one in sorted(results, key=lambda g: g.event.id):
        first.setdefault(_key(one), one.event.at)
    return [g for g in results if told.get(_key(g), first[_key(g)]) < moment]


def _key(graded: Graded) -> Key:
    return graded.student, graded.summary.round, graded.summary.submission
