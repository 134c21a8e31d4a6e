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
Part = dict[str, Array]  # {"x": inputs, "y": class ids or, of a text, the next ids}

_HERE: Final = Path(__file__).parent / "data"
_MNIST_VALIDATION: Final = 5000
_CIFAR_VALIDATION: Final = 5000
_CIFAR_FOLDER: Final = "cifar-10-batches-bin"
_CIFAR_SHAPE: Final = (3, 32, 32)

# The 65 characters of tiny Shakespeare, and the brackets that the sonnets have.
ALPHABET: Final = "\n !$&'(),-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
WINDOW: Final = 128  # characters, unless a script says otherwise
_TEXTS: Final = ("shakespeare/tinyshakespeare.txt", "shakespeare/input.txt")
_TEXT_CUTS: Final = (0.9, 0.95)  # to learn from, to watch; the rest to judge
_TEST_POEMS, _VALIDATION_POEMS = 20, 14

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


def shakespeare(_seed: int, window: int = WINDOW) -> Splits:
    """Return tiny Shakespeare from the folder that TINYTORCH_DATA names.

    Split in the order of the text: 90 % to learn from, 5 % to watch, 5 % to judge.

    Shapes: as in `sonnets`

    Raises:
        DataMissingError: the file is not there, or has other characters.
    """
    root = Path(os.environ.get("TINYTORCH_DATA", "") or _HERE)
    path = next((root / name for name in _TEXTS if (root / name).is_file()), None)
    if path is None:
        message = (
            f"{root / _TEXTS[0]} is missing. Put tiny Shakespeare there, or set "
            "TINYTORCH_DATA to the folder around shakespeare; "
            "docs/how-to/data.md says where it comes from."
        )
        raise DataMissingError(message)
    ids = _ids_of(path, path.read_bytes())
    parts = np.split(ids, [int(len(ids) * share) for share in _TEXT_CUTS])
    return _text_splits("tiny Shakespeare, characters", parts, window)


def sonnets(seed: int, window: int = WINDOW) -> Splits:
    """Return Shakespeare's 154 sonnets, whole poems shuffled by `seed`.

    In all three parts y has, for every place in x, the id of the character after it.

    Shapes: train x and y (n,) uint8, one long text; validation and test
    x (windows, window) uint8, y (windows, window) int64

    Raises:
        DataMissingError: the file is not there, or has other characters.
    """
    path = _HERE / "sonnets" / "sonnets.txt.gz"
    if not path.is_file():
        message = f"{path} is missing; it comes with the milestones"
        raise DataMissingError(message)
    text = decode(_ids_of(path, gzip.decompress(path.read_bytes())))
    poems = [encode(f"{poem.strip()}\n\n") for poem in text.split("\n\n")]
    order = np.random.default_rng(seed).permutation(len(poems))
    cuts = (_TEST_POEMS, _TEST_POEMS + _VALIDATION_POEMS)
    test, validation, train = np.split(order, cuts)
    parts = [
        np.concatenate([poems[i] for i in chosen])
        for chosen in (train, validation, test)
    ]
    return _text_splits("Shakespeare's sonnets, characters", parts, window)


def encode(text: str) -> Array:
    """Return the places of the characters in `ALPHABET`. Shapes: -> (n,) uint8.

    Raises:
        ValueError: a character is not in the alphabet; the message shows it.
    """
    places = [ALPHABET.find(char) for char in text]
    if -1 in places:
        message = f"{text[places.index(-1)]!r} is not in the alphabet"
        raise ValueError(message)
    return np.array(places, np.uint8)


def decode(ids: Any) -> str:
    """Return the text that ids of any shape spell, in C order."""
    return "".join(ALPHABET[i] for i in np.asarray(ids).ravel())


def _ids_of(path: Path, raw: bytes) -> Array:
    try:
        return encode(raw.decode("ascii"))
    except ValueError as exc:  # UnicodeDecodeError is one, too
        message = f"{path} is not the text that it should be: {exc}"
        raise DataMissingError(message) from None


def _text_splits(title: str, parts: list[Array], window: int) -> Splits:
    train, validation, test = parts
    return Splits(
        title,
        {"x": train[:-1], "y": train[1:]},
        _windows(validation, window),
        _windows(test, window),
    )


def _windows(ids: Array, window: int) -> Part:
    """Cut a text into windows side by side; what is left at its end is dropped."""
    count = (len(ids) - 1) // window
    x, y = ids[: count * window], ids[1 : count * window + 1]
    return {
        "x": x.reshape(count, window),
        "y": y.reshape(count, window).astype(np.int64),
    }


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
