"""What one attempt is worth to one person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from grader.marks.attempts import Attempt
from grader.marks.late import days_late, is_closed, taken_off
from grader.marks.person import Person
from grader.marks.shares import Share, hundredths, shares_of
from grader.models.summary import ResultSummary
from grader.store.events import Overridden
from grader.store.export import StoredResult


@dataclass(frozen=True)
class Scored:
    """Points in hundredths; None where something could not be judged."""

    attempt: Attempt
    stored: StoredResult  # the result of the attempt that counts
    unclear: bool  # its latest result could not be judged
    parts: tuple[Share, ...]  # with what staff set
    earned: int | None
    points: int
    submitted_at: datetime | None
    late_days: int
    closed: bool
    penalty: int | None

    @property
    def value(self) -> int | None:
        """What is left after the penalty."""
        if self.earned is None or self.penalty is None:
            return None
        return self.earned - self.penalty


def scored(attempt: Attempt, person: Person) -> Scored:
    """Return what an attempt is worth, before the whole is overridden."""
    policy, overrides = person.said.policy, person.overrides
    settled = [s for s in attempt.results if _is_settled(s.summary, overrides)]
    stored = settled[-1] if settled else attempt.results[-1]
    parts, added = _overridden(shares_of(stored.summary), overrides)
    points = hundredths(stored.summary.points)
    earned = hundredths(stored.summary.earned) + added if settled else None
    at = person.said.times.get((attempt.owner, attempt.submission))
    due = person.due_at
    days = days_late(at, due, policy.grace_s) if at and due else 0
    return Scored(
        attempt=attempt,
        stored=stored,
        unclear=not settled or settled[-1] is not attempt.results[-1],
        parts=parts,
        earned=earned,
        points=points,
        submitted_at=at,
        late_days=days,
        closed=is_closed(days, policy),
        penalty=None if earned is None else taken_off(days, earned, points, policy),
    )


def _is_settled(summary: ResultSummary, overrides: Mapping[str, Overridden]) -> bool:
    """Return whether every part was judged, by us or by staff."""
    return summary.judged or all(
        part.judged or part.key in overrides for part in shares_of(summary)
    )


def _overridden(
    parts: tuple[Share, ...], overrides: Mapping[str, Overridden]
) -> tuple[tuple[Share, ...], int]:
    """Return the parts with the points that staff set, and what these add."""
    made, added = [], 0
    for part in parts:
        override = overrides.get(part.key)
        if override is None or override.points is None:
            made.append(part)
            continue
        points = hundredths(override.points)
        added += points - part.earned
        made.append(replace(part, earned=points, judged=True))
    return tuple(made), added
