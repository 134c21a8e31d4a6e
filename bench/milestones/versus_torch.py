"""Time the MNIST milestone's training step against PyTorch, one thread each.

Run from the root, with a Python that has torch 2.13 and numpy:
    OPENBLAS_NUM_THREADS=1 TINYTORCH_DATA=... PYTHONPATH=.:reference \
        python bench/milestones/versus_torch.py --out bench/milestones/torch.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from scripts import load_script

ROUNDS: Final = 30
STEPS: Final = 40  # a block of one side before the other has its turn

Step = Callable[[Any, Any], float]


def batches(script: Any, seed: int) -> list[tuple[Any, Any]]:
    """Return STEPS batches of random pixels: speed does not depend on their values."""
    rng = np.random.default_rng(seed)
    return [
        (
            rng.random((script.BATCH, script.PIXELS), dtype=np.float32),
            rng.integers(0, script.CLASSES, script.BATCH),
        )
        for _ in range(STEPS)
    ]


def ours(script: Any) -> tuple[Step, Any]:
    """Return the step of tinytorch, and its layers."""
    tt = importlib.import_module("tinytorch")
    np.random.seed(0)  # noqa: NPY002 - the layers draw their weights from it
    model = script.build(tt, np.random.default_rng(0))
    net = script.network(tt, model)
    optimizer = tt.Adam(net.parameters(), lr=script.LEARNING_RATE)
    loss_fn = tt.CrossEntropyLoss()

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = loss_fn(net(tt.Tensor(x)), tt.Tensor(y))
        loss.backward()
        optimizer.step()
        return float(loss.data)

    return step, model


def theirs(script: Any, model: dict[str, Any]) -> Step:
    """Return the step of PyTorch, starting from copies of the same weights."""
    layers: list[torch.nn.Module] = []
    for layer in model.values():
        rows, columns = layer.weight.data.shape
        linear = torch.nn.Linear(rows, columns)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.weight.data.T.copy()))
            linear.bias.copy_(torch.from_numpy(layer.bias.data.copy()))
        layers += [linear, torch.nn.ReLU()]
    net = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.Adam(net.parameters(), lr=script.LEARNING_RATE)
    loss_fn = torch.nn.CrossEntropyLoss()

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = loss_fn(net(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def block(step: Step, data: list[tuple[Any, Any]]) -> tuple[float, list[float]]:
    """Return CPU seconds a step over all of `data`, and the losses."""
    start = time.process_time()
    losses = [step(x, y) for x, y in data]
    return (time.process_time() - start) / len(data), losses


def compare(script: Any) -> dict[str, Any]:
    """Alternate blocks of both sides, each first in every other round."""
    our_step, model = ours(script)
    their_step = theirs(script, model)
    first = batches(script, seed=0)
    # Same weights, same batches: the losses must agree, or this compares nothing.
    ours_losses, their_losses = block(our_step, first)[1], block(their_step, first)[1]
    apart = float(np.max(np.abs(np.subtract(ours_losses, their_losses))))
    times: dict[str, list[float]] = {"tinytorch": [], "torch": []}
    for turn in range(ROUNDS):
        data = batches(script, seed=turn + 1)
        sides = [("tinytorch", our_step), ("torch", their_step)]
        for name, step in sides if turn % 2 else sides[::-1]:
            times[name].append(block(step, data)[0])
    ratios = np.divide(times["tinytorch"], times["torch"])
    return {
        "step_cpu_s": {name: float(np.median(t)) for name, t in times.items()},
        "step_cpu_s_min": {name: min(t) for name, t in times.items()},
        "ratio_median": float(np.median(ratios)),
        "ratio_quartiles": [float(q) for q in np.quantile(ratios, (0.25, 0.75))],
        "largest_loss_difference": apart,
        "rounds": ROUNDS,
        "steps_a_block": STEPS,
        "batch": script.BATCH,
    }


def main() -> None:
    """Compare both MLPs and print, and store where asked, the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, Any] = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }
    for name in ("mlp_mnist", "mlp_digits"):
        results[name] = compare(load_script(name))
    text = json.dumps(results, indent=1)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
