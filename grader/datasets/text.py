"""Texts, as ids of characters: tiny Shakespeare, and the sonnets of the repository."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grader.datasets.dataset import DataSet, Origin, Pixels, digest_of
from grader.errors import ConfigError

# The 65 characters of tiny Shakespeare, and the brackets that the sonnets have.
ALPHABET: Final = "\n !$&'(),-.3:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CONTEXT: Final = 128  # characters of a window that a model is judged on
SHAKESPEARE_SHA256: Final = (
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"
)
SONNETS_SHA256: Final = (
    "f1993b8431aa33a7793b96dad44c3d4bef2bf0ed6e180dfe9c6b416fc182b598"
)
MAX_BYTES: Final = 16 << 20  # tiny Shakespeare has 1.1 MB
_TRAIN, _VAL = 0.9, 0.05  # shares; the rest is unseen
_TEST_POEMS, _VAL_POEMS = 20, 14
_FILES: Final = ("shakespeare/tinyshakespeare.txt", "shakespeare/input.txt")
_SHIPPED: Final = Path(__file__).parents[2] / "milestones" / "data"
_POEMS: Final = "sonnets/sonnets.txt.gz"


@dataclass(frozen=True)
class _Text:
    """Ids of a whole text and where they are from."""

    ids: Pixels
    origin: Origin


def shakespeare(roots: list[Path], *, seed: int) -> DataSet:
    """Return tiny Shakespeare, split in the order of the text.

    The unseen windows begin at a place that `seed` decides.

    Shapes: train_x (n,), val_x and test_x (windows, CONTEXT); labels alike

    Raises:
        ConfigError: the file is missing or has characters outside of `ALPHABET`.
    """
    path = _found(roots, _FILES)
    text = _text(path, _read(path), SHAKESPEARE_SHA256)
    cuts = [int(len(text.ids) * share) for share in (_TRAIN, _TRAIN + _VAL)]
    train, val, test = np.split(text.ids, cuts)
    start = int(np.random.default_rng(seed).integers(CONTEXT))
    parts = (train, val, test[start:])
    return _data_set("shakespeare", "tiny Shakespeare, characters", text, parts)


def sonnets(roots: list[Path], *, seed: int) -> DataSet:
    """Return the sonnets: 120 to train, 14 to validate, 20 unseen, drawn by `seed`.

    Shapes: as in `shakespeare`

    Raises:
        ConfigError: the file is missing or not the one shipped.
    """
    path = _found([*roots, _SHIPPED], (_POEMS,))
    text = _text(path, _unzipped(path), SONNETS_SHA256)
    if text.origin != "published":
        message = "the sonnets are not the ones shipped with the repository"
        raise ConfigError(message, hint="restore milestones/data from the repository")
    poems = _poems(text.ids)
    order = np.random.default_rng(seed).permutation(len(poems))
    test, val, train = np.split(order, (_TEST_POEMS, _TEST_POEMS + _VAL_POEMS))
    parts = tuple(
        np.concatenate([poems[i] for i in chosen]) for chosen in (train, val, test)
    )
    return _data_set("sonnets", "Shakespeare's sonnets, characters", text, parts)


def _data_set(name: str, title: str, text: _Text, parts: Any) -> DataSet:
    train, val, test = parts
    val_x, val_y = _windows(val)
    test_x, test_y = _windows(test)
    return DataSet(
        name=name,
        title=title,
        train_x=train[:-1],
        train_y=train[1:],
        val_x=val_x,
        val_y=val_y,
        test_x=test_x,
        test_y=test_y,
        digest=digest_of(text.ids),
        origin=text.origin,
        classes=len(ALPHABET),
        alphabet=ALPHABET,
    )


def _windows(ids: Pixels) -> tuple[Pixels, NDArray[np.int64]]:
    """Return windows of a text and, for every place, the id that comes next."""
    count = (len(ids) - 1) // CONTEXT
    x = ids[: count * CONTEXT].reshape(count, CONTEXT)
    y = ids[1 : count * CONTEXT + 1].reshape(count, CONTEXT)
    return x, y.astype(np.int64)


def _poems(ids: Pixels) -> list[Pixels]:
    """Return the poems, each with an empty line after it."""
    text = "".join(ALPHABET[i] for i in ids)
    return [_ids(f"{poem.strip()}\n\n") for poem in text.split("\n\n")]


def _ids(text: str) -> Pixels:
    """Return the ids of the characters.

    Raises:
        KeyError: one of them is not in the alphabet.
    """
    table = {char: i for i, char in enumerate(ALPHABET)}
    return np.array([table[char] for char in text], np.uint8)


def _text(path: Path, raw: bytes, sha256: str) -> _Text:
    try:
        ids = _ids(raw.decode("ascii"))
    except (UnicodeDecodeError, KeyError) as exc:
        message = f"{path.name} has characters that the text should not have: {exc}"
        raise ConfigError(message, hint="run `grader data fetch shakespeare`") from exc
    if len(ids) < 100 * CONTEXT:
        message = f"{path.name} has only {len(ids)} characters"
        raise ConfigError(message, hint="run `grader data fetch shakespeare`")
    same = hashlib.sha256(raw).hexdigest() == sha256
    return _Text(ids, "published" if same else "other")


def _found(roots: list[Path], names: tuple[str, ...]) -> Path:
    for root in roots:
        for name in names:
            for path in (root / name, root / Path(name).name):
                if path.is_file():
                    return path
    message = f"{names[0]} is in none of: {', '.join(map(str, roots))}"
    hint = "run `grader data fetch`, or point TINYTORCH_DATA at a folder that has it"
    raise ConfigError(message, hint=hint)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES)


def _unzipped(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(MAX_BYTES)
    except (OSError, EOFError, zlib.error) as exc:
        message = f"{path.name} cannot be unpacked: {exc}"
        raise ConfigError(message, hint="restore it from the repository") from exc
