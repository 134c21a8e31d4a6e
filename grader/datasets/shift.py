"""Unseen inputs, moved a little by the round's seed.

A submission may carry the published test set in disguise; moved inputs are found in
no table of it. The move is small enough to keep every label, and its cost in accuracy
is measured in `bench/milestones`.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from grader.datasets.dataset import FULL_SCALE, Floats, Inputs
from grader.errors import ConfigError

# Of an image's side: half a pixel of 28, a seventh of a pixel of 8.
_MOVE: Final = 1 / 56
_PIXEL_NOISE: Final = 0.02  # of full scale
_POINT_NOISE: Final = 0.01  # a twenty-fifth of the clouds' margin


def shifted(test_x: Inputs, seed: int) -> Inputs:
    """Return `test_x` with every input moved by its own small random amount.

    Images are translated by a fraction of a pixel, bilinearly, and get pixel noise;
    points get noise. Same seed, same result.

    Shapes: (n, height, width) or (n, features), as given; dtype as given

    Raises:
        ConfigError: `test_x` is neither images nor points.
    """
    rng = np.random.default_rng(seed)
    if test_x.ndim == 2:
        noise = rng.standard_normal(test_x.shape, dtype=np.float32)
        moved: Floats = np.add(test_x, _POINT_NOISE * noise, dtype=np.float32)
        return moved
    if test_x.ndim != 3:
        message = f"cannot shift inputs of shape {test_x.shape}"
        raise ConfigError(message, hint="images (n, h, w) or points (n, features)")
    compact = test_x.dtype == np.uint8
    images: Floats = test_x.astype(np.float32)
    if compact:
        images /= np.float32(FULL_SCALE)
    reach = _MOVE * images.shape[1]
    for axis in (1, 2):
        amount = rng.uniform(-reach, reach, size=(len(images), 1, 1))
        images = _translate(images, amount.astype(np.float32), axis)
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    np.clip(images + np.float32(_PIXEL_NOISE) * noise, 0.0, 1.0, out=images)
    if not compact:
        return images
    return np.round(images * FULL_SCALE).astype(np.uint8)


def _translate(images: Floats, amount: Floats, axis: int) -> Floats:
    """Move each image along `axis` by `amount` pixels, less than one, filling with 0.

    Shapes: images (n, h, w), amount (n, 1, 1) -> (n, h, w)
    """
    before: Floats = np.zeros_like(images)
    after: Floats = np.zeros_like(images)
    head = [slice(None)] * 3
    tail = [slice(None)] * 3
    head[axis], tail[axis] = slice(None, -1), slice(1, None)
    before[tuple(tail)] = images[tuple(head)]
    after[tuple(head)] = images[tuple(tail)]
    stay = (1 - np.abs(amount)) * images
    forward = np.maximum(amount, 0) * before
    backward = np.maximum(-amount, 0) * after
    moved: Floats = stay + forward + backward
    return moved
