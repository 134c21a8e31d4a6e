"""Times, spans and shares as people write them, and a policy in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final

from grader.store.events import PolicySet

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_SPAN: Final = re.compile(r"(\d{1,6})\s*(s|m|min|h|d)")
_SHARE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)\s*%")
YEARS: Final = range(1970, 9000)  # the ends of the calendar cannot be turned into UTC


class UnclearError(ValueError):
    """What was written is not clear; `hint` says how it is written."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def moment(text: str) -> datetime:
    """Return a time in ISO 8601 that says its offset from UTC.

    Raises:
        UnclearError: it is no time, or has no offset.
    """
    try:
        # As `clock` shows it, which people copy.
        found = datetime.fromisoformat(re.sub(r" UTC$", "Z", text.strip()))
    except ValueError:
        msg = f"{text!r} is no time"
        raise UnclearError(msg, "write 2026-12-01T23:59+01:00") from None
    if found.tzinfo is None:
        shown = found.isoformat(timespec="minutes")
        msg = f"{text!r} does not say its offset from UTC"
        hint = f"in central Europe {shown}+01:00 in winter, {shown}+02:00 in summer; "
        raise UnclearError(msg, f"{hint}in UTC {shown}Z")
    if found.year not in YEARS:
        msg = f"{text!r} is in the year {found.year}"
        raise UnclearError(msg, "write 2026-12-01T23:59+01:00")
    return found


def span_s(text: str) -> int:
    """Return a span such as 90s, 15m, 2h or 1d in seconds.

    Raises:
        UnclearError: it is none.
    """
    found = _SPAN.fullmatch(text.strip())
    if not found:
        msg = f"{text!r} is no span of time"
        raise UnclearError(msg, "write 90s, 15m, 2h or 1d")
    return int(found[1]) * _UNITS[found[2]]


def whole_days(text: str) -> int:
    """Return a span of whole days, at least one.

    Raises:
        UnclearError: it is none.
    """
    days, rest = divmod(span_s(text), _UNITS["d"])
    if rest or not days:
        msg = f"{text!r} is no number of whole days"
        raise UnclearError(msg, "write 7d")
    return days


def share(text: str) -> float:
    """Return a percentage as a share of 1: 10% is 0.1.

    Raises:
        UnclearError: it is none, or more than 100 %.
    """
    found = _SHARE.fullmatch(text.strip())
    value = Fraction(found[1]) / 100 if found else Fraction(2)
    if value > 1:
        msg = f"{text!r} is no share of at most 100 %"
        raise UnclearError(msg, "write 10%")
    return float(value)


def share_a_day(text: str) -> float:
    """Return what is taken off a day: 10%/day is 0.1.

    Raises:
        UnclearError: it is not written like that.
    """
    head, slash, unit = text.partition("/")
    if not slash or unit.strip() != "day":
        msg = f"{text!r} does not say how much a day"
        raise UnclearError(msg, "write 10%/day")
    return share(head)


def clock(at: datetime, like: datetime | None = None) -> str:
    """Return a time to the minute with its offset, or the offset of another time.

    Seconds are shown where there are any; no offset is called UTC.
    """
    shown = at.astimezone(like.tzinfo) if like else at
    exact = bool(shown.second or shown.microsecond)
    text = shown.isoformat(" ", "seconds" if exact else "minutes")
    return text if shown.utcoffset() else f"{text.removesuffix('+00:00')} UTC"


def span(seconds: int) -> str:
    """Return a span in the largest unit that leaves no rest."""
    for unit, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % unit == 0:
            return counted(seconds // unit, name)
    raise AssertionError(seconds)  # pragma: no cover -- a second divides all


def counted(number: int, noun: str) -> str:
    """Return "1 day" or "2 days"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def percent(value: Fraction) -> str:
    """Return a share as a percentage."""
    return f"{float(100 * value):g} %"


def policy_words(policy: PolicySet) -> str:
    """Say in one line how a round turns results into marks."""
    keep = f"the {policy.keep} attempt counts"
    if policy.due_at is None:
        return f"never late; {keep}"
    said = [f"due {clock(policy.due_at)}"]
    if policy.grace_s:
        said.append(f"{span(policy.grace_s)} of grace")
    if policy.per_day:
        off = f"{percent(Fraction(str(policy.per_day)))} of {policy.of} off a day"
        most = Fraction(str(policy.most))
        said.append(off if most == 1 else f"{off}, at most {percent(most)}")
    else:
        said.append("lateness costs nothing")
    if policy.closes_after_days:
        said.append(f"closes after {counted(policy.closes_after_days, 'day')}")
    return "; ".join([*said, keep])


def latest(*times: datetime | None) -> datetime | None:
    """Return the latest of aware times, whatever their zones; None counts as none."""
    known = [at for at in times if at is not None]
    # In UTC: two times of one zone would be compared as a clock on the wall shows them.
    return max(known, key=lambda at: at.astimezone(UTC), default=None)
