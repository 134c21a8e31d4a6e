"""Image sets read from disk: the 8x8 digits of the repository, and MNIST."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from grader.datasets.dataset import (
    FULL_SCALE,
    DataSet,
    Inputs,
    Labels,
    Origin,
    Pixels,
    Profile,
    digest_of,
)
from grader.datasets.idx import IdxFile, read_idx
from grader.errors import ConfigError

# md5 of the unzipped bytes, as published; the wrapper of a copy may differ.
MNIST_MD5: Final = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
DIGITS_MD5: Final = {
    "digits-images-idx3-ubyte": "a5adabccf8d3e2540826a202a7bfb422",
    "digits-labels-idx1-ubyte": "497796a0698e25d3920a9422b635bf34",
}
_DIGITS_LEVELS: Final = 16  # each pixel counts the dark ones of a 4x4 block
_DIGITS_TEST, _DIGITS_VAL = 450, 150
_MNIST_VAL: Final = 5000
_MNIST_QUICK_TRAIN, _MNIST_QUICK_TEST = 12_000, 2_000
_CLASSES: Final = 10
# Chance is 0.1; untrained models of 100 seeds reached less than 0.25.
_UNTRAINED_BELOW: Final = 0.35
# In a checkout the digits lie beside the milestones that use them.
_SHIPPED: Final = Path(__file__).parents[2] / "milestones" / "data" / "digits"


@dataclass(frozen=True)
class _Images:
    """Unsplit images and labels; `published` says whether every checksum agreed."""

    x: Pixels
    y: Labels
    published: bool

    @property
    def origin(self) -> Origin:
        return "published" if self.published else "other"


def digits(roots: list[Path], *, seed: int, compact: bool) -> DataSet:
    """Return the UCI digits, split anew by `seed`.

    Shapes: x (n, 8, 8), y (n,); 1197 to train, 150 to validate, 450 to test

    Raises:
        ConfigError: the files are missing, malformed or not the ones shipped.
    """
    folders = [*_below(roots, "digits"), _SHIPPED]
    images = _read_pair(folders, "digits", DIGITS_MD5)
    if not images.published:
        message = "the digits are not the ones shipped with the repository"
        hint = "restore milestones/data/digits from the repository"
        raise ConfigError(message, hint=hint)
    scaled = np.round(images.x * (FULL_SCALE / _DIGITS_LEVELS)).astype(np.uint8)
    order = np.random.default_rng(seed).permutation(len(scaled))
    test, rest = order[:_DIGITS_TEST], order[_DIGITS_TEST:]
    val, train = rest[:_DIGITS_VAL], rest[_DIGITS_VAL:]
    return DataSet(
        name="digits",
        title="UCI handwritten digits, 8x8",
        train_x=_as_inputs(scaled[train], compact),
        train_y=images.y[train],
        val_x=_as_inputs(scaled[val], compact),
        val_y=images.y[val],
        test_x=_as_inputs(scaled[test], compact),
        test_y=images.y[test],
        digest=digest_of(images.x, images.y),
        origin=images.origin,
        classes=_CLASSES,
        untrained_below=_UNTRAINED_BELOW,
    )


def mnist(roots: list[Path], *, profile: Profile, seed: int, compact: bool) -> DataSet:
    """Return MNIST; the quick profile draws a part of it by `seed`.

    Shapes: x (n, 28, 28), y (n,); full: 55,000 to train, 5,000 to validate, 10,000
    to test; quick: 12,000, 5,000 and 2,000

    Raises:
        ConfigError: files are missing or malformed; other bytes than the published
            ones are accepted and reported as origin "other".
    """
    folders = _below(roots, "mnist", "MNIST/raw")
    train = _read_pair(folders, "train", MNIST_MD5)
    test = _read_pair(folders, "t10k", MNIST_MD5)
    if len(train.x) <= _MNIST_VAL or train.x.shape[1:] != test.x.shape[1:]:
        message = f"MNIST has shapes {train.x.shape} and {test.x.shape}"
        raise ConfigError(message, hint="run `grader data fetch mnist` again")
    cut = len(train.x) - _MNIST_VAL
    digest = digest_of(train.x, train.y, test.x, test.y)
    fit, exam = (train.x[:cut], train.y[:cut]), (test.x, test.y)
    if profile == "quick":
        rng = np.random.default_rng(seed)
        fit = _draw(*fit, count=_MNIST_QUICK_TRAIN, rng=rng)
        exam = _draw(*exam, count=_MNIST_QUICK_TEST, rng=rng)
    both = _Images(train.x, train.y, train.published and test.published)
    return DataSet(
        name="mnist",
        title="MNIST handwritten digits, 28x28",
        train_x=_as_inputs(fit[0], compact),
        train_y=fit[1],
        val_x=_as_inputs(train.x[cut:], compact),
        val_y=train.y[cut:],
        test_x=_as_inputs(exam[0], compact),
        test_y=exam[1],
        digest=digest,
        origin=both.origin,
        classes=_CLASSES,
        untrained_below=_UNTRAINED_BELOW,
    )


def _below(roots: list[Path], *names: str) -> list[Path]:
    return [folder for root in roots for folder in (*(root / n for n in names), root)]


def _draw(
    x: Pixels, y: Labels, *, count: int, rng: np.random.Generator
) -> tuple[Pixels, Labels]:
    chosen = np.sort(rng.permutation(len(x))[:count])
    return x[chosen], y[chosen]


def _as_inputs(pixels: Pixels, compact: bool) -> Inputs:
    if compact:
        return pixels
    return pixels.astype(np.float32) * np.float32(1 / FULL_SCALE)


def _read_pair(folders: list[Path], stem: str, known: dict[str, str]) -> _Images:
    x = _read_known(folders, f"{stem}-images-idx3-ubyte", known, axes=3)
    y = _read_known(folders, f"{stem}-labels-idx1-ubyte", known, axes=1)
    if len(x.values) != len(y.values):
        message = f"{len(x.values)} images of {stem} have {len(y.values)} labels"
        raise ConfigError(message, hint="both files must come from one place")
    if y.values.size == 0 or int(y.values.max()) >= _CLASSES:
        message = f"the labels of {stem} are not class ids from 0 to 9"
        raise ConfigError(message, hint="fetch the data again")
    published = {x.md5, y.md5} <= set(known.values())
    return _Images(x.values, y.values.astype(np.int64), published)


def _read_known(
    folders: list[Path], name: str, known: dict[str, str], *, axes: int
) -> IdxFile:
    assert name in known  # noqa: S101 - a typing slip of ours, not a user's
    for folder in folders:
        for path in (folder / f"{name}.gz", folder / name):
            if path.is_file():
                return read_idx(path, axes=axes)
    message = f"{name} is in none of: {', '.join(map(str, folders))}"
    hint = "run `grader data fetch`, or point TINYTORCH_DATA at a folder that has it"
    raise ConfigError(message, hint=hint)
