"""Time several sides of one comparison in turn: blocks of steps, by CPU time.

Method: README.md beside this file, "Against PyTorch".
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch

Batch = tuple[Any, Any]
Step = Callable[[Any, Any], float]  # one training step on (x, y); returns the loss

OURS: Final = "tinytorch"


def setting() -> dict[str, Any]:
    """Restrict PyTorch to one thread, and return what was compared where."""
    torch.set_num_threads(1)
    return {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def block(step: Step, data: list[Batch]) -> tuple[float, list[float]]:
    """Return CPU seconds a step over all of `data`, and the losses."""
    start = time.process_time()
    losses = [step(x, y) for x, y in data]
    return (time.process_time() - start) / len(data), losses


def compare(
    sides: dict[str, Step], batches: Callable[[int], list[Batch]], rounds: int
) -> dict[str, Any]:
    """Alternate blocks of all sides, each first in its turn; "tinytorch" is one side.

    Args:
        sides: name -> step. All start from the same weights.
        batches: seed -> the batches of one block.
        rounds: how many blocks of each side are timed.
    """
    first = batches(0)
    # Same weights, same batches: the losses must agree, or this compares nothing.
    # This block also warms up every side; it is not timed.
    losses = {name: block(step, first)[1] for name, step in sides.items()}
    times: dict[str, list[float]] = {name: [] for name in sides}
    order = list(sides)
    for turn in range(rounds):
        data = batches(turn + 1)
        for name in order:
            times[name].append(block(sides[name], data)[0])
        order = order[1:] + order[:1]
    others = [name for name in sides if name != OURS]
    ratios = {name: np.divide(times[OURS], times[name]) for name in others}
    return {
        "step_cpu_s": {name: float(np.median(t)) for name, t in times.items()},
        "step_cpu_s_min": {name: min(t) for name, t in times.items()},
        "ratio_median": {name: float(np.median(r)) for name, r in ratios.items()},
        "ratio_quartiles": {
            name: [float(q) for q in np.quantile(r, (0.25, 0.75))]
            for name, r in ratios.items()
        },
        "largest_loss_difference": {
            name: float(np.max(np.abs(np.subtract(losses[OURS], losses[name]))))
            for name in others
        },
        "rounds": rounds,
        "steps_a_block": len(first),
    }
