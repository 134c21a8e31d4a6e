"""The attempts of a round: one a submission, however often it was graded."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.store.attempts import attempts
from grader.store.events import Event
from grader.store.export import Export, StoredResult


@dataclass
class Attempt:
    """One submission of a student or team, and its results in order.

    `order` is the event of its last grading that was no regrade: regrading an early
    submission does not make it the last one.
    """

    owner: str
    submission: str
    order: int
    results: list[StoredResult] = field(default_factory=list)


def attempts_of(export: Export, round_: str, profile: str) -> dict[str, list[Attempt]]:
    """Return the attempts of everybody in their order, without the withdrawn."""
    found: dict[tuple[str, str], Attempt] = {}
    for one in attempts(export):
        if one.withdrawn or one.group != (round_, profile):
            continue
        key = one.student, one.summary.submission
        attempt = found.setdefault(key, Attempt(*key, order=one.attempt))
        attempt.results.append(one.stored)
    by_owner: dict[str, list[Attempt]] = {}
    for attempt in found.values():  # in order, as they were found
        by_owner.setdefault(attempt.owner, []).append(attempt)
    return by_owner


def counting(export: Export) -> list[tuple[Event, StoredResult]]:
    """Return every result that may count, by attempt; withdrawn ones do not."""
    return [(one.event, one.stored) for one in attempts(export) if not one.withdrawn]
