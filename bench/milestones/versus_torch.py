"""Time the training step of milestone 03 against PyTorch, one thread each.

Run from the root, with a Python that has torch 2.13 and numpy:
    OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:reference \
        python bench/milestones/versus_torch.py --out bench/milestones/torch.json
Method: README.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from interleave import Batch, Step, compare, setting
from scripts import load_script

ROUNDS: Final = 30
STEPS: Final = 40  # a block of one side before the other has its turn


def batches(script: Any, seed: int) -> list[Batch]:
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


def theirs(script: Any, model: dict[str, Any], fused: bool) -> Step:
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
    optimizer = torch.optim.Adam(
        net.parameters(), lr=script.LEARNING_RATE, fused=fused or None
    )
    loss_fn = torch.nn.CrossEntropyLoss()

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        loss = loss_fn(net(torch.from_numpy(x)), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def measured(script: Any) -> dict[str, Any]:
    """Compare the step with PyTorch's Adam as it comes, and with its fused one."""
    step, model = ours(script)
    sides = {
        "tinytorch": step,
        "torch": theirs(script, model, fused=False),
        "torch_fused_adam": theirs(script, model, fused=True),
    }
    result = compare(sides, lambda seed: batches(script, seed), ROUNDS)
    return result | {"batch": script.BATCH}


def main() -> None:
    """Compare both MLPs and print, and store where asked, the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    results = setting()
    for name in ("mlp_mnist", "mlp_digits"):
        results[name] = measured(load_script(name))
    text = json.dumps(results, indent=1)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
