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
# Photographs move by whole pixels and may be mirrored: a fraction of a pixel blurs
# them, which cost a network 6 points of accuracy on CIFAR-10, and this 1.
_PHOTO_MOVE: Final = 1
_PHOTO_NOISE: Final = 0.01
_POINT_NOISE: Final = 0.01  # a twenty-fifth of the clouds' margin
_BLOCK: Final = 500  # photographs at a time: a few MB of floats, not all of them


def shifted(test_x: Inputs, seed: int) -> Inputs:
    """Return `test_x` with every input moved by its own small random amount.

    Images are translated by a fraction of a pixel, bilinearly, and get pixel noise.
    Images with channels are photographs: translated by a pixel or none, the edge
    repeated, mirrored or not, all channels alike, with less noise. Points get noise.
    Same seed, same result.

    Shapes: (n, height, width), (n, channels, height, width) or (n, features), as
        given; dtype as given

    Raises:
        ConfigError: `test_x` is neither images nor points.
    """
    rng = np.random.default_rng(seed)
    match test_x.ndim:
        case 2:
            noise = rng.standard_normal(test_x.shape, dtype=np.float32)
            moved: Floats = np.add(test_x, _POINT_NOISE * noise, dtype=np.float32)
            return moved
        case 3:
            return _images(test_x, rng)
        case 4:
            return _photographs(test_x, rng)
        case _:
            message = f"cannot shift inputs of shape {test_x.shape}"
            hint = "images (n, h, w) or (n, channels, h, w), or points (n, features)"
            raise ConfigError(message, hint=hint)


def _images(x: Inputs, rng: np.random.Generator) -> Inputs:
    images = _floats(x)
    reach = _MOVE * images.shape[1]
    for axis in (1, 2):
        amount = rng.uniform(-reach, reach, size=(len(images), 1, 1))
        images = _translate(images, amount.astype(np.float32), axis)
    return _with_noise(images, _PIXEL_NOISE, rng, x)


def _photographs(x: Inputs, rng: np.random.Generator) -> Inputs:
    height, width = x.shape[2:]
    frame = (_PHOTO_MOVE, _PHOTO_MOVE)
    framed = np.pad(x, ((0, 0), (0, 0), frame, frame), mode="edge")
    places = 2 * _PHOTO_MOVE + 1
    down, across = rng.integers(0, places, size=(2, len(x)))
    mirrored = rng.integers(0, 2, size=len(x)) == 1
    out = np.empty_like(x)
    for i, j in np.ndindex(places, places):
        here = (down == i) & (across == j)
        out[here] = framed[here, :, i : i + height, j : j + width]
    out[mirrored] = out[mirrored, :, :, ::-1]
    for start in range(0, len(x), _BLOCK):
        some = out[start : start + _BLOCK]
        some[:] = _with_noise(_floats(some), _PHOTO_NOISE, rng, x)
    return out


def _floats(x: Inputs) -> Floats:
    """Return a copy as float32 in [0, 1]."""
    images: Floats = x.astype(np.float32)
    if x.dtype == np.uint8:
        images /= np.float32(FULL_SCALE)
    return images


def _with_noise(
    images: Floats, scale: float, rng: np.random.Generator, like: Inputs
) -> Inputs:
    """Return `images` with noise, as bytes where `like` has bytes."""
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    np.clip(images + np.float32(scale) * noise, 0.0, 1.0, out=images)
    if like.dtype != np.uint8:
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
