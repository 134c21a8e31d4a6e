"""Milestone 01 (1957), first look: what a perceptron computes before it learns.

Uses your modules 02 to 04. Nothing is trained here: weights from chance, then weights
from looking at the points.

Run:    python forward_pass.py --seed 0
Source: F. Rosenblatt, Psychological Review 65(6), 386-408, 1958.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any, Final

import numpy as np

STARTS: Final = 100


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return the probability of class 1. Shapes: x (n, 2) -> (n, 1)."""
    return np.asarray(tt.Sigmoid()(model["fc"](tt.Tensor(x))).data, dtype=np.float32)


def main() -> None:
    """Print predictions and accuracy of both sets of weights."""
    try:
        from milestones import datasets, runner  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is not installed here: run `make setup` first")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    unseen = datasets.clouds(seed).test
    x, y = unseen["x"], unseen["y"]
    with runner.explained():
        tt = importlib.import_module("tinytorch")
        np.random.seed(seed)  # noqa: NPY002 - your layers draw from this state
        models = [{"fc": tt.Linear(2, 1)} for _ in range(STARTS)]
        right = [runner.accuracy(predict(tt, one, x), y) for one in models]
        print(
            f"weights from chance, {STARTS} times: acc from {min(right):.2f} "
            f"to {max(right):.2f}, mean {np.mean(right):.2f}; the last of them:"
        )
        model = models[-1]
        _show(model, predict(tt, model, x), y)
        # The line halfway between the two centres, seen from the second one.
        one, two = x[y == 0].mean(axis=0), x[y == 1].mean(axis=0)
        across = (two - one).reshape(2, 1)
        model["fc"].weight.data = across.astype(np.float32)
        model["fc"].bias.data = (-(one + two) / 2 @ across).astype(np.float32)
        print("weights from looking at the points:")
        _show(model, predict(tt, model, x), y)
    print("perceptron_trained.py finds such weights by itself")


def _show(model: dict[str, Any], p: Any, y: Any) -> None:
    one, two = model["fc"].weight.data.ravel()
    bias = model["fc"].bias.data.ravel()[0]
    right = float(np.mean((p[:, 0] > 0.5) == y))
    print(f"  weight {one:.2f} {two:.2f}  bias {bias:.2f}  acc {right:.2f}")
    for index in range(3):
        print(f"  point {index}  probability {p[index, 0]:.3f}  class {y[index]}")


if __name__ == "__main__":
    main()
