"""Time forward and backward of a residual stack against its depth: must be linear.

Run from the root:
    OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:reference \
        python bench/operations/depth.py --out bench/operations/depth.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

WIDTH: Final = 16
BATCH: Final = 8
DEPTHS: Final = (8, 16, 32, 64, 128, 256, 512)
BLOCKS: Final = 2048  # blocks a measurement passes, so that all take as long
ROUNDS: Final = 15

tt: Any = importlib.import_module("tinytorch")


def stack(depth: int) -> list[Any]:
    """Return the layers: a block is x + relu(linear(x))."""
    layers = [tt.Linear(WIDTH, WIDTH) for _ in range(depth)]
    for layer in layers:  # small steps, so that numbers stay finite at any depth
        layer.weight.data = layer.weight.data * np.float32(0.1)
    return layers


def pass_through(layers: list[Any], x: Any) -> Any:
    """Go forward and back; every parameter gets its gradient."""
    relu = tt.ReLU()
    for layer in layers:
        x = x + relu(layer(x))
    loss = x.sum()
    loss.backward()
    return loss


def seconds_a_block(layers: list[Any], x: Any) -> float:
    """Return CPU seconds of forward and backward, divided by the depth."""
    passes = BLOCKS // len(layers)
    start = time.process_time()
    for _ in range(passes):
        pass_through(layers, x)
    return (time.process_time() - start) / (passes * len(layers))


def main() -> None:
    """Measure every depth in turn, several times, and fit cost = a * depth ** b."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    np.random.seed(0)  # noqa: NPY002 - the layers draw their weights from it
    stacks = {depth: stack(depth) for depth in DEPTHS}
    x = tt.Tensor(np.random.default_rng(0).standard_normal((BATCH, WIDTH)))
    for layers in stacks.values():
        seconds_a_block(layers, x)
    times: dict[int, list[float]] = {depth: [] for depth in DEPTHS}
    for turn in range(ROUNDS):
        for depth in DEPTHS if turn % 2 else DEPTHS[::-1]:
            times[depth].append(seconds_a_block(stacks[depth], x))
    cost = {depth: float(np.median(t)) for depth, t in times.items()}
    totals = [depth * cost[depth] for depth in DEPTHS]
    exponent = float(np.polyfit(np.log(DEPTHS), np.log(totals), 1)[0])
    ratios = np.divide(times[DEPTHS[-1]], times[DEPTHS[0]])
    result = {
        "numpy": np.__version__,
        "width": WIDTH,
        "batch": BATCH,
        "rounds": ROUNDS,
        "cpu_us_a_block": {depth: value * 1e6 for depth, value in cost.items()},
        "cpu_us_a_block_min": {depth: min(t) * 1e6 for depth, t in times.items()},
        "exponent": exponent,
        "ratio_512_to_8": float(np.median(ratios)),
        "ratio_512_to_8_quartiles": [
            float(q) for q in np.quantile(ratios, (0.25, 0.75))
        ],
    }
    text = json.dumps(result, indent=1)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
