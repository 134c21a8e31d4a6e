"""How a model is judged: accuracy for classes, nats per character for a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_ROWS: Final = 64  # windows at a time, so that float64 copies stay small


def accuracy(scores: NDArray[np.float32], labels: NDArray[Any]) -> float:
    """Share of right answers: threshold 0.5 for one column, else the largest.

    Shapes: scores (n, k), labels (n,)
    """
    if scores.shape[1] == 1:
        return float(np.mean((scores[:, 0] > 0.5) == labels))
    return float(np.mean(scores.argmax(axis=1) == labels))


def nats_per_character(logits: NDArray[np.float32], following: NDArray[Any]) -> float:
    """Return the mean of -log softmax(logits)[following] over all places.

    ln(67), 4.2, is what guessing blindly among 67 characters costs.

    Shapes: logits (n, T, k), following (n, T) ids
    """
    total = 0.0
    for start in range(0, len(logits), _ROWS):
        some = logits[start : start + _ROWS].astype(np.float64)
        some -= some.max(axis=-1, keepdims=True)
        ids = following[start : start + _ROWS, :, None].astype(np.int64)
        chosen = np.take_along_axis(some, ids, axis=-1)[..., 0]
        total += float((np.log(np.exp(some).sum(axis=-1)) - chosen).sum())
    return total / following.size


@dataclass(frozen=True)
class Task:
    """A kind of judgement and the words for it.

    Attributes:
        metric: its name in `--json`; `words` the same for people, `short` in tables.
        sample: what a batch is counted in.
        form: how one value is written.
    """

    metric: str
    words: str
    short: str
    sample: str
    form: str
    lower_is_better: bool
    judge: Callable[[NDArray[np.float32], NDArray[Any]], float]


TASKS: Final = {
    "classes": Task("accuracy", "accuracy", "acc", "sample", ".2f", False, accuracy),
    "language": Task(
        "nats_per_character",
        "nats per character",
        "nats",
        "window",
        ".3f",
        True,
        nats_per_character,
    ),
}
