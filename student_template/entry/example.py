"""Digits through a bottleneck: 64 pixels, 16 hidden units, 10 classes.

An example of a project's script, for entry/capstone.example.toml. Try it:

    source .venv/bin/activate
    python entry/example.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

HIDDEN, EPOCHS, BATCH, RATE = 16, 12, 32, 1e-2


def build(tt: Any, rng: np.random.Generator) -> Any:
    """Return the network, untrained."""
    return tt.Sequential(tt.Linear(64, HIDDEN), tt.ReLU(), tt.Linear(HIDDEN, 10))


def pixels(x: np.ndarray) -> np.ndarray:
    """Return rows in [0, 1]. Shapes: bytes (n, 8, 8) -> (n, 64)."""
    rows = x.reshape(len(x), -1)
    return rows / np.float32(255) if rows.dtype == np.uint8 else rows


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
    count = len(data["x"])
    for _ in range(EPOCHS):
        losses = []
        for rows in np.array_split(rng.permutation(count), count // BATCH):
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


def main() -> None:
    """Train once and print the accuracy on digits that the network has not seen."""
    # Here, since the course runs the functions above where neither can be imported.
    import tinytorch as tt  # noqa: PLC0415

    from milestones import datasets  # noqa: PLC0415

    parts = datasets.digits(0)
    model = build(tt, np.random.default_rng(0))
    for _ in train(tt, model, parts.train, {"seed": 0}, lambda **said: print(said)):
        pass
    answers = np.argmax(predict(tt, model, parts.test["x"]), axis=1)
    print(f"accuracy {np.mean(answers == parts.test['y']):.3f}")


if __name__ == "__main__":
    main()
