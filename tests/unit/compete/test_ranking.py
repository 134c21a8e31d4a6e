"""What holds for ranks, whatever was measured."""

from __future__ import annotations

import math
import re
import time
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compete.made import NOW
from grader.compete.estimates import DRAWS, Estimate, Floats, pair_estimate, stream
from grader.compete.ranking import (
    CONFIDENCE,
    MARGIN,
    Place,
    Standing,
    beats,
    beats_holder,
    rank,
    tallies,
)

laws = settings(deadline=None, max_examples=40)  # the machine is shared


def estimate(ratios: Floats, key: str) -> Estimate:
    return pair_estimate(ratios, stream(3, key))


def noisy(log_value: float, spread: float, seed: int) -> Estimate:
    """Return an estimate from 4 launches x 5 pairs around `log_value`."""
    rng = np.random.default_rng(seed)
    ratios = log_value + spread * (rng.normal(size=(4, 1)) + rng.normal(size=(4, 5)))
    return estimate(ratios, str(seed))


def certain(log_value: float) -> Estimate:
    return Estimate(log_value, np.full(DRAWS, log_value))


def standing(key: str, found: Estimate | None, minute: int = 0) -> Standing:
    return Standing(key, "runner-2", NOW + timedelta(minutes=minute), found)


def places(*standings: Standing) -> dict[str, Place]:
    return {p.key: p for row in rank(standings).values() for p in row}


VALUES = st.integers(-10, 10).map(lambda n: n / 100)  # some equal, some 2 % apart
SPREADS = st.sampled_from([0.0, 0.003, 0.01, 0.05])


@st.composite
def fields(draw: st.DrawFn, least: int = 1) -> list[Standing]:
    """Draw entries; some have no value, some times are the same."""
    made = []
    for number in range(draw(st.integers(least, 8))):
        value = noisy(draw(VALUES), draw(SPREADS), number)
        missing = draw(st.integers(0, 5)) == 0
        when = draw(st.integers(0, 3))
        made.append(standing(f"e{number}", None if missing else value, when))
    return made


def by_hand(draws: Floats) -> Floats:
    """Return who beats whom, straight from the definition. Shapes: (n, d) -> (n, n)."""
    ahead = draws[:, None] - draws[None] > MARGIN
    won: Floats = ahead.mean(axis=2) >= CONFIDENCE
    return won


@laws
@given(fields())
def test_ranks_are_those_of_the_definition(entries: list[Standing]) -> None:
    ranked = [e for e in entries if e.estimate]
    found = places(*entries)
    if not ranked:
        assert all(p.rank is None for p in found.values())
        return

    won = by_hand(np.stack([e.estimate.log_draws for e in ranked if e.estimate]))

    for number, entry in enumerate(ranked):
        place = found[entry.key]
        assert place.rank == 1 + won[:, number].sum()
        assert place.worst == len(ranked) - won[number].sum()


def test_shortcuts_settle_no_pair_differently() -> None:
    """Draws of every shape, many of them just at the bar."""
    rng = np.random.default_rng(0)
    draws = rng.normal(0, 0.01, size=(60, DRAWS)) * rng.choice([0, 0.1, 1, 5], (60, 1))
    draws += rng.choice(np.arange(-5, 6) * 0.01, (60, 1))
    draws[::7] = np.sort(draws[::7], axis=1)
    draws[::5, : DRAWS // 40] -= 1.0  # 2.5 % of the draws, exactly as many as may fail
    draws[1::5, : DRAWS // 40 + 1] -= 1.0

    won, lost = tallies([Estimate(float(np.median(d)), d) for d in draws])

    expected = by_hand(draws)
    assert won.tolist() == expected.sum(axis=1).tolist()
    assert lost.tolist() == expected.sum(axis=0).tolist()
    assert 200 < expected.sum() < 1500


@pytest.mark.parametrize(("each", "wins"), [(25, 1), (26, 0)])
def test_doubts_of_both_sides_add_up(each: int, wins: int) -> None:
    """Fifty draws of 2,000 may say otherwise, wherever they come from."""
    better, worse = np.full(DRAWS, 0.5), np.zeros(DRAWS)
    better[:each] = -9.0
    worse[-each:] = 9.0

    won, lost = tallies([Estimate(0.5, better), Estimate(0.0, worse)])

    assert (won.tolist(), lost.tolist()) == ([wins, 0], [0, wins])


@laws
@given(fields(), st.randoms(use_true_random=False))
def test_input_order_does_not_matter(entries: list[Standing], random: object) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert rank(shuffled) == rank(entries)


@laws
@given(fields())
def test_ranks_lie_between_one_and_the_number_of_entries(
    entries: list[Standing],
) -> None:
    found = [p for p in places(*entries).values() if p.rank is not None]

    assert len(found) == sum(e.estimate is not None for e in entries)
    for place in found:
        assert 1 <= (place.rank or 0) <= (place.worst or 0) <= len(found)
    if found:
        assert min(p.rank or 0 for p in found) == 1


@laws
@given(fields(least=2), st.integers(0, 7), st.floats(0, 0.2))
def test_a_better_entry_never_ranks_worse(
    entries: list[Standing], which: int, gain: float
) -> None:
    chosen = entries[which % len(entries)]
    old = chosen.estimate
    if old is None:
        return
    better = Estimate(old.log_value + gain, old.log_draws + gain)
    after = [standing(e.key, better) if e is chosen else e for e in entries]

    before_rank, after_rank = places(*entries)[chosen.key], places(*after)[chosen.key]

    assert (after_rank.rank or 0) <= (before_rank.rank or 0)
    assert (after_rank.worst or 0) <= (before_rank.worst or 0)


@laws
@given(fields(), st.floats(0.001, 0.5))
def test_adding_a_worse_entry_changes_nobody_above(
    entries: list[Standing], by: float
) -> None:
    values = [e.estimate.log_draws for e in entries if e.estimate]
    worst = np.min(values, axis=0) - by if values else np.zeros(DRAWS)
    added = standing("added", Estimate(float(np.median(worst)), worst))

    before, after = places(*entries), places(*entries, added)

    for key, place in before.items():
        assert after[key].rank == place.rank
    assert after["added"].worst == len(values) + 1


@laws
@given(fields())
def test_a_missing_value_never_wins_and_changes_nothing(
    entries: list[Standing],
) -> None:
    nobody = standing("nobody", None, minute=-100)

    before, after = places(*entries), places(*entries, nobody)

    assert {key: after[key] for key in before} == before
    assert after["nobody"].rank is None
    assert after["nobody"].shown == "\N{EN DASH}"
    shown = [p.rank is None for p in rank([*entries, nobody])["runner-2"]]
    assert shown == sorted(shown)


@laws
@given(VALUES, SPREADS, VALUES, SPREADS)
def test_two_never_beat_each_other_and_ties_are_symmetric(
    first: float, first_spread: float, second: float, second_spread: float
) -> None:
    a, b = noisy(first, first_spread, 1), noisy(second, second_spread, 2)

    found = places(standing("a", a), standing("b", b))
    mirrored = places(standing("a", b), standing("b", a))

    assert not (beats(a, b) and beats(b, a))
    assert found["a"].tied == found["b"].tied == mirrored["a"].tied
    assert found["a"].tied == (not beats(a, b) and not beats(b, a))
    assert (found["a"].rank, found["b"].rank) == (
        mirrored["b"].rank,
        mirrored["a"].rank,
    )


@laws
@given(fields(), st.floats(0.01, 100))
def test_a_common_factor_changes_no_rank(
    entries: list[Standing], factor: float
) -> None:
    """As when the reference itself becomes faster; a faster host changes even less."""
    shift = math.log(factor)
    moved = [
        Standing(
            e.key,
            e.host_class,
            e.submitted_at,
            e.estimate
            and Estimate(e.estimate.log_value + shift, e.estimate.log_draws + shift),
        )
        for e in entries
    ]

    assert rank(moved) == rank(entries)


def test_the_same_samples_tie() -> None:
    """Equal entries differ in draws alone, for their streams differ."""
    ratios = np.random.default_rng(0).normal(0, 0.05, size=(10, 4))
    entries = [
        standing(f"e{n}", estimate(ratios, f"e{n}"), minute=-n) for n in range(30)
    ]

    ranked = rank(entries)["runner-2"]

    assert [p.rank for p in ranked] == [1] * 30
    assert {p.shown for p in ranked} == {"1= (1-30)"}
    assert [p.key for p in ranked] == [f"e{n}" for n in range(29, -1, -1)]


def test_ranks_read_as_people_write_them() -> None:
    values = {"a": 0.30, "b": 0.20, "c": 0.10, "d": 0.101, "e": 0.102, "f": 0.099}
    found = places(*(standing(key, certain(value)) for key, value in values.items()))

    assert [found[key].shown for key in "abcdef"] == [
        "1",
        "2",
        *["3= (3-6)"] * 4,
    ]


def test_a_rank_of_one_s_own_may_still_have_a_range() -> None:
    """a beats c, b is like both: c alone is second, and may be third."""
    spread = {"a": 0.03, "b": 0.015, "c": 0.0}
    found = places(*(standing(key, certain(value)) for key, value in spread.items()))

    assert {key: p.shown for key, p in found.items()} == {
        "a": "1= (1-2)",
        "b": "1= (1-3)",
        "c": "2 (2-3)",
    }


@pytest.mark.parametrize(("gap", "wins"), [(1.02, False), (1.0201, True)])
def test_two_percent_is_no_difference(gap: float, *, wins: bool) -> None:
    for base in (0.0, 0.37, -2.2):
        faster = certain(base + math.log(gap))

        assert beats(faster, certain(base)) == wins


def test_host_classes_are_not_ranked_together() -> None:
    slow = Standing("slow", "laptop", NOW, certain(-1.0))
    fast = [standing("fast", certain(1.0)), standing("faster", certain(2.0))]

    ranked = rank([slow, *fast])

    assert list(ranked) == ["laptop", "runner-2"]
    assert [p.shown for p in ranked["laptop"]] == ["1"]
    assert [p.shown for p in ranked["runner-2"]] == ["1", "2"]


def test_an_entry_is_ranked_once() -> None:
    twice = [standing("a", certain(0.0)), Standing("a", "laptop", NOW, certain(0.1))]

    with pytest.raises(ValueError, match="same key"):
        rank(twice)


def test_nobody_is_no_ranking() -> None:
    assert rank([]) == {}


def test_a_record_needs_more_than_two_percent_against_the_holder() -> None:
    assert beats_holder(noisy(0.06, 0.003, 1))
    assert not beats_holder(noisy(0.02, 0.003, 1))
    assert not beats_holder(noisy(0.06, 0.1, 1))


def test_a_thousand_entries_take_seconds() -> None:
    """With a spread of 2 % shortcuts settle the fewest pairs; measured: under 2 s."""
    rng = np.random.default_rng(0)
    spread = rng.normal(0, 0.02, size=(1000, 1, 1))
    ratios = spread + rng.normal(0, 0.005, size=(1000, 10, 4))

    start = time.process_time()
    entries = [standing(str(n), estimate(row, str(n))) for n, row in enumerate(ratios)]
    ranked = rank(entries)["runner-2"]
    cpu_s = time.process_time() - start

    assert len(ranked) == 1000
    assert all(re.fullmatch(r"\d+=?( \(\d+-\d+\))?", p.shown) for p in ranked)
    assert cpu_s < 8
