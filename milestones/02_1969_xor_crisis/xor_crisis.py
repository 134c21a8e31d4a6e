"""Milestone 02 (1969), the crisis: one layer cannot learn "either, but not both".

Uses your modules 02 to 06. No straight line has the corners (0, 1) and (1, 0) on one
side and (0, 0) and (1, 1) on the other, so training ends where guessing would.
Target: it must fail. A line gets three corners of four at best, 75 % of the points;
80 % leaves room for the luck of the draw.

Run:    python xor_crisis.py --seed 0
Source: M. Minsky and S. Papert, "Perceptrons: an introduction to computational
        geometry", MIT Press, 1969.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

FEATURES: Final = 2
EPOCHS: Final = 20
BATCH: Final = 50
LEARNING_RATE: Final = 0.5
TARGET: Final = 0.80


def build(tt: Any, rng: np.random.Generator, width: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Return the layers: one Linear, as in milestone 01."""
    return {"fc": tt.Linear(FEATURES * width, 1)}


def forward(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return the probability of class 1. Shapes: x (n, 2) -> (n, 1)."""
    return tt.Sigmoid()(model["fc"](x))


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Descend along the gradient that autograd finds; one slice is one epoch."""
    rng = np.random.default_rng(budget["seed"])
    loss_fn = tt.BinaryCrossEntropyLoss()
    parameters = model["fc"].parameters()
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
            for parameter in parameters:
                parameter.data = parameter.data - LEARNING_RATE * parameter.grad
                parameter.zero_grad()
            total += float(loss.data) * len(rows)
        log(epoch=epoch, loss=total / len(x))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return probabilities as float32. Shapes: x (n, 2) -> (n, 1)."""
    with tt.no_grad():
        return np.asarray(forward(tt, model, tt.Tensor(x)).data, dtype=np.float32)


def main() -> None:
    """Train, see it fail, and print what it cost."""
    try:
        from milestones import datasets, runner  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is not installed here: run `make setup` first")
    era = runner.Era(
        machine="CDC 6600 (1964), the fastest computer until 1969",
        flops_per_s=3_000_000,
        memory_bytes=131_072 * 60 // 8,
        remark="Speed does not help: the loss stays near ln 2 = 0.6931, a coin's.",
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
        must_fail=True,
        widens_inputs=True,
    )
    runner.main(script)


if __name__ == "__main__":
    main()
