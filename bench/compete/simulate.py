"""How often ranks are wrong, simulated: ours beside three naive ways.

    python -m bench.compete.simulate --out bench/compete/results.json

Nothing is timed but the ranking itself; `noise.py` says what the machine does.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.compete.boards import NOW, crowd, remeasured
from bench.compete.methods import CHOSEN, counted, decided, estimates
from bench.compete.noise import (
    FACTS,
    Design,
    Floats,
    Machine,
    Mixture,
    Reading,
    fitted,
    measure,
    session_error,
    worst_pair,
)
from grader.compete.estimates import Estimate
from grader.compete.ranking import Standing, rank

Row = dict[str, Any]
PLANNED: Final = Design(4, 10)
DESIGNS: Final = (PLANNED, Design(5, 8), Design(8, 5), CHOSEN, Design(4, 20))
GAPS: Final = (0.0, 0.02, 0.05, 0.10)
# How the facts are read, and how much of the noise belongs to a process.
READINGS: Final[dict[str, tuple[Reading, Mixture]]] = {
    "mild": ("pair", Mixture()),
    "middle": ("pair", Mixture(process=2.0)),
    "harsh": ("session", Mixture(process=2.0)),
}


def machines() -> dict[str, Machine]:
    """Return all machines: "mild idle" to "harsh loaded"."""
    found = {}
    for label, (reading, mixture) in READINGS.items():
        for name in FACTS:
            rng = np.random.default_rng(0)
            found[f"{label} {name}"] = fitted(name, reading, mixture, rng)
    return found


def compare(machine: Machine, gap: float, times: int, *, seed: int) -> Row:
    """Compare two entries `times` times, the second slower by `gap`."""
    rng = np.random.default_rng([seed, round(gap * 1000)])
    slower = np.repeat([1.0, 1.0 + gap], times)
    measured, void, unstable = counted(machine, slower, CHOSEN, rng)
    ours = estimates(measured.paired, seed)
    inside = [low <= 1 / s <= high for s, (low, high) in _intervals(slower, ours)]
    means = np.exp(measured.paired).mean(axis=(1, 2))
    result: Row = {
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


def _intervals(
    slower: Floats, found: Sequence[Estimate]
) -> Iterator[tuple[float, tuple[float, float]]]:
    return zip(slower, (e.interval for e in found), strict=True)


def designs(machine: Machine, times: int, *, seed: int) -> dict[str, Row]:
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


def cost(entries: int, spread: float) -> dict[str, float]:
    """Return CPU seconds for the draws and the ranks of many entries."""
    rng = np.random.default_rng(0)
    slower = np.exp(rng.normal(0, spread, size=entries))
    machine = Machine("cost", 0.005, 0.0, 0.04, Mixture(process=2.0))
    ratios = measure(machine, slower, CHOSEN, rng).paired
    start = time.process_time()
    found = estimates(ratios, 0)
    drawn = time.process_time()
    rank([Standing(str(n), "one", NOW, e) for n, e in enumerate(found)])
    return {"draws_cpu_s": drawn - start, "ranks_cpu_s": time.process_time() - drawn}


def main() -> None:
    """Run everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--design-times", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    results: Row = {"numpy": np.__version__, "times": args.times}
    rng = np.random.default_rng(1)
    for number, (name, machine) in enumerate(machines().items()):
        print(name, flush=True)
        gaps = {
            f"{gap:.0%}": compare(machine, gap, args.times, seed=10 * number)
            for gap in GAPS
        }
        results[name] = {
            "scale": machine.scale,
            "waiting": machine.waiting,
            "worst pair of 20": worst_pair(machine, rng),
            "worst median of 20 pairs": session_error(machine, rng),
            "gaps": gaps,
            "remeasured": remeasured(machine, args.repeats, seed=10 * number + 1),
            "30 equal entries": crowd(machine, args.repeats, 30, seed=10 * number + 2),
        }
        if "loaded" in name:
            results[name]["designs"] = designs(
                machine, args.design_times, seed=10 * number + 3
            )
    results["cost of 1,000 entries"] = {
        f"spread {spread:.0%}": cost(1000, spread) for spread in (0.0, 0.02, 0.2)
    }
    args.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf8")


if __name__ == "__main__":
    main()
