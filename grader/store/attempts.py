"""Which results are of one attempt, and in which order attempts were made.

An attempt is one submission of one student in a round and profile. A regrade set gives
it another result and not a later place: the last attempt stays the last however long
ago an earlier one was regraded. Handing the same in again does.
"""

from __future__ import annotations

from dataclasses import dataclass

from grader.models.summary import ResultSummary
from grader.store.events import Event, GradedAt, RegradeSet, Withdrawn
from grader.store.export import Export, StoredResult


@dataclass(frozen=True)
class Graded:
    """One result with the event that brought it."""

    event: Event
    stored: StoredResult
    attempt: int  # id of the attempt's last event that was no regrade
    withdrawn: bool

    @property
    def student(self) -> str:
        """Whose it is: a person or a team."""
        return self.event.student

    @property
    def summary(self) -> ResultSummary:
        """The result as classes are looked at by."""
        return self.stored.summary

    @property
    def group(self) -> tuple[str, str]:
        """Round and profile; results of different groups are never held together."""
        return self.summary.round, self.summary.profile


def attempts(export: Export) -> list[Graded]:
    """Return all results by attempt, the latest last, and of one attempt by event."""
    stored = {one.digest: one for one in export.results}
    gone = {e.document for e in export.events if isinstance(e.payload, Withdrawn)}
    applied = {"", *_applied(export)}
    place: dict[tuple[str, str, str, str], int] = {}
    found = []
    for event in export.events:
        if not isinstance(event.payload, GradedAt) or event.document is None:
            continue
        if event.payload.regrade not in applied:
            continue
        result = stored[event.document]
        of = result.summary
        key = event.student, of.round, of.profile, of.submission
        moves = not event.payload.regrade and event.document not in gone
        if key not in place or moves:
            place[key] = event.id
        found.append((key, event, result))
    graded = [
        Graded(event, result, place[key], event.document in gone)
        for key, event, result in found
    ]
    return sorted(graded, key=lambda g: (g.attempt, g.event.id))


def _applied(export: Export) -> set[str]:
    """Return the names of the regrade sets that hold."""
    sets = [e.payload for e in export.events if isinstance(e.payload, RegradeSet)]
    states = {one.name: one.state for one in sets}
    return {name for name, state in states.items() if state == "applied"}
