"""Milestone 01 (1957): a perceptron learns a straight line from examples.

Uses your modules 02 to 04. There is no autograd yet, so the rule that changes the
weights is written out by hand, as it was then.
Target: at least 95 % right on points it has not seen.

Run:    python perceptron_trained.py --seed 0
Source: F. Rosenblatt, "The perceptron: a probabilistic model for information storage
        and organization in the brain", Psychological Review 65(6), 386-408, 1958.
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
TARGET: Final = 0.95


def build(tt: Any, rng: np.random.Generator, width: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Return the layers: one Linear; the sigmoid after it has no parameters."""
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
    """Learn by the delta rule; one slice is one epoch.

    For the error e = p - y of each example, its input x pushes the weights by -e * x:
    an input that was on when the answer was too high is turned down.
    """
    rng = np.random.default_rng(budget["seed"])
    weight, bias = model["fc"].weight, model["fc"].bias
    x, y = data["x"], data["y"].reshape(-1, 1).astype(np.float32)
    batch = budget.get("batch", BATCH)
    for epoch in range(1, budget["epochs"] + 1):
        squared = 0.0
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            error = forward(tt, model, tt.Tensor(x[rows])).data - y[rows]
            step = LEARNING_RATE / len(rows)
            weight.data = weight.data - step * (x[rows].T @ error)
            bias.data = bias.data - step * error.sum(axis=0)
            squared += float((error**2).sum())
        log(epoch=epoch, loss=squared / len(x))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return probabilities as float32. Shapes: x (n, 2) -> (n, 1)."""
    return np.asarray(forward(tt, model, tt.Tensor(x)).data, dtype=np.float32)


def main() -> None:
    """Train on points of your own and print what it cost."""
    try:
        from milestones import datasets, runner  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is not installed here: run `make setup` first")
    era = runner.Era(
        machine="IBM 704 (1954), on which Rosenblatt first ran it",
        flops_per_s=12_000,
        memory_bytes=32_768 * 36 // 8,
        remark="In the Mark I, motors turned a potentiometer for each weight.",
    )
    script = runner.Script(
        doc=__doc__ or "",
        build=build,
        train=train,
        predict=predict,
        load=datasets.clouds,
        epochs=EPOCHS,
        batch=BATCH,
        target=TARGET,
        era=era,
        widens_inputs=True,
    )
    runner.main(script)


if __name__ == "__main__":
    main()
