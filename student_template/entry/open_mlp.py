"""The open division of TinyMLPerf: my own model and my own training, on the digits.

Everything from here on is yours to change; entry/README.md says what is measured. Try:

    source .venv/bin/activate
    python entry/open_mlp.py
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

# One hidden layer instead of two, larger batches, a learning rate that falls.
HIDDEN, EPOCHS, BATCH, RATE = 96, 8, 48, 1.2e-2


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
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Train with Adam; one slice is one epoch."""
    rng = np.random.default_rng(budget["seed"])
    optimizer = tt.Adam(model.parameters(), lr=RATE)
    loss_of = tt.CrossEntropyLoss()
    x, y = pixels(data["x"]), data["y"]
    for epoch in range(EPOCHS):
        optimizer.lr = RATE * (1 - epoch / EPOCHS)
        for rows in np.array_split(rng.permutation(len(x)), len(x) // BATCH):
            optimizer.zero_grad()
            loss = loss_of(model(tt.Tensor(x[rows])), tt.Tensor(y[rows]))
            loss.backward()
            optimizer.step()
        log(epoch=epoch, loss=float(loss.data))
        yield


def predict(tt: Any, model: Any, x: np.ndarray) -> np.ndarray:
    """Return logits. Shapes: bytes (n, 8, 8) -> (n, 10)."""
    with tt.no_grad():
        return model(tt.Tensor(pixels(x))).data


def main() -> None:
    """Train once and print accuracy and CPU seconds."""
    # Here, since the course runs the functions above where neither can be imported.
    import time  # noqa: PLC0415

    import tinytorch as tt  # noqa: PLC0415

    from milestones import datasets  # noqa: PLC0415

    parts = datasets.digits(0)
    started = time.process_time()
    model = build(tt, np.random.default_rng(0))
    for _ in train(tt, model, parts.train, {"seed": 0}, lambda **_: None):
        pass
    answers = np.argmax(predict(tt, model, parts.test["x"]), axis=1)
    cpu_s = time.process_time() - started
    accuracy = np.mean(answers == parts.test["y"])
    print(f"accuracy {accuracy:.3f} after {cpu_s:.3f} CPU seconds")


if __name__ == "__main__":
    main()
