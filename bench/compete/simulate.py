"""How often ranks are wrong, simulated: ours beside three naive ways.

    python -m bench.compete.simulate --out bench/compete/results.json

Nothing is timed but the ranking itself; `noise.py` says what the machine does.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.compete.noise import (
    ATTEMPTS,
    Design,
    Floats,
    Machine,
    Measured,
    Mixture,
    Reading,
    fitted,
    measure,
    session_error,
    worst_pair,
)
from grader.compete.estimates import Estimate, pair_estimate, stream
from grader.compete.ranking import Standing, beats, rank

PLANNED: Final = Design(4, 10)
CHOSEN: Final = Design(10, 4)
DESIGNS: Final = (PLANNED, Design(5, 8), Design(8, 5), CHOSEN, Design(4, 20))
GAPS: Final = (0.0, 0.02, 0.05, 0.10)
# How the facts are read, and how much of the noise belongs to a process.
READINGS: Final[dict[str, tuple[Reading, Mixture]]] = {
    "mild": ("pair", Mixture()),
    "middle": ("pair", Mixture(process=2.0)),
    "harsh": ("session", Mixture(process=2.0)),
}
NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def machines() -> dict[str, Machine]:
    """Return all machines: "mild idle" to "harsh loaded"."""
    found = {}
    for label, (reading, mixture) in READINGS.items():
        for name in ("idle", "loaded"):
            rng = np.random.default_rng(0)
            found[f"{label} {name}"] = fitted(name, reading, mixture, rng)
    return found


def counted(
    machine: Machine, slower: Floats, design: Design, rng: np.random.Generator
) -> tuple[Measured, float, Floats]:
    """Measure, and measure again what the canary voids.

    Returns:
        the sessions; the share of the first attempts that were void; 1 where the last
        attempt was void too, so that the entry is published as unstable.
    """
    measured = measure(machine, slower, design, rng)
    void = _void(machine, measured)
    first = float(void.mean())
    for _ in range(ATTEMPTS - 1):
        again = np.flatnonzero(void)
        if again.size:
            new = measure(machine, slower[again], design, rng)
            measured.paired[again], measured.canary[again] = new.paired, new.canary
            void[again] = _void(machine, new)
    return measured, first, void


def _void(machine: Machine, measured: Measured) -> Any:
    off = np.abs(np.median(measured.canary, axis=(1, 2)))
    return off > machine.canary


def estimates(log_ratios: Floats, seed: int) -> list[Estimate]:
    """Return one estimate a session."""
    return [
        pair_estimate(session, stream(seed, str(number)))
        for number, session in enumerate(log_ratios)
    ]


def decided(first: Sequence[Estimate], second: Sequence[Estimate]) -> dict[str, float]:
    """Return how often the first is declared better, and the second."""
    pairs = list(zip(first, second, strict=True))
    return {
        "right": sum(beats(a, b) for a, b in pairs) / len(pairs),
        "wrong": sum(beats(b, a) for a, b in pairs) / len(pairs),
    }


def compare(
    machine: Machine, gap: float, times: int, design: Design, seed: int
) -> dict[str, Any]:
    """Compare two entries `times` times, the second slower by `gap`."""
    rng = np.random.default_rng([seed, round(gap * 1000)])
    slower = np.repeat([1.0, 1.0 + gap], times)
    measured, void, unstable = counted(machine, slower, design, rng)
    ours = estimates(measured.paired, seed)
    inside = [low <= 1 / s <= high for s, (low, high) in _intervals(slower, ours)]
    means = np.exp(measured.paired).mean(axis=(1, 2))
    result: dict[str, Any] = {
        "void": void,
        "unstable": float(unstable.mean()),
        "covered": float(np.mean(inside)),
        "ours": decided(ours[:times], ours[times:]),
        "sorted by mean": {
            "right": float((means[:times] > means[times:]).mean()),
            "wrong": float((means[:times] < means[times:]).mean()),
        },
    }
    naive = {"block design": measured.block}
    if machine.waiting:
        naive["stored wall time"] = measured.stored
    for name, ratios in naive.items():
        found = estimates(ratios, seed)
        result[name] = decided(found[:times], found[times:])
    return result


def _intervals(slower: Floats, found: Sequence[Estimate]) -> Any:
    return zip(slower, (e.interval for e in found), strict=True)


def designs(machine: Machine, times: int, seed: int) -> dict[str, Any]:
    """Return false alarms, coverage and detection of other launches x pairs."""
    table = {}
    for design in DESIGNS:
        row: dict[str, float] = {}
        for gap in (0.0, 0.05):
            rng = np.random.default_rng([seed, round(gap * 1000)])
            slower = np.repeat([1.0, 1.0 + gap], times)
            found = estimates(measure(machine, slower, design, rng).paired, seed)
            share = decided(found[:times], found[times:])
            if gap:
                row["5 % found"] = share["right"]
            else:
                inside = [a <= 1 <= b for _, (a, b) in _intervals(slower, found)]
                row["covered"] = float(np.mean(inside))
                row["false alarms"] = share["right"] + share["wrong"]
        table[f"{design.launches} x {design.pairs}"] = row
    return table


def field(rng: np.random.Generator) -> Floats:
    """Return the slowness of 30 entries: six groups of three with equal speed, and 12.

    Students of a course start from one template, so equal speeds are the rule.
    """
    groups = np.exp(rng.normal(0, 0.2, size=6))
    return np.concatenate([np.repeat(groups, 3), np.exp(rng.normal(0, 0.2, size=12))])


def remeasured(machine: Machine, repeats: int, seed: int) -> dict[str, Any]:
    """Measure 30 entries twice and compare the ranks."""
    tally: dict[str, list[tuple[float, float, float]]] = {}
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        slower = field(rng)
        runs = []
        for _ in range(2):
            measured, _, _ = counted(machine, slower, CHOSEN, rng)
            runs.append(_ranks(machine, measured, int(rng.integers(2**31))))
        for method in runs[0]:
            tally.setdefault(method, []).append(
                _change(runs[0][method], runs[1][method])
            )
    names = ("changed", "mean places", "pairs reversed")
    return {
        method: dict(zip(names, np.mean(rows, axis=0).tolist(), strict=True))
        for method, rows in tally.items()
    }


def _ranks(machine: Machine, measured: Measured, seed: int) -> dict[str, Floats]:
    found = {
        "ours": _shared_ranks(estimates(measured.paired, seed)),
        "sorted by mean": _sorted(np.exp(measured.paired).mean(axis=(1, 2))),
        "sorted by mean, block design": _sorted(
            np.exp(measured.block).mean(axis=(1, 2))
        ),
    }
    if machine.waiting:
        stored = np.exp(measured.stored).mean(axis=(1, 2))
        found["sorted by mean, stored wall time"] = _sorted(stored)
    return found


def _shared_ranks(found: Sequence[Estimate]) -> Floats:
    standings = [Standing(str(n), "one", NOW, e) for n, e in enumerate(found)]
    ranks = {int(place.key): place.rank for place in rank(standings)["one"]}
    return np.array([ranks[n] for n in range(len(found))], dtype=np.float64)


def _sorted(speed: Floats) -> Floats:
    return (1 + np.argsort(np.argsort(-speed))).astype(np.float64)


def _change(first: Floats, second: Floats) -> tuple[float, float, float]:
    """Return share of ranks that differ, mean distance, share of pairs reversed."""
    moved = np.abs(first - second)
    before = np.sign(first[:, None] - first)
    after = np.sign(second[:, None] - second)
    pairs = len(first) * (len(first) - 1) / 2
    reversed_ = np.count_nonzero(before * after < 0) / 2 / pairs
    return float((moved > 0).mean()), float(moved.mean()), reversed_


def cost(entries: int, spread: float) -> dict[str, float]:
    """Return CPU seconds for the draws and the ranks of many entries."""
    rng = np.random.default_rng(0)
    slower = np.exp(rng.normal(0, spread, size=entries))
    machine = Machine("cost", 0.005, 0.0, 0.04, Mixture(process=2.0))
    ratios = measure(machine, slower, CHOSEN, rng).paired
    start = time.process_time()
    found = estimates(ratios, 0)
    drawn = time.process_time()
    _shared_ranks(found)
    return {"draws_cpu_s": drawn - start, "ranks_cpu_s": time.process_time() - drawn}


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--design-times", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    results: dict[str, Any] = {"numpy": np.__version__, "times": args.times}
    rng = np.random.default_rng(1)
    for name, machine in machines().items():
        print(name, flush=True)
        gaps = {f"{g:.0%}": compare(machine, g, args.times, CHOSEN, 7) for g in GAPS}
        results[name] = {
            "scale": machine.scale,
            "waiting": machine.waiting,
            "worst pair of 20": worst_pair(machine, rng),
            "worst median of 20 pairs": session_error(machine, rng),
            "gaps": gaps,
            "remeasured": remeasured(machine, args.repeats, 11),
        }
        if "loaded" in name:
            results[name]["designs"] = designs(machine, args.design_times, 13)
    results["cost of 1,000 entries"] = {
        f"spread {spread:.0%}": cost(1000, spread) for spread in (0.0, 0.02, 0.2)
    }
    args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
