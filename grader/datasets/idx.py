"""The IDX format of MNIST, read strictly.

Layout: two zero bytes, a type byte (8 means uint8), the number of axes, one big-endian
uint32 an axis, then the values in C order and nothing after them.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from grader.datasets.dataset import Pixels
from grader.errors import ConfigError

_UINT8: Final = 8
# 64 MiB: the largest published file unzips to 47 MB.
MAX_IDX_BYTES: Final = 64 << 20
_HINT: Final = "delete the file and run `grader data fetch` again"


@dataclass(frozen=True)
class IdxFile:
    """Values of one IDX file and the md5 of its unzipped bytes."""

    values: Pixels
    md5: str


def read_idx(path: Path, *, axes: int) -> IdxFile:
    """Read `path`, zipped when its name ends in .gz, plain otherwise.

    Args:
        path: an existing file.
        axes: how many axes the values must have: 1 for labels, 3 for images.

    Raises:
        ConfigError: unreadable, not IDX, another number of axes, or a size that is
            not what the header says; the message names the file and what differs.
    """
    raw = _read_capped(path)
    values = _parse(raw, path, axes)
    # The published checksum happens to be md5; nothing secret depends on it.
    return IdxFile(values, hashlib.md5(raw, usedforsecurity=False).hexdigest())


def _read_capped(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            stream = gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
            raw = stream.read(MAX_IDX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as exc:
        message = f"cannot read {path.name}: {exc}"
        raise ConfigError(message, hint=_HINT) from exc
    if len(raw) > MAX_IDX_BYTES:
        message = f"{path.name} holds more than {MAX_IDX_BYTES} bytes"
        raise ConfigError(message, hint=_HINT)
    return raw


def _parse(raw: bytes, path: Path, axes: int) -> Pixels:
    header_bytes = 4 + 4 * axes
    if len(raw) < header_bytes:
        message = f"{path.name} ends within its header ({len(raw)} bytes)"
        raise ConfigError(message, hint=_HINT)
    if raw[:4] != bytes((0, 0, _UINT8, axes)):
        message = (
            f"{path.name} is not an IDX file of uint8 with {axes} axes: "
            f"it starts with {raw[:4].hex(' ')}"
        )
        raise ConfigError(message, hint=_HINT)
    shape = struct.unpack_from(f">{axes}I", raw, 4)
    expected = header_bytes + math.prod(shape)
    if len(raw) != expected:
        message = f"{path.name} has {len(raw)} bytes where its header says {expected}"
        raise ConfigError(message, hint=_HINT)
    return np.frombuffer(raw, np.uint8, offset=header_bytes).reshape(shape)
