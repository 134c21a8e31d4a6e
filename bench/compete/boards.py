"""Whole boards, simulated: equal entries in a crowd, and ranks measured again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import numpy as np

from bench.compete.methods import CHOSEN, counted, estimates
from bench.compete.noise import Floats, Machine, Measured
from grader.compete.estimates import Estimate
from grader.compete.ranking import Standing, beats, rank, tallies

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def field(rng: np.random.Generator) -> Floats:
    """Return the slowness of 30 entries: six groups of three with equal speed, and 12.

    Students of a course start from one template, so equal speeds are the rule.
    """
    groups = np.exp(rng.normal(0, 0.2, size=6))
    return np.concatenate([np.repeat(groups, 3), np.exp(rng.normal(0, 0.2, size=12))])


def crowd(
    machine: Machine, boards: int, entries: int, *, seed: int
) -> dict[str, float]:
    """Return how often any of many equal entries is declared better than another."""
    pairs, spoiled = 0, 0
    for board in range(boards):
        rng = np.random.default_rng([seed, board])
        measured, _, _ = counted(machine, np.ones(entries), CHOSEN, rng)
        won, _ = tallies(estimates(measured.paired, int(rng.integers(2**31))))
        pairs += int(won.sum())
        spoiled += bool(won.any())
    of = boards * entries * (entries - 1) / 2
    return {"pairs apart": pairs / of, "boards with any": spoiled / boards}


def remeasured(
    machine: Machine, repeats: int, *, seed: int
) -> dict[str, dict[str, float]]:
    """Measure 30 entries twice and compare the ranks."""
    tally: dict[str, list[tuple[float, float, float]]] = {}
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        slower = field(rng)
        first, second = (
            _boards(machine, counted(machine, slower, CHOSEN, rng)[0], repeat)
            for _ in range(2)
        )
        for method in first:
            tally.setdefault(method, []).append(_change(first[method], second[method]))
    names = ("changed", "mean places", "pairs reversed")
    return {
        method: dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))
        for method, rows in tally.items()
    }


class Ranked(NamedTuple):
    """Ranks (n), and for each pair 1, 0 or -1: better, not told apart, worse (n, n)."""

    ranks: Floats
    order: Floats


def _boards(machine: Machine, measured: Measured, seed: int) -> dict[str, Ranked]:
    means = {"sorted by mean": measured.paired, "block design, sorted": measured.block}
    if machine.waiting:
        means["stored wall time, sorted"] = measured.stored
    found = {name: _sorted(np.exp(x).mean(axis=(1, 2))) for name, x in means.items()}
    return {"ours": _shared(estimates(measured.paired, seed)), **found}


def _shared(found: Sequence[Estimate]) -> Ranked:
    standings = [Standing(str(n), "one", NOW, e) for n, e in enumerate(found)]
    ranks = {int(place.key): place.rank for place in rank(standings)["one"]}
    won = np.array([[beats(a, b) for b in found] for a in found], dtype=np.float64)
    numbers = [ranks[n] for n in range(len(found))]
    return Ranked(np.array(numbers, dtype=np.float64), won - won.T)


def _sorted(speed: Floats) -> Ranked:
    ranks = (1 + np.argsort(np.argsort(-speed))).astype(np.float64)
    return Ranked(ranks, np.sign(ranks - ranks[:, None]))


def _change(first: Ranked, second: Ranked) -> tuple[float, float, float]:
    """Return share of ranks that differ, mean distance, share of pairs reversed."""
    moved = np.abs(first.ranks - second.ranks)
    count = len(moved)
    reversed_ = np.count_nonzero(first.order * second.order < 0) / (count * (count - 1))
    return float((moved > 0).mean()), float(moved.mean()), reversed_
