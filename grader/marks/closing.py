"""When a round is over: nothing that is handed in can count any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from grader.marks.said import Said
from grader.marks.words import latest


def closes_at(said: Said) -> datetime | None:
    """Return when a round is over for everybody, extensions and grace included.

    None: never, since late work counts however late it comes, or there is no due date.
    """
    policy = said.policy
    if policy.due_at is None or policy.closes_after_days is None:
        return None
    last = latest(policy.due_at, *(one.due_at for one in said.extended.values()))
    assert last is not None  # noqa: S101 -- the round's own date is one
    grace = timedelta(seconds=policy.grace_s)
    return last.astimezone(UTC) + grace + timedelta(days=policy.closes_after_days)


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
