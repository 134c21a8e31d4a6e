"""Identical entries tie and real differences separate, on simulated machines.

The machines are those of `bench/compete`, fitted to what was measured; the harshest
reading of it is the one that counts.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bench.compete import noise, simulate
from bench.compete.boards import remeasured

RESULTS = Path(simulate.__file__).with_name("results.json")


@pytest.fixture(scope="module")
def harsh() -> noise.Machine:
    reading, mixture = simulate.READINGS["harsh"]
    return noise.fitted("loaded", reading, mixture, np.random.default_rng(0))


@pytest.fixture(scope="module")
def same(harsh: noise.Machine) -> simulate.Row:
    """200 comparisons of identical entries."""
    return simulate.compare(harsh, 0.0, 200, seed=1)


def test_the_machine_errs_as_machines_were_seen_to_err(harsh: noise.Machine) -> None:
    rng = np.random.default_rng(2)

    assert noise.session_error(harsh, rng) == pytest.approx(0.04, rel=0.1)
    assert noise.worst_pair(harsh, rng) > 0.04
    assert noise.wall_error(harsh, rng) == pytest.approx(0.61, rel=0.1)


def test_identical_entries_tie(same: simulate.Row) -> None:
    assert same["ours"] == {"right": 0.0, "wrong": 0.0}


def test_naive_methods_tell_identical_entries_apart(same: simulate.Row) -> None:
    """Otherwise the noise would be too kind to show anything."""
    for name in ("block design", "stored wall time"):
        assert same[name]["right"] + same[name]["wrong"] > 0.1


def test_the_canary_voids_few_sessions_of_a_machine_that_is_only_noisy(
    same: simulate.Row,
) -> None:
    assert same["void"] < 0.05
    assert same["unstable"] == 0.0


def test_intervals_hold_what_they_promise(same: simulate.Row) -> None:
    assert 0.92 < same["covered"] < 0.99


def test_ten_percent_separate_and_never_the_wrong_way(harsh: noise.Machine) -> None:
    found = simulate.compare(harsh, 0.10, 200, seed=1)["ours"]

    assert found["right"] >= 0.98
    assert found["wrong"] == 0.0


def test_five_percent_are_mostly_found_and_never_the_wrong_way(
    harsh: noise.Machine,
) -> None:
    found = simulate.compare(harsh, 0.05, 200, seed=1)["ours"]

    assert 0.6 < found["right"] < 0.95
    assert found["wrong"] == 0.0


def test_few_launches_promise_more_than_they_keep(harsh: noise.Machine) -> None:
    """The reason of ADR 0023; forty pairs either way."""
    rows = simulate.designs(harsh, 150, seed=4)

    assert rows["4 x 10"]["covered"] < 0.90 < rows["10 x 4"]["covered"]
    assert rows["4 x 10"]["5 % found"] < rows["10 x 4"]["5 % found"] - 0.1


def test_ranks_measured_again_change_less_than_sorted_ones(
    harsh: noise.Machine,
) -> None:
    found = remeasured(harsh, 4, seed=5)

    assert found["ours"]["changed"] < 0.75 * found["sorted by mean"]["changed"]
    assert found["ours"]["pairs reversed"] == 0.0
    assert found["sorted by mean"]["pairs reversed"] > 0.01


def test_the_published_results_keep_the_bars() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf8"))

    machines = [results[f"{r} {n}"] for r in simulate.READINGS for n in noise.FACTS]
    for machine in machines:
        gaps = machine["gaps"]
        assert gaps["0%"]["ours"] == {"right": 0.0, "wrong": 0.0}
        assert gaps["10%"]["ours"]["right"] >= 0.98
        assert all(gap["ours"]["wrong"] == 0.0 for gap in gaps.values())
    assert results["times"] >= 200
    assert all(c["ranks_cpu_s"] < 5 for c in results["cost of 1,000 entries"].values())
