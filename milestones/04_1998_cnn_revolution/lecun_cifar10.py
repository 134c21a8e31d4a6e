"""Milestone 04 (1998): a convolutional network tells ten kinds of things apart.

Uses your modules 02 to 09: convolutions look for the same small patterns everywhere,
pooling forgets where exactly they were, and your Trainer does the rest.
Target: at least 75 % right on photographs it has not seen.

Run:    python lecun_cifar10.py --seed 0
        python lecun_cifar10.py --seed 0 --fast
        Minutes of computing; --fast fixes the first layer and needs a quarter of them.
Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to
        document recognition", Proceedings of the IEEE 86(11), 2278-2324, 1998.
Data:   A. Krizhevsky, "Learning multiple layers of features from tiny images",
        technical report, University of Toronto, 2009.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

SIDE: Final = 32
CHANNELS: Final = (32, 64)
HIDDEN: Final = 256
CLASSES: Final = 10
EPOCHS: Final = 8
BATCH: Final = 64
PREDICT_BATCH: Final = 250  # keeps activations small
LEARNING_RATE: Final = 5e-3
WARM_UP: Final = 0.2  # share of training in which the learning rate rises
TARGET: Final = 0.75
MEAN, DEVIATION = 0.47, 0.25  # of pixels in [0, 1], about
SHIFT: Final = 2  # pixels to each side, in training
# So many images are the Trainer's epoch: the learning rate changes after each.
PART: Final = 1500

# The fast variant: its first layer is not trained, and halves the sides at once.
FAST_CHANNELS: Final = (48, 96)
FAST_EPOCHS: Final = 3
FAST_LEARNING_RATE: Final = 1e-2
FILTERS: Final = 16  # each with either sign
PATCH: Final = 4
WHITENED_IMAGES: Final = 500


class Slope:
    """A learning rate that rises and then falls, both in a straight line."""

    def __init__(self, top: float, total: int) -> None:
        self.top, self.total, self.turn = top, total, max(1, round(WARM_UP * total))

    def get_lr(self, epoch: int) -> float:
        """Return the rate of one of the Trainer's epochs, 0 to total - 1."""
        rise = (epoch + 1) / (self.turn + 1)
        fall = (self.total - epoch) / max(1, self.total - self.turn)
        return self.top * min(rise, fall)


def build(tt: Any, rng: np.random.Generator, width: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Return the layers of the plain network; `width` widens all of them."""
    one, two = (channels * width for channels in CHANNELS)
    return {
        "conv1": tt.Conv2d(3, one, 5, padding=2),
        "pool1": tt.MaxPool2d(2),
        "norm1": tt.BatchNorm2d(one),
        "conv2": tt.Conv2d(one, two, 3, padding=1),
        "pool2": tt.MaxPool2d(2),
        "norm2": tt.BatchNorm2d(two),
        "fc1": tt.Linear(two * (SIDE // 4) ** 2, HIDDEN * width),
        "fc2": tt.Linear(HIDDEN * width, CLASSES),
    }


def build_fast(tt: Any, rng: np.random.Generator, width: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Return the layers of the fast variant; `train` fills the first one."""
    one, two = (channels * width for channels in FAST_CHANNELS)
    return {
        "whiten": tt.Conv2d(3, 2 * FILTERS, PATCH, stride=2, padding=1),
        "conv1": tt.Conv2d(2 * FILTERS, one, 3, padding=1),
        "pool1": tt.MaxPool2d(2),
        "norm1": tt.BatchNorm2d(one),
        "conv2": tt.Conv2d(one, two, 3, padding=1),
        "pool2": tt.MaxPool2d(2),
        "norm2": tt.BatchNorm2d(two),
        "fc1": tt.Linear(two * (SIDE // 8) ** 2, HIDDEN * width),
        "fc2": tt.Linear(HIDDEN * width, CLASSES),
    }


def network(tt: Any, model: dict[str, Any]) -> Any:
    """Return the layers that are trained, in their order.

    A maximum and ReLU may change places: ReLU after pooling has a quarter of the work.
    """
    names = ("conv1", "pool1", "norm1", "conv2", "pool2", "norm2", "fc1", "fc2")
    conv1, pool1, norm1, conv2, pool2, norm2, fc1, fc2 = (model[n] for n in names)
    return tt.Sequential(
        *(conv1, pool1, norm1, tt.ReLU()),
        *(conv2, pool2, norm2, tt.ReLU()),
        *(tt.Flatten(), fc1, tt.ReLU(), fc2),
    )


def scaled(images: Any) -> Any:
    """Return float32 pixels around 0, from bytes or from numbers in [0, 1]."""
    if images.dtype == np.uint8:
        images = images / np.float32(255)
    return (images - np.float32(MEAN)) / np.float32(DEVIATION)


def whitened(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return what the trained layers take: x, or what the fixed filters see in it."""
    if "whiten" not in model:
        return x
    with tt.no_grad():
        return tt.ReLU()(model["whiten"](x))


def whitening_filters(images: Any) -> Any:
    """Return filters whose answers to the patches are uncorrelated, of variance 1.

    They are the principal components of small patches, each divided by its standard
    deviation; those of the largest variances are kept. Then come the same with the
    other sign, so that nothing is lost in the ReLU that follows.

    Shapes: images (n, 3, h, w) -> (2 * FILTERS, 3, PATCH, PATCH)
    """
    n, channels, h, w = images.shape
    tiles = images.reshape(n, channels, h // PATCH, PATCH, w // PATCH, PATCH)
    patches = tiles.transpose(0, 2, 4, 1, 3, 5).reshape(-1, channels * PATCH**2)
    variances, components = np.linalg.eigh(np.cov(patches, rowvar=False))
    # eigh sorts upwards; the small number keeps plain images from dividing by 0.
    strong = components[:, -FILTERS:] / np.sqrt(variances[-FILTERS:] + 1e-6)
    filters = strong.T.astype(np.float32).reshape(-1, channels, PATCH, PATCH)
    return np.concatenate((filters, -filters))


def batches(
    tt: Any, model: dict[str, Any], data: dict[str, Any], rows: Any, size: int
) -> Iterator[Any]:
    """Yield (images, class ids), `size` at a time, mirrored and shifted at random."""
    vary = tt.Compose(
        [tt.RandomHorizontalFlip(), tt.RandomCrop(SIDE, padding=SHIFT)],
    )
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        x = vary(tt.Tensor(scaled(data["x"][part])))
        yield whitened(tt, model, x), tt.Tensor(data["y"][part])


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Train with AdamW and a changing learning rate; one slice is one epoch."""
    rng = np.random.default_rng(budget["seed"])
    rate = LEARNING_RATE
    if "whiten" in model:
        rate = FAST_LEARNING_RATE
        some = scaled(data["x"][:WHITENED_IMAGES])
        model["whiten"].weight.data = whitening_filters(some)
    net = network(tt, model)
    parts = max(1, len(data["x"]) // PART)
    trainer = tt.Trainer(
        net,
        tt.AdamW(net.parameters(), lr=rate),
        tt.CrossEntropyLoss(),
        scheduler=Slope(rate, parts * budget["epochs"]),
    )
    batch = budget.get("batch", BATCH)
    for epoch in range(1, budget["epochs"] + 1):
        order = rng.permutation(len(data["x"]))
        losses = []
        for step, part in enumerate(np.array_split(order, parts), start=1):
            losses.append(trainer.train_epoch(batches(tt, model, data, part, batch)))
            log(step=step, steps=parts)
        log(epoch=epoch, loss=float(np.mean(losses)))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return logits as float32. Shapes: x (n, 3, 32, 32) -> (n, 10)."""
    net = network(tt, model)
    net.eval()
    parts = []
    with tt.no_grad():
        for start in range(0, len(x), PREDICT_BATCH):
            images = tt.Tensor(scaled(x[start : start + PREDICT_BATCH]))
            parts.append(net(whitened(tt, model, images)).data)
    return np.concatenate(parts).astype(np.float32)


def main() -> None:
    """Train, judge on unseen photographs and print what it cost."""
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
        load=datasets.cifar10,
        epochs=EPOCHS,
        batch=BATCH,
        target=TARGET,
        era=era,
    )
    fast = replace(script, build=build_fast, epochs=FAST_EPOCHS)
    runner.main(script, fast)


if __name__ == "__main__":
    main()
