"""Milestone 02 (1969), the way out: a hidden layer bends the line.

Uses your modules 02 to 06; there is no optimizer yet, so the update is written out.
Four hidden units can be enough and often are not: some starts never recover from units
that stay off. Sixteen leave enough of them alive.
Target: the exact truth table, and at least 90 % right on noisy points.

Run:    python xor_solved.py --seed 0
Source: M. Minsky and S. Papert, "Perceptrons: an introduction to computational
        geometry", MIT Press, 1969.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

FEATURES: Final = 2
HIDDEN: Final = 16
EPOCHS: Final = 20
BATCH: Final = 50
LEARNING_RATE: Final = 0.5
MOMENTUM: Final = 0.9
TARGET: Final = 0.90


def build(tt: Any, rng: np.random.Generator, width: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Return the layers: two Linear, with a ReLU between them."""
    hidden = HIDDEN * width
    return {"hidden": tt.Linear(FEATURES, hidden), "out": tt.Linear(hidden, 1)}


def forward(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return the probability of class 1. Shapes: x (n, 2) -> (n, 1)."""
    return tt.Sigmoid()(model["out"](tt.ReLU()(model["hidden"](x))))


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Descend with momentum; one slice is one epoch."""
    rng = np.random.default_rng(budget["seed"])
    loss_fn = tt.BinaryCrossEntropyLoss()
    parameters = [p for layer in model.values() for p in layer.parameters()]
    velocity = [np.zeros_like(p.data) for p in parameters]
    x, y = data["x"], data["y"].reshape(-1, 1).astype(np.float32)
    batch = budget.get("batch", BATCH)
    for epoch in range(1, budget["epochs"] + 1):
        total = 0.0
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            p = forward(tt, model, tt.Tensor(x[rows]))
            loss = loss_fn(p, tt.Tensor(y[rows]))
            loss.backward()
            for i, parameter in enumerate(parameters):
                velocity[i] = MOMENTUM * velocity[i] + parameter.grad
                parameter.data = parameter.data - LEARNING_RATE * velocity[i]
                parameter.zero_grad()
            total += float(loss.data) * len(rows)
        log(epoch=epoch, loss=total / len(x))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return probabilities as float32. Shapes: x (n, 2) -> (n, 1)."""
    with tt.no_grad():
        return np.asarray(forward(tt, model, tt.Tensor(x)).data, dtype=np.float32)


def main() -> None:
    """Train, print the truth table that was learned and what it cost."""
    try:
        from milestones import datasets, runner  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is not installed here: run `make setup` first")
    era = runner.Era(
        machine="CDC 6600 (1964), the fastest computer until 1969",
        flops_per_s=3_000_000,
        memory_bytes=131_072 * 60 // 8,
        remark="The machines of 1969 could do it; the training rule was missing.",
    )
    script = runner.Script(
        doc=__doc__ or "",
        build=build,
        train=train,
        predict=predict,
        load=datasets.xor,
        epochs=EPOCHS,
        batch=BATCH,
        target=TARGET,
        era=era,
        table=datasets.XOR_TABLE,
    )
    runner.main(script)


if __name__ == "__main__":
    main()
