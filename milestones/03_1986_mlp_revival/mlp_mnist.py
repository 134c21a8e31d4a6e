"""Milestone 03 (1986): hidden layers read handwriting, 28x28 pixels a digit.

Uses your modules 02 to 08: autograd sends the error back through the hidden layers,
your Trainer and Adam do the rest.
Target: at least 95 % right on digits it has not seen.

Run:    python mlp_mnist.py --seed 0
Source: D. E. Rumelhart, G. E. Hinton, R. J. Williams, "Learning representations by
        back-propagating errors", Nature 323, 533-536, 1986.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final

import numpy as np

PIXELS: Final = 28 * 28
HIDDEN: Final = (128, 64)
CLASSES: Final = 10
EPOCHS: Final = 2
BATCH: Final = 128
PREDICT_BATCH: Final = 1000  # keeps activations small
LEARNING_RATE: Final = 4e-3
TARGET: Final = 0.95
# A quarter of the data is the Trainer's epoch: the learning rate falls after each.
PARTS: Final = 4


def build(
    tt: Any,
    rng: np.random.Generator,  # noqa: ARG001
    width: int = 1,
    depth: int = 1,
) -> dict[str, Any]:
    """Return the Linear layers, three at depth 1.

    `width` widens the hidden layers, `depth` says how many there are of each size.
    """
    hidden = [size * width for size in HIDDEN for _ in range(depth)]
    sizes = pairwise([PIXELS, *hidden, CLASSES])
    return {f"fc{i}": tt.Linear(*size) for i, size in enumerate(sizes, start=1)}


def network(tt: Any, model: dict[str, Any]) -> Any:
    """Return Linear-ReLU-Linear-ReLU-Linear on the layers of `model`."""
    *hidden, last = model.values()
    parts = [part for layer in hidden for part in (layer, tt.ReLU())]
    return tt.Sequential(*parts, last)


def flatten(images: Any) -> Any:
    """Return rows in [0, 1], scaling bytes. Shapes: (n, h, w) -> (n, h * w)."""
    rows = images.reshape(len(images), -1)
    return rows / np.float32(255) if rows.dtype == np.uint8 else rows


def batches(tt: Any, data: dict[str, Any], rows: Any, size: int) -> Iterator[Any]:
    """Yield (images, class ids) as tensors, `size` examples at a time."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield tt.Tensor(flatten(data["x"][part])), tt.Tensor(data["y"][part])


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Train with Adam and a falling learning rate; one slice is one epoch."""
    rng = np.random.default_rng(budget["seed"])
    batch = budget.get("batch", BATCH)
    parts = max(1, min(PARTS, len(data["x"]) // batch))
    net = network(tt, model)
    trainer = tt.Trainer(
        net,
        tt.Adam(net.parameters(), lr=LEARNING_RATE),
        tt.CrossEntropyLoss(),
        scheduler=tt.CosineSchedule(
            LEARNING_RATE, LEARNING_RATE / 50, parts * budget["epochs"]
        ),
    )
    for epoch in range(1, budget["epochs"] + 1):
        order = rng.permutation(len(data["x"]))
        losses = []
        for step, part in enumerate(np.array_split(order, parts), start=1):
            losses.append(trainer.train_epoch(batches(tt, data, part, batch)))
            log(step=step, steps=parts)
        log(epoch=epoch, loss=float(np.mean(losses)))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return logits as float32. Shapes: x (n, 28, 28) -> (n, 10)."""
    net = network(tt, model)
    with tt.no_grad():
        parts = [
            net(tt.Tensor(flatten(x[start : start + PREDICT_BATCH]))).data
            for start in range(0, len(x), PREDICT_BATCH)
        ]
    return np.concatenate(parts).astype(np.float32)


def main() -> None:
    """Train, judge on unseen digits and print what it cost."""
    try:
        from milestones import datasets, runner  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is not installed here: run `make setup` first")
    era = runner.Era(
        machine="VAX-11/780 (1977) with floating-point unit, as first sold",
        flops_per_s=250_000,
        memory_bytes=2 << 20,
        remark="The paper's family-tree network had 36 inputs and 24 outputs.",
    )
    script = runner.Script(
        doc=__doc__ or "",
        build=build,
        train=train,
        predict=predict,
        load=datasets.mnist,
        epochs=EPOCHS,
        batch=BATCH,
        target=TARGET,
        era=era,
    )
    runner.main(script)


if __name__ == "__main__":
    main()
