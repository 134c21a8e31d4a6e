"""Point sets made from a seed: two clouds and noisy XOR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from grader.datasets.dataset import DataSet, Floats, Labels, digest_of

_TRAIN, _VAL, _TEST = 800, 200, 1000
_TOTAL: Final = _TRAIN + _VAL + _TEST

_CLOUD_SPREAD: Final = 0.5
_CLOUD_DISTANCE: Final = 3.0  # between the two centres
# Points nearer to the separating line are left out, so that a line exists.
_CLOUD_MARGIN: Final = 0.25

CORNERS: Final = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
XOR_TABLE: Final = (0, 1, 1, 0)
# A point crosses to a neighbour's side once in a thousand draws.
_XOR_NOISE: Final = 0.15


@dataclass(frozen=True)
class _Points:
    x: Floats
    y: Labels


def clouds(seed: int) -> DataSet:
    """Return two clouds that a straight line separates, in a random direction.

    Shapes: x (n, 2), y (n,) with as many ones as zeros, up to one
    """
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    along = np.array((np.cos(angle), np.sin(angle)))
    across = np.array((-along[1], along[0]))
    labels = rng.permutation(np.arange(_TOTAL) % 2)
    depth = _CLOUD_DISTANCE / 2 + _CLOUD_SPREAD * rng.standard_normal(_TOTAL)
    depth = np.maximum(np.abs(depth), _CLOUD_MARGIN) * (2 * labels - 1)
    width = _CLOUD_SPREAD * rng.standard_normal(_TOTAL)
    centre = rng.uniform(-1.0, 1.0, size=2)
    points = centre + depth[:, None] * along + width[:, None] * across
    return _split(
        "clouds",
        "two linearly separable clouds",
        _Points(points.astype(np.float32), labels.astype(np.int64)),
    )


def xor(seed: int) -> DataSet:
    """Return points scattered around the corners of XOR, and the exact corners.

    Shapes: x (n, 2), y (n,), exact_x (4, 2), exact_y (4,)
    """
    rng = np.random.default_rng(seed)
    which = rng.permutation(np.arange(_TOTAL) % 4)
    corners = np.array(CORNERS, np.float32)
    table = np.array(XOR_TABLE, np.int64)
    noise = _XOR_NOISE * rng.standard_normal((_TOTAL, 2))
    points = (corners[which] + noise).astype(np.float32)
    exact = _Points(corners, table)
    return _split("xor", "noisy XOR", _Points(points, table[which]), exact)


def _split(
    name: str, title: str, points: _Points, exact: _Points | None = None
) -> DataSet:
    x, y = points.x, points.y
    end = _TRAIN + _VAL
    return DataSet(
        name=name,
        title=title,
        train_x=x[:_TRAIN],
        train_y=y[:_TRAIN],
        val_x=x[_TRAIN:end],
        val_y=y[_TRAIN:end],
        test_x=x[end:],
        test_y=y[end:],
        digest=digest_of(x, y),
        origin="generated",
        classes=2,
        # Corners fall on either side of a line from chance: 3 of 4 are right at best.
        untrained_below=None if exact is None else 0.8,
        exact_x=None if exact is None else exact.x,
        exact_y=None if exact is None else exact.y,
    )
