"""How often code was told from itself, by ours and by naive methods.

Run:    python -m bench.timing.report sessions.jsonl --out bench/timing/results.json
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from tabulate import tabulate

from grader.compete.estimates import Estimate, Floats, pair_estimate, stream
from grader.compete.ranking import beats_holder

Row = dict[str, Any]
CPU, WALL = "cpu_s", "wall_s"


def side(row: Row, clock: str, name: str) -> Floats:
    """Return ln of the time an item took. Shapes: -> (launches, pairs)."""
    return np.log(np.array(row[clock][name], np.float64) / row["batch_size"])


def interleaved(row: Row, _: Row) -> Floats:
    """Ours, whether or not the session is void."""
    return side(row, CPU, "reference") - side(row, CPU, "student")


def interleaved_wall(row: Row, _: Row) -> Floats:
    """Ours with the clock on the wall."""
    return side(row, WALL, "reference") - side(row, WALL, "student")


def stored_wall(row: Row, stored: Row) -> Floats:
    """Wall times against the reference's of another session."""
    return np.median(side(stored, WALL, "reference")) - side(row, WALL, "student")


def stored_cpu(row: Row, stored: Row) -> Floats:
    """CPU times against the reference's of another session."""
    return np.median(side(stored, CPU, "reference")) - side(row, CPU, "student")


def blocks(row: Row, _: Row) -> Floats:
    """CPU time, all of the reference first and then all of the entry."""
    if "block_cpu_s" not in row:
        return np.empty((0, 0))
    shape = np.array(row[CPU]["reference"]).shape
    first, then = (
        np.log(np.array(row["block_cpu_s"][x])).reshape(shape)
        for x in ("reference", "student")
    )
    return first - then


METHODS: Final[dict[str, Callable[[Row, Row], Floats]]] = {
    "ours, voids left out": interleaved,
    "ours, voids too": interleaved,
    "ours by wall time": interleaved_wall,
    "block design, CPU": blocks,
    "stored reference, CPU": stored_cpu,
    "stored reference, wall": stored_wall,
}


def decided(ratios: Floats, seed: int) -> str:
    """Return whether an entry is said to be faster, slower or neither."""
    estimate = pair_estimate(ratios, stream(seed, "bench"))
    if beats_holder(estimate):
        return "faster"
    turned = Estimate(-estimate.log_value, -estimate.log_draws)
    return "slower" if beats_holder(turned) else "neither"


def tallied(rows: Sequence[Row]) -> list[Row]:
    """Return one line for each load, case and method."""
    found = []
    groups: dict[tuple[int, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["load"], row["case"]].append(row)
    for (load, case), group in sorted(groups.items()):
        for name, method in METHODS.items():
            found.append(
                {"load": load, "case": case, "method": name}
                | _tally(name, method, group, [r for r in rows if r["load"] == load])
            )
    return found


def _tally(
    name: str, method: Callable[[Row, Row], Floats], group: list[Row], all_: list[Row]
) -> Row:
    said, values = [], []
    for row in group:
        if name.endswith("left out") and row["voids"]:
            continue
        ratios = method(row, _another(row, all_))
        if ratios.size:
            said.append(decided(ratios, row["seed"]))
            values.append(float(np.median(ratios)))
    return {
        "sessions": len(said),
        "faster": said.count("faster"),
        "slower": said.count("slower"),
        "median_ratio": round(float(np.exp(np.median(values))), 4) if values else None,
        "worst_off": round(float(np.max(np.abs(values))), 4) if values else None,
    }


def _another(row: Row, rows: list[Row]) -> Row:
    """Return a session of another time under the same load: the one half-way round."""
    place = rows.index(row)
    return rows[(place + max(1, len(rows) // 2)) % len(rows)]


def canaries(rows: Iterable[Row]) -> list[Row]:
    """Return how far canaries were off, for each load."""
    loads: dict[int, list[float]] = defaultdict(list)
    voids: dict[int, int] = defaultdict(int)
    took: dict[int, list[float]] = defaultdict(list)
    for row in rows:
        off = side(row, CPU, "reference") - side(row, CPU, "canary")
        loads[row["load"]].append(float(np.median(off)))
        voids[row["load"]] += bool(row["voids"])
        took[row["load"]].append(row["took_s"])
    return [
        {
            "load": load,
            "sessions": len(off),
            "void": voids[load],
            "median_off": round(float(np.median(np.abs(off))), 4),
            "worst_off": round(float(np.max(np.abs(off))), 4),
            "seconds_a_session": round(float(np.median(took[load])), 1),
        }
        for load, off in sorted(loads.items())
    ]


def main() -> None:
    """Print tables, and write them as data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    lines = arguments.sessions.read_text(encoding="utf8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["outcome"] == "passed"]
    rows = [row for row in rows if len(row[CPU]["reference"]) > 0]
    results = {
        "hosts": sorted({row["host_class"] for row in rows}),
        "canaries": canaries(rows),
        "methods": tallied(rows),
    }
    for name in ("canaries", "methods"):
        print(tabulate(results[name], "keys", tablefmt="github"), end="\n\n")
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
