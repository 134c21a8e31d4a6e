"""Milestone 04 (1998): a convolutional network reads handwriting, 8x8 pixels a digit.

Uses your modules 02 to 09: convolutions look for the same small patterns everywhere,
pooling forgets where exactly they were, and your Trainer does the rest.
Target: at least 95 % right on digits it has not seen.

Run:    python cnn_digits.py --seed 0
Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
        document recognition", Proceedings of the IEEE 86(11), 2278-2324, 1998.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

SIDE: Final = 8
CHANNELS: Final = (16, 32)
CLASSES: Final = 10
EPOCHS: Final = 10
BATCH: Final = 32
PREDICT_BATCH: Final = 1000  # keeps activations small
LEARNING_RATE: Final = 1e-2
TARGET: Final = 0.95


def build(tt: Any, rng: np.random.Generator, width: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Return the layers; `width` widens both convolutions."""
    one, two = (channels * width for channels in CHANNELS)
    return {
        "conv1": tt.Conv2d(1, one, 3, padding=1),
        "pool1": tt.MaxPool2d(2),
        "norm1": tt.BatchNorm2d(one),
        "conv2": tt.Conv2d(one, two, 3, padding=1),
        "pool2": tt.MaxPool2d(2),
        "norm2": tt.BatchNorm2d(two),
        "fc": tt.Linear(two * (SIDE // 4) ** 2, CLASSES),
    }


def network(tt: Any, model: dict[str, Any]) -> Any:
    """Return the layers in their order.

    A maximum and ReLU may change places: ReLU after pooling has a quarter of the work.
    """
    names = ("conv1", "pool1", "norm1", "conv2", "pool2", "norm2", "fc")
    conv1, pool1, norm1, conv2, pool2, norm2, fc = (model[name] for name in names)
    return tt.Sequential(
        *(conv1, pool1, norm1, tt.ReLU()),
        *(conv2, pool2, norm2, tt.ReLU()),
        *(tt.Flatten(), fc),
    )


def scaled(images: Any) -> Any:
    """Return one channel, bytes in [0, 1]. Shapes: (n, h, w) -> (n, 1, h, w)."""
    x = images[:, None]
    return x / np.float32(255) if x.dtype == np.uint8 else x


def batches(tt: Any, data: dict[str, Any], rows: Any, size: int) -> Iterator[Any]:
    """Yield (images, class ids) as tensors, `size` examples at a time."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield tt.Tensor(scaled(data["x"][part])), tt.Tensor(data["y"][part])


def told(loader: Iterator[Any], steps: int, log: Callable[..., None]) -> Iterator[Any]:
    """Yield the batches of `loader`, and log each when it has been trained on."""
    for step, batch in enumerate(loader, start=1):
        yield batch
        log(step=step, steps=steps)


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Train with Adam and a falling learning rate; one slice is one epoch."""
    rng = np.random.default_rng(budget["seed"])
    net = network(tt, model)
    trainer = tt.Trainer(
        net,
        tt.Adam(net.parameters(), lr=LEARNING_RATE),
        tt.CrossEntropyLoss(),
        scheduler=tt.CosineSchedule(
            LEARNING_RATE, LEARNING_RATE / 50, budget["epochs"]
        ),
    )
    batch = budget.get("batch", BATCH)
    for epoch in range(1, budget["epochs"] + 1):
        order = rng.permutation(len(data["x"]))
        loader = told(batches(tt, data, order, batch), -(-len(order) // batch), log)
        log(epoch=epoch, loss=trainer.train_epoch(loader))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return logits as float32. Shapes: x (n, 8, 8) -> (n, 10)."""
    net = network(tt, model)
    net.eval()  # normalisation by what training has seen, not by this batch
    with tt.no_grad():
        parts = [
            net(tt.Tensor(scaled(x[start : start + PREDICT_BATCH]))).data
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
        machine="SGI Origin 2000 (1996), one R10000 at 200 MHz, at its peak",
        flops_per_s=400_000_000,
        memory_bytes=64 << 20,  # of the smallest board with a processor
        remark="The paper's LeNet-5 needed two to three days on such a processor.",
    )
    script = runner.Script(
        doc=__doc__ or "",
        build=build,
        train=train,
        predict=predict,
        load=datasets.digits,
        epochs=EPOCHS,
        batch=BATCH,
        target=TARGET,
        era=era,
    )
    runner.main(script)


if __name__ == "__main__":
    main()
