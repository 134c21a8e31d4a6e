"""CIFAR-10 in its published binary layout, read strictly.

Six files, data_batch_1.bin to data_batch_5.bin and test_batch.bin, each of records of
3,073 bytes: a class id, then 3 x 32 x 32 pixels, red, green and blue plane, row by row.
They are read unpacked, or out of the published archive, of which only members with
these names and sizes are looked at; nothing of it is written to disk.
"""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from pathlib import Path
from typing import IO, Final

import numpy as np

from grader.datasets.dataset import (
    FULL_SCALE,
    DataSet,
    Inputs,
    Labels,
    Pixels,
    Profile,
    digest_of,
)
from grader.errors import ConfigError

ARCHIVE: Final = "cifar-10-binary.tar.gz"
FOLDER: Final = "cifar-10-batches-bin"  # in the archive, too
# sha1 of the published files, as MXNet's loader has them too.
CIFAR_SHA1: Final = {
    "data_batch_1.bin": "aadd24acce27caa71bf4b10992e9e7b2d74c2540",
    "data_batch_2.bin": "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795",
    "data_batch_3.bin": "1dd00a74ab1d17a6e7d73e185b69dbf31242f295",
    "data_batch_4.bin": "aab85764eb3584312d3c7f65fd2fd016e36a258e",
    "data_batch_5.bin": "26e2849e66a845b7f1e4614ae70f4889ae604628",
    "test_batch.bin": "67eb016db431130d61cd03c7ad570b013799c88c",
}
_TEST: Final = "test_batch.bin"
_SHAPE: Final = (3, 32, 32)
RECORD: Final = 1 + 3 * 32 * 32
# 64 MiB a file: a published one has 30.7 MB.
MAX_FILE_BYTES: Final = 64 << 20
_CLASSES: Final = 10
_VAL: Final = 5000
_QUICK_TRAIN, _QUICK_TEST = 10_000, 2_000
# Chance is 0.1; untrained networks of 40 seeds reached at most 0.14.
_UNTRAINED_BELOW: Final = 0.25
_HINT: Final = "run `grader data fetch cifar10`, or unpack the published archive again"


def cifar10(
    roots: list[Path], *, profile: Profile, seed: int, compact: bool
) -> DataSet:
    """Return CIFAR-10; the quick profile draws a part of it by `seed`.

    Shapes: x (n, 3, 32, 32), y (n,); full: 45,000 to train, 5,000 to validate, 10,000
    to test; quick: 10,000, 5,000 and 2,000

    Raises:
        ConfigError: files are missing or malformed; other bytes than the published
            ones are accepted and reported as origin "other".
    """
    raw = _read_all(roots)
    published = all(
        hashlib.sha1(data, usedforsecurity=False).hexdigest() == CIFAR_SHA1[name]
        for name, data in raw.items()
    )
    exam = _records(_TEST, raw.pop(_TEST))
    parts = [_records(name, data) for name, data in raw.items()]
    raw.clear()  # 150 MB that are now in the arrays
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    del parts
    cut = len(x) - _VAL
    if cut < 1:
        message = f"CIFAR-10 has {len(x)} records to train, {_VAL} are for validation"
        raise ConfigError(message, hint=_HINT)
    digest = digest_of(x, y, *exam)
    fit = x[:cut], y[:cut]
    if profile == "quick":
        rng = np.random.default_rng(seed)
        fit = _draw(*fit, _QUICK_TRAIN, rng)
        exam = _draw(*exam, _QUICK_TEST, rng)
    return DataSet(
        name="cifar10",
        title="CIFAR-10 photographs, 32x32",
        train_x=_as_inputs(fit[0], compact),
        train_y=fit[1],
        val_x=_as_inputs(x[cut:], compact),
        val_y=y[cut:],
        test_x=_as_inputs(exam[0], compact),
        test_y=exam[1],
        digest=digest,
        origin="published" if published else "other",
        classes=_CLASSES,
        untrained_below=_UNTRAINED_BELOW,
    )


def _read_all(roots: list[Path]) -> dict[str, bytes]:
    """Return the bytes of the six files by name, in the order of CIFAR_SHA1."""
    folders = [
        folder
        for root in roots
        for folder in (root / "cifar10" / FOLDER, root / FOLDER, root / "cifar10", root)
    ]
    for folder in folders:
        if (folder / _TEST).is_file():
            return {name: _read_file(folder / name) for name in CIFAR_SHA1}
        if (folder / ARCHIVE).is_file():
            return _read_archive(folder / ARCHIVE)
    message = f"CIFAR-10 is in none of: {', '.join(map(str, folders))}"
    hint = "run `grader data fetch cifar10`, or point TINYTORCH_DATA at a copy"
    raise ConfigError(message, hint=hint)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return _read_capped(file, path.name)
    except OSError as exc:
        raise _unreadable(path.name, exc) from exc


def _read_archive(path: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                folder, _, name = member.name.rpartition("/")
                wanted = folder == FOLDER and name in CIFAR_SHA1 and member.isreg()
                if wanted and (file := archive.extractfile(member)) is not None:
                    found[name] = _read_capped(file, name)
                if len(found) == len(CIFAR_SHA1):
                    break
    except (OSError, EOFError, zlib.error, tarfile.TarError) as exc:
        raise _unreadable(path.name, exc) from exc
    missing = [name for name in CIFAR_SHA1 if name not in found]
    if missing:
        message = f"{path.name} has no {FOLDER}/{missing[0]}"
        raise ConfigError(message, hint=_HINT)
    return {name: found[name] for name in CIFAR_SHA1}


def _read_capped(file: IO[bytes], name: str) -> bytes:
    raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        message = f"{name} holds more than {MAX_FILE_BYTES} bytes"
        raise ConfigError(message, hint=_HINT)
    return raw


def _unreadable(name: str, exc: Exception) -> ConfigError:
    return ConfigError(f"cannot read {name}: {exc}", hint=_HINT)


def _records(name: str, raw: bytes) -> tuple[Pixels, Labels]:
    if not raw or len(raw) % RECORD:
        message = f"{name} has {len(raw)} bytes, not records of {RECORD}"
        raise ConfigError(message, hint=_HINT)
    records = np.frombuffer(raw, np.uint8).reshape(-1, RECORD)
    if int(records[:, 0].max()) >= _CLASSES:
        message = f"the labels of {name} are not class ids from 0 to 9"
        raise ConfigError(message, hint=_HINT)
    x = np.ascontiguousarray(records[:, 1:]).reshape(-1, *_SHAPE)
    return x, records[:, 0].astype(np.int64)


def _draw(
    x: Pixels, y: Labels, count: int, rng: np.random.Generator
) -> tuple[Pixels, Labels]:
    chosen = np.sort(rng.permutation(len(x))[:count])
    return x[chosen], y[chosen]


def _as_inputs(pixels: Pixels, compact: bool) -> Inputs:
    if compact:
        return pixels
    return pixels.astype(np.float32) * np.float32(1 / FULL_SCALE)
