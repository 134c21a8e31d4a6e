"""When a round is over for everybody: then details of a final one may be shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from grader.marks.late import DAY
from grader.marks.said import Said
from grader.marks.words import latest


def closes_at(said: Said) -> datetime | None:
    """Return after which moment nothing that is handed in counts; None: never.

    It is the latest date that anybody was given, the grace, and the days for which late
    work is taken. A round without a due date, or that takes late work for ever, never
    closes.
    """
    policy = said.policy
    days = policy.closes_after_days
    if policy.due_at is None or days is None:
        return None
    due = latest(policy.due_at, *(one.due_at for one in said.extended.values()))
    assert due is not None  # noqa: S101 -- the round's own is among them
    return due.astimezone(UTC) + timedelta(seconds=policy.grace_s) + days * DAY


def details_shown(said: Said, kind: str, now: datetime) -> bool:
    """Return whether students may see more of their results than points.

    Args:
        kind: of the round, as results have it; only a `final` one waits for its end.
        now: aware.
    """
    if kind != "final":
        return True
    end = closes_at(said)
    return end is not None and now > end
