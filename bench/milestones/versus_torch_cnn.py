"""Time the training step of milestone 04, both variants, against PyTorch.

Run from the root, with a Python that has torch 2.13 and numpy:
    OPENBLAS_NUM_THREADS=1 PYTHONPATH=.:reference \
        python bench/milestones/versus_torch_cnn.py \
        --out bench/milestones/torch_cnn.json
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

STEPS: Final = 4  # a block of one side before the others have their turns
# Small: random pixels have nothing to learn, and at the script's rate rounding errors
# grow from step to step until losses say nothing.
RATE: Final = 1e-4

Layers = dict[str, Any]


def batches(script: Any, seed: int) -> list[Batch]:
    """Return STEPS batches of random pixels: speed does not depend on their values."""
    rng = np.random.default_rng(seed)
    shape = (script.BATCH, 3, script.SIDE, script.SIDE)
    return [
        (
            rng.standard_normal(shape, dtype=np.float32),
            rng.integers(0, script.CLASSES, script.BATCH),
        )
        for _ in range(STEPS)
    ]


def ours(script: Any, build: Any) -> tuple[Step, Layers]:
    """Return the step of tinytorch, and its layers."""
    tt = importlib.import_module("tinytorch")
    np.random.seed(0)  # noqa: NPY002 - the layers draw their weights from it
    model = build(tt, np.random.default_rng(0))
    net = script.network(tt, model)
    optimizer = tt.AdamW(net.parameters(), lr=RATE)
    loss_fn = tt.CrossEntropyLoss()

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        images = script.whitened(tt, model, tt.Tensor(x))
        loss = loss_fn(net(images), tt.Tensor(y))
        loss.backward()
        optimizer.step()
        return float(loss.data)

    return step, model


def copied(layer: Any) -> torch.nn.Module:
    """Return PyTorch's layer of the same kind, with copies of the parameters."""
    theirs: Any
    if hasattr(layer, "gamma"):
        theirs = torch.nn.BatchNorm2d(layer.gamma.size, layer.eps, layer.momentum)
        return theirs
    if not hasattr(layer, "weight"):
        return torch.nn.MaxPool2d(layer.kernel_size)
    weight = torch.from_numpy(layer.weight.data.copy())
    if weight.ndim == 4:
        many, channels, side, _ = weight.shape
        how = (layer.stride, layer.padding)
        theirs = torch.nn.Conv2d(channels, many, side, *how)
    else:
        theirs, weight = torch.nn.Linear(*weight.shape), weight.T
    with torch.no_grad():
        theirs.weight.copy_(weight)
        theirs.bias.copy_(torch.from_numpy(layer.bias.data.copy()))
    return theirs


def theirs(model: Layers, memory_format: torch.memory_format) -> Step:
    """Return the step of PyTorch, starting from copies of the same weights."""
    parts = {name: copied(layer) for name, layer in model.items()}
    fixed = parts.pop("whiten", None)
    layers: list[torch.nn.Module] = []
    for name, part in parts.items():
        layers += [torch.nn.Flatten()] if name == "fc1" else []
        layers += [part]
        layers += [torch.nn.ReLU()] if name in {"norm1", "norm2", "fc1"} else []
    net = torch.nn.Sequential(*layers).to(memory_format=memory_format)
    if fixed is not None:
        fixed.to(memory_format=memory_format)
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, fused=True)
    loss_fn = torch.nn.CrossEntropyLoss()

    def step(x: Any, y: Any) -> float:
        optimizer.zero_grad()
        images = torch.from_numpy(x).contiguous(memory_format=memory_format)
        if fixed is not None:
            with torch.no_grad():
                images = torch.relu_(fixed(images))
        loss = loss_fn(net(images), torch.from_numpy(y))
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def measured(script: Any, build: Any, rounds: int) -> dict[str, Any]:
    """Compare one variant with PyTorch in both orders of memory."""
    step, model = ours(script, build)
    sides = {
        "tinytorch": step,
        "torch_channels_last": theirs(model, torch.channels_last),
        "torch_nchw": theirs(model, torch.contiguous_format),
    }
    result = compare(sides, lambda seed: batches(script, seed), rounds)
    return result | {"batch": script.BATCH}


def main() -> None:
    """Compare both variants and print, and store where asked, the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--rounds", type=int, default=24)
    asked = parser.parse_args()
    results = setting()
    script = load_script("lecun_cifar10")
    for name in ("build", "build_fast"):
        variant = {"build": "plain", "build_fast": "fast"}[name]
        results[variant] = measured(script, getattr(script, name), asked.rounds)
    text = json.dumps(results, indent=1)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
