"""TinyMLPerf: the convolutional network of the closed division.

`predict` is timed in the latency sprint, `train` is what the memory challenge watches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

BATCH = 32
LEARNING_RATE = 1e-3


def build(tt: Any, rng: np.random.Generator) -> dict[str, Any]:  # noqa: ARG001
    """Return the layers; 1,105,098 parameters."""
    return {
        "conv1": tt.Conv2d(3, 32, 5, padding=2),
        "pool1": tt.MaxPool2d(2),
        "conv2": tt.Conv2d(32, 64, 5, padding=2),
        "pool2": tt.MaxPool2d(2),
        "fc1": tt.Linear(4096, 256),
        "fc2": tt.Linear(256, 10),
    }


def network(tt: Any, model: dict[str, Any]) -> Any:
    """Return the layers in their order."""
    conv1, pool1, conv2, pool2, fc1, fc2 = model.values()
    return tt.Sequential(
        *(conv1, tt.ReLU(), pool1, conv2, tt.ReLU(), pool2),
        *(tt.Flatten(), fc1, tt.ReLU(), fc2),
    )


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],  # noqa: ARG001
    log: Callable[..., None],
) -> Iterator[None]:
    """Train with Adam, in the order of the data; one slice is one step."""
    net, loss = network(tt, model), tt.CrossEntropyLoss()
    trainer = tt.Trainer(net, tt.Adam(net.parameters(), lr=LEARNING_RATE), loss)
    for start in range(0, len(data["x"]), BATCH):
        rows = slice(start, start + BATCH)
        batch = (tt.Tensor(data["x"][rows]), tt.Tensor(data["y"][rows]))
        log(loss=trainer.train_epoch([batch]))
        yield


def scaled(x: Any) -> Any:
    """Return numbers in [0, 1]; bytes cost a quarter to be handed over."""
    return x / np.float32(255) if x.dtype == np.uint8 else x


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return logits, each image on its own. Shapes: x (n, 3, 32, 32) -> (n, 10)."""
    net = network(tt, model)
    net.eval()
    with tt.no_grad():
        answers = [net(tt.Tensor(image[None])).data for image in scaled(x)]
    return np.concatenate(answers)
