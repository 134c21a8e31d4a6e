"""Lateness and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Final

from grader.store.events import PolicySet

DAY: Final = timedelta(days=1)


def days_late(at: datetime, due_at: datetime, grace_s: int = 0) -> int:
    """Return how many days have begun after the due date and the grace.

    A day is 24 hours, also where a clock is set forward or back in between; 0 is in
    time. Both times are aware.
    """
    # Two times of one zone would be subtracted as a clock on the wall shows them.
    since = at.astimezone(UTC) - due_at.astimezone(UTC) - timedelta(seconds=grace_s)
    return max(0, -(-since // DAY))


def seconds_late(at: datetime, due_at: datetime, grace_s: int = 0) -> int:
    """Return how many seconds after the due date and the grace it is; 0 is in time."""
    since = at.astimezone(UTC) - due_at.astimezone(UTC) - timedelta(seconds=grace_s)
    return max(0, -(-since // timedelta(seconds=1)))


def is_closed(days: int, policy: PolicySet) -> bool:
    """Return whether what comes so late counts as not handed in."""
    most = policy.closes_after_days
    return most is not None and days > most


def share_off(days: int, policy: PolicySet) -> Fraction:
    """Return the share that is taken off, exactly as the policy writes it."""
    share = Fraction(str(policy.per_day)) * days
    return min(share, Fraction(str(policy.most)))


def taken_off(days: int, earned: int, points: int, policy: PolicySet) -> int:
    """Return the penalty in hundredths: rounded down, at most what was earned."""
    base = earned if policy.of == "earned" else points
    return min(earned, int(share_off(days, policy) * base))
