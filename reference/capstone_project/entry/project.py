"""Digits through a bottleneck: 64 pixels, 16 hidden units, 10 classes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

HIDDEN, EPOCHS, BATCH, RATE = 16, 12, 32, 1e-2


def build(tt: Any, rng: np.random.Generator) -> Any:  # noqa: ARG001
    """Return the network, untrained."""
    return tt.Sequential(tt.Linear(64, HIDDEN), tt.ReLU(), tt.Linear(HIDDEN, 10))


def pixels(x: np.ndarray) -> np.ndarray:
    """Return rows in [0, 1]. Shapes: bytes (n, 8, 8) -> (n, 64)."""
    return x.reshape(len(x), -1) / np.float32(255)


def train(
    tt: Any,
    model: Any,
    data: dict[str, Any],
    budget: dict[str, float],
    log: Callable[..., None],
) -> Iterator[None]:
    """Train with Adam; one slice is one epoch."""
    rng = np.random.default_rng(int(budget["seed"]))
    optimizer = tt.Adam(model.parameters(), lr=RATE)
    loss_of = tt.CrossEntropyLoss()
    for _ in range(EPOCHS):
        losses = []
        for rows in np.array_split(
            rng.permutation(len(data["x"])), len(data["x"]) // BATCH
        ):
            optimizer.zero_grad()
            out = model(tt.Tensor(pixels(data["x"][rows])))
            loss = loss_of(out, tt.Tensor(data["y"][rows]))
            loss.backward()
            optimizer.step()
            losses.append(float(loss.data))
        log(loss=np.mean(losses))
        yield


def predict(tt: Any, model: Any, x: np.ndarray) -> np.ndarray:
    """Return logits. Shapes: x (n, 8, 8) -> (n, 10)."""
    with tt.no_grad():
        return model(tt.Tensor(pixels(x))).data
