"""What every loader returns."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
Pixels = NDArray[np.uint8]
# float32, or uint8 for images loaded with `compact=True`.
Inputs = NDArray[Any]

Profile = Literal["quick", "full"]
# "other" is data that works but is not byte-identical to the published files.
Origin = Literal["generated", "published", "other"]

# The largest pixel value; dividing by it gives the float32 images.
FULL_SCALE = 255


@dataclass(frozen=True)
class DataSet:
    """Arrays of one data set, split, with the digest of the data behind them.

    Shapes: points (n, 2), images (n, height, width) or (n, channels, height, width),
        labels (n,); a text to learn from (n,), texts to judge on (windows, context),
        their labels, the ids of the next characters, alike

    Attributes:
        train_x: float32; images lie in [0, 1], or uint8 in [0, 255] when compact.
        train_y: int64 class ids, from 0 to `classes` - 1; of a text uint8.
        val_x: taken from the training part; the learning curve is measured on it.
        val_y: its class ids.
        test_x: unseen until the model is trained; pass it through `shifted`.
        test_y: its class ids; they never enter a sandbox.
        digest: "sha256:..." over the data, before splitting.
        title: what a report calls the data.
        origin: generated, byte-identical to the published files, or other.
        classes: how many class ids there are; chance is 1 / classes.
        untrained_below: an untrained model scores less than this; None where a line
            from chance may already be right, so that nothing can be said.
        alphabet: of a text, the character of every id; empty for all else.
        exact_x: points of which every one must be right (the XOR table), or none.
        exact_y: their class ids.
    """

    name: str
    train_x: Inputs
    train_y: NDArray[Any]
    val_x: Inputs
    val_y: Labels
    test_x: Inputs
    test_y: Labels
    digest: str
    title: str
    origin: Origin
    classes: int
    untrained_below: float | None = None
    alphabet: str = ""
    exact_x: Inputs | None = None
    exact_y: Labels | None = None


def digest_of(*arrays: NDArray[Any]) -> str:
    """Return "sha256:..." over dtype, shape and bytes of `arrays`, in order."""
    state = hashlib.sha256()
    for array in arrays:
        state.update(f"{array.dtype.str}{array.shape};".encode())
        state.update(np.ascontiguousarray(array).data)
    return f"sha256:{state.hexdigest()}"
