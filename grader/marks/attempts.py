"""The attempts of a round: one a submission, however often it was graded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from grader.store.events import Event, GradedAt, RegradeSet, Withdrawn
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
    places = _places(export)
    for event, stored in counting(export):
        summary = stored.summary
        if (summary.round, summary.profile) != (round_, profile):
            continue
        key = event.student, summary.submission
        order = places.get((*key, round_, profile), event.id)
        found.setdefault(key, Attempt(*key, order)).results.append(stored)
    by_owner: dict[str, list[Attempt]] = {}
    for attempt in sorted(found.values(), key=lambda one: one.order):
        by_owner.setdefault(attempt.owner, []).append(attempt)
    return by_owner


def _places(export: Export) -> dict[tuple[str, str, str, str], int]:
    """Return the last grading of each attempt that was no regrade and still stands.

    Where all were withdrawn, the last of them: a regrade may stand in for it.
    """
    stored = {one.digest: one.summary for one in export.results}
    standing = {event.id for event, _ in counting(export)}
    graded = [
        (event.id in standing, event.id, event.student, stored[event.document])
        for event in export.events
        if isinstance(event.payload, GradedAt)
        and event.document
        and not event.payload.regrade
    ]
    ordered = sorted(graded, key=lambda one: one[:2])  # those that stand come last
    return {(who, r.submission, r.round, r.profile): i for _, i, who, r in ordered}


def counting(export: Export) -> list[tuple[Event, StoredResult]]:
    """Return every result that may count, in order.

    Those that were withdrawn do not, nor those of a regrade that is not applied.
    """
    gone = {e.document for e in export.events if isinstance(e.payload, Withdrawn)}
    applied = _applied(export.events)
    stored = {one.digest: one for one in export.results}
    return [
        (event, stored[event.document])
        for event in export.events
        if isinstance(event.payload, GradedAt)
        and event.document
        and event.document not in gone
        and event.payload.regrade in applied
    ]


def _applied(events: Iterable[Event]) -> set[str]:
    """Return the names of regrade sets that hold; what belongs to none always does."""
    states = {
        event.payload.name: event.payload.state
        for event in events
        if isinstance(event.payload, RegradeSet)
    }
    return {"", *(name for name, state in states.items() if state == "applied")}
