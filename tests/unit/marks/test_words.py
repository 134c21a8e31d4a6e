"""Times, spans and shares as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from grader.marks import words
from grader.marks.words import UnclearError
from grader.store.events import PolicySet

CET = timezone(timedelta(hours=1))
DUE = datetime(2026, 12, 1, 23, 59, tzinfo=CET)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2026-12-01T23:59+01:00", DUE),
        (" 2026-12-01 23:59:00+01:00 ", DUE),
        ("2026-12-01T22:59Z", datetime(2026, 12, 1, 22, 59, tzinfo=UTC)),
        ("2026-12-01 22:59 UTC", datetime(2026, 12, 1, 22, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_says_its_offset(text: str, want: datetime) -> None:
    assert words.moment(text) == want


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("2026-12-01T23:59", "2026-12-01T23:59+01:00 in winter"),
        ("2026-12-01", "2026-12-01T00:00+01:00 in winter"),
        ("tomorrow", "write 2026-"),
        ("", "write 2026-"),
        ("0001-01-01T00:00+01:00", "write 2026-"),
        ("9999-12-31T23:59-01:00", "write 2026-"),
    ],
)
def test_what_is_no_moment_is_refused_with_a_way_to_write_it(
    text: str, hint: str
) -> None:
    with pytest.raises(UnclearError) as refused:
        words.moment(text)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400)]
)
def test_spans(text: str, seconds: int) -> None:
    assert words.span_s(text) == seconds


@pytest.mark.parametrize("text", ["", "15", "m", "-1h", "1.5h", "9999999s", "1w"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(UnclearError, match="no span"):
        words.span_s(text)


@pytest.mark.parametrize(("text", "days"), [("7d", 7), ("48h", 2)])
def test_whole_days(text: str, days: int) -> None:
    assert words.whole_days(text) == days


@pytest.mark.parametrize("text", ["0d", "36h", "7"])
def test_what_is_no_whole_days(text: str) -> None:
    with pytest.raises(UnclearError):
        words.whole_days(text)


@pytest.mark.parametrize(
    ("text", "value"), [("10%", 0.1), ("7 %", 0.07), ("100%", 1.0), ("2.5%", 0.025)]
)
def test_shares(text: str, value: float) -> None:
    assert words.share(text) == value
    assert words.share_a_day(f"{text}/day") == value


@pytest.mark.parametrize("text", ["", "10", "0.1", "101%", "-5%", "x%"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(UnclearError, match="no share"):
        words.share(text)


@pytest.mark.parametrize(
    ("terms", "want"),
    [
        ({}, "never late; the last attempt counts"),
        (
            {"due_at": DUE, "keep": "best"},
            (
                "due 2026-12-01 23:59+01:00; lateness costs nothing; "
                "the best attempt counts"
            ),
        ),
        (
            {
                "due_at": DUE,
                "grace_s": 900,
                "per_day": 0.07,
                "most": 0.5,
                "of": "possible",
                "closes_after_days": 1,
            },
            (
                "due 2026-12-01 23:59+01:00; 15 minutes of grace; 7 % of possible "
                "off a day, at most 50 %; closes after 1 day; the last attempt counts"
            ),
        ),
    ],
)
def test_a_policy_in_words(terms: dict[str, Any], want: str) -> None:
    assert words.policy_words(PolicySet(round="one", by="staff", **terms)) == want


def test_a_time_is_shown_as_another_one_is_written() -> None:
    at = datetime(2026, 12, 1, 12, 0, 5, tzinfo=UTC)

    assert words.clock(at) == "2026-12-01 12:00:05 UTC"
    assert words.clock(at, like=DUE) == "2026-12-01 13:00:05+01:00"
