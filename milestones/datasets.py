"""Data for your own runs: made from a seed, shipped beside this file, or published.

The grader uses its own data, drawn from another seed.
"""

from __future__ import annotations

import gzip
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Part = dict[str, Array]  # {"x": inputs, "y": class ids}

_HERE: Final = Path(__file__).parent / "data"
_MNIST_VALIDATION: Final = 5000
_CIFAR_VALIDATION: Final = 5000
_CIFAR_FOLDER: Final = "cifar-10-batches-bin"
_CIFAR_SHAPE: Final = (3, 32, 32)

Table = tuple[tuple[tuple[float, float], int], ...]  # (inputs, class) a row
XOR_TABLE: Final[Table] = (
    ((0.0, 0.0), 0),
    ((0.0, 1.0), 1),
    ((1.0, 0.0), 1),
    ((1.0, 1.0), 0),
)


class DataMissingError(Exception):
    """A data file is not there; the message says where it was looked for."""


@dataclass(frozen=True)
class Splits:
    """Three parts: to learn from, to watch while learning, to judge at the end."""

    title: str
    train: Part
    validation: Part
    test: Part


def clouds(seed: int) -> Splits:
    """Return two clouds of points with a straight gap between them.

    Shapes: x (n, 2) float32, y (n,) int64 of 0 and 1
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, size=2000)
    # Distance from the line, at least 0.25, and position along it.
    away = np.maximum(np.abs(rng.normal(1.5, 0.5, size=2000)), 0.25) * (2 * y - 1)
    along = rng.normal(scale=0.5, size=2000)
    angle = rng.uniform(0, 2 * np.pi)
    across = np.array((np.cos(angle), np.sin(angle)))
    line = np.array((-across[1], across[0]))
    x = rng.uniform(-1, 1, size=2) + np.outer(away, across) + np.outer(along, line)
    return _split("two linearly separable clouds", x, y)


def xor(seed: int) -> Splits:
    """Return points scattered around the four corners of the XOR table.

    Shapes: x (n, 2) float32, y (n,) int64 of 0 and 1
    """
    rng = np.random.default_rng(seed)
    corner = rng.integers(0, 2, size=(2000, 2))
    x = corner + rng.normal(scale=0.15, size=(2000, 2))
    return _split("noisy XOR", x, corner[:, 0] ^ corner[:, 1])


def digits(seed: int) -> Splits:
    """Return the UCI digits, 8x8 pixels, shuffled by `seed`.

    Shapes: x (n, 8, 8) uint8 up to 255, y (n,) int64
    """
    x = _read_idx(_HERE / "digits" / "digits-images-idx3-ubyte.gz")
    y = _read_idx(_HERE / "digits" / "digits-labels-idx1-ubyte.gz").astype(np.int64)
    x = np.round(x * (255 / 16)).astype(np.uint8)  # stored as 0 to 16
    order = np.random.default_rng(seed).permutation(len(x))
    test, validation, train = np.split(order, (450, 600))
    return Splits(
        "UCI handwritten digits, 8x8",
        {"x": x[train], "y": y[train]},
        {"x": x[validation], "y": y[validation]},
        {"x": x[test], "y": y[test]},
    )


def mnist(_seed: int) -> Splits:
    """Return MNIST from the folder that TINYTORCH_DATA names.

    Shapes: x (n, 28, 28) uint8 up to 255, y (n,) int64

    Raises:
        DataMissingError: the four files are not there.
    """
    x, y = _mnist_part("train")
    test_x, test_y = _mnist_part("t10k")
    cut = len(x) - _MNIST_VALIDATION
    return Splits(
        "MNIST handwritten digits, 28x28",
        {"x": x[:cut], "y": y[:cut]},
        {"x": x[cut:], "y": y[cut:]},
        {"x": test_x, "y": test_y},
    )


def cifar10(_seed: int) -> Splits:
    """Return CIFAR-10 from the folder that TINYTORCH_DATA names.

    Shapes: x (n, 3, 32, 32) uint8 up to 255: red, green, blue; y (n,) int64

    Raises:
        DataMissingError: its files are not there.
    """
    folder = _cifar_folder()
    read = [_read_records(folder / f"data_batch_{i}.bin") for i in range(1, 6)]
    x, y = (
        np.concatenate([p["x"] for p in read]),
        np.concatenate([p["y"] for p in read]),
    )
    cut = len(x) - _CIFAR_VALIDATION
    return Splits(
        "CIFAR-10 photographs, 32x32",
        {"x": x[:cut], "y": y[:cut]},
        {"x": x[cut:], "y": y[cut:]},
        _read_records(folder / "test_batch.bin"),
    )


def _split(title: str, x: Array, y: Array) -> Splits:
    x, y = x.astype(np.float32), y.astype(np.int64)
    return Splits(
        title,
        {"x": x[:800], "y": y[:800]},
        {"x": x[800:1000], "y": y[800:1000]},
        {"x": x[1000:], "y": y[1000:]},
    )


def _mnist_part(part: str) -> tuple[Array, Array]:
    root = os.environ.get("TINYTORCH_DATA", "")
    folder = (Path(root) if root else _HERE) / "mnist"
    images = _read_idx(folder / f"{part}-images-idx3-ubyte.gz")
    labels = _read_idx(folder / f"{part}-labels-idx1-ubyte.gz")
    return images, labels.astype(np.int64)


def _read_idx(path: Path) -> Array:
    """Read uint8 values: a header of big-endian sizes, then the bytes in C order."""
    if not path.is_file():
        message = (
            f"{path} is missing. Put the four MNIST files (.gz) into a folder called "
            "mnist and set TINYTORCH_DATA to the folder around it; "
            "docs/how-to/data.md says where they come from."
        )
        raise DataMissingError(message)
    raw = gzip.decompress(path.read_bytes())
    axes = raw[3]
    shape = struct.unpack_from(f">{axes}I", raw, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _cifar_folder() -> Path:
    root = Path(os.environ.get("TINYTORCH_DATA", "") or _HERE)
    for folder in (root / "cifar10" / _CIFAR_FOLDER, root / _CIFAR_FOLDER):
        if (folder / "test_batch.bin").is_file():
            return folder
    message = (
        f"{root / _CIFAR_FOLDER} with CIFAR-10 is missing. Unpack the published "
        "cifar-10-binary.tar.gz and set TINYTORCH_DATA to the folder that then holds "
        f"{_CIFAR_FOLDER}; docs/how-to/data.md says where it comes from."
    )
    raise DataMissingError(message)


def _read_records(path: Path) -> Part:
    """Read records of one byte for the class id and 3 x 32 x 32 pixels."""
    if not path.is_file():
        message = f"{path} is missing: CIFAR-10 has six .bin files"
        raise DataMissingError(message)
    size = 1 + int(np.prod(_CIFAR_SHAPE))
    raw = np.fromfile(path, np.uint8)
    if len(raw) == 0 or len(raw) % size:
        message = f"{path} does not hold whole records of {size} bytes"
        raise DataMissingError(message)
    records = raw.reshape(-1, size)
    x = records[:, 1:].reshape(-1, *_CIFAR_SHAPE)
    return {"x": x, "y": records[:, 0].astype(np.int64)}
