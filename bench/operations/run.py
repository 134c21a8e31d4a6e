"""Time each operation against PyTorch, forward and with backward, one thread each.

Run from the root, with a Python that has torch 2.13 and numpy:
    OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:reference \
        python bench/operations/run.py --out bench/operations/results.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from cases import Case, Side, cases, tt

ROUNDS: Final = 20
BLOCK_S: Final = 0.02  # CPU time of a block of calls, about
PARAMETERS: Final = (1000, 1000)  # what the optimizers step

Call = Callable[[], Any]


def both(side: Side, gradient: Any) -> Call:
    """Return a call that goes forward and back."""

    def call() -> None:
        for x in side.inputs:
            x.grad = None
        side.forward().backward(gradient)

    return call


def block(call: Call, many: int) -> float:
    """Return CPU seconds a call."""
    start = time.process_time()
    for _ in range(many):
        call()
    return (time.process_time() - start) / many


def interleaved(ours: Call, theirs: Call) -> dict[str, Any]:
    """Alternate blocks of calls of both sides, each first in every other round."""
    calls = {"tinytorch": ours, "torch": theirs}
    many = {}
    for name, call in calls.items():
        block(call, 3)
        many[name] = max(1, round(BLOCK_S / max(block(call, 3), 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(ROUNDS):
        for name in sorted(calls, reverse=turn % 2 == 1):
            times[name].append(block(calls[name], many[name]))
    ratios = np.divide(times["tinytorch"], times["torch"])
    return {
        "cpu_us": {name: float(np.median(t)) * 1e6 for name, t in times.items()},
        "cpu_us_min": {name: min(t) * 1e6 for name, t in times.items()},
        "ratio_median": float(np.median(ratios)),
        "ratio_quartiles": [float(q) for q in np.quantile(ratios, (0.25, 0.75))],
    }


def difference(case: Case, gradient: Any) -> float:
    """Return how far results and gradients are apart, of the largest entry."""
    a, b = case.ours.forward(), case.theirs.forward()
    a.backward(gradient)
    b.backward(torch.from_numpy(gradient))
    pairs = [(a.data, b.detach().numpy())]
    for x, y in zip(case.ours.inputs, case.theirs.inputs, strict=True):
        theirs = y.grad.numpy()
        # PyTorch's linear keeps its weight the other way round.
        pairs.append((x.grad, theirs if x.grad.shape == theirs.shape else theirs.T))
    return max(float(np.abs(x - y).max() / np.abs(y).max()) for x, y in pairs)


def operation(case: Case) -> dict[str, Any]:
    """Compare one operation, forward alone and with backward."""
    shape = case.ours.forward().shape
    gradient = np.random.default_rng(2).standard_normal(shape).astype(np.float32)
    if len(shape) == 4 and "attention" not in case.name:  # images: channels last
        gradient = np.ascontiguousarray(gradient.transpose(0, 2, 3, 1))
        gradient = gradient.transpose(0, 3, 1, 2)
    theirs = torch.from_numpy(gradient)
    return {
        "largest_difference": difference(case, gradient),
        "forward": interleaved(case.ours.forward, case.theirs.forward),
        "forward_backward": interleaved(
            both(case.ours, gradient), both(case.theirs, theirs)
        ),
    }


def optimizer_step(name: str) -> dict[str, Any]:
    """Compare a step on a million parameters with PyTorch's fused optimizer."""
    rng = np.random.default_rng(0)
    weight, grad = rng.standard_normal((2, *PARAMETERS), dtype=np.float32)
    ours = tt.Tensor(weight, requires_grad=True)
    theirs = torch.from_numpy(weight.copy()).requires_grad_()
    ours.grad, theirs.grad = grad.copy(), torch.from_numpy(grad.copy())
    a = getattr(tt, name)([ours], lr=1e-3)
    b = getattr(torch.optim, name)([theirs], lr=1e-3, fused=True)
    a.step()
    b.step()
    apart = float(np.abs(ours.data - theirs.detach().numpy()).max())
    return {"largest_difference": apart, "step": interleaved(a.step, b.step)}


def main() -> None:
    """Compare all operations and print, and store where asked, the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "rounds": ROUNDS,
        "operations": {case.name: operation(case) for case in cases()},
        "optimizers": {
            f"{name} on 1,000,000 parameters": optimizer_step(name)
            for name in ("SGD", "Adam", "AdamW")
        },
    }
    text = json.dumps(results, indent=1)
    if asked.out:
        asked.out.write_text(text + "\n")
    for name, found in (results["operations"] | results["optimizers"]).items():
        row = [f"{name:44s} apart {found['largest_difference']:.0e}"]
        for part in ("forward", "forward_backward", "step"):
            if part in found:
                us, ratio = found[part]["cpu_us"], found[part]["ratio_median"]
                row.append(f"{us['tinytorch']:8.0f} {us['torch']:8.0f} {ratio:5.2f}")
        print(" | ".join(row))


if __name__ == "__main__":
    main()
