from __future__ import annotations

import pytest

from grader.reports import units


@pytest.mark.parametrize(
    ("value", "shown"), [(8.0, "8"), (7.5, "7.5"), (20 / 3, "6.67"), (100.0, "100")]
)
def test_points_have_at_most_two_decimals(value: float, shown: str) -> None:
    assert units.points(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0312, "0.031"), (4.1, "4.10"), (12.34, "12.3"), (259.4, "259")],
)
def test_seconds_have_about_three_digits(value: float, shown: str) -> None:
    assert units.seconds(value) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("accuracy", 0.9734, "97.3 %"),
        ("loss", 1.7649, "1.76"),
        ("loss", 123456.0, "123456"),
        ("accuracy", None, "\N{EN DASH}"),
    ],
)
def test_metrics_carry_their_unit(name: str, value: float | None, shown: str) -> None:
    assert units.metric(name, value) == shown


def test_memory_is_in_mebibytes() -> None:
    assert [units.mebibytes(n * 2**20) for n in (0.5, 9.94, 38.4)] == [
        "0.5",
        "9.9",
        "38",
    ]
