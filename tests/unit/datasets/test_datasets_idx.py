from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from grader.datasets.idx import read_idx
from grader.errors import ConfigError

IMAGES = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
HEADER = bytes((0, 0, 8, 3)) + b"".join(
    size.to_bytes(4, "big") for size in IMAGES.shape
)
GOOD = HEADER + IMAGES.tobytes()


@pytest.mark.parametrize("name", ["a.gz", "a"], ids=["zipped", "plain"])
def test_read_idx_returns_values_and_md5_of_the_unzipped_bytes(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(GOOD) if name.endswith(".gz") else GOOD)

    found = read_idx(path, axes=3)

    np.testing.assert_array_equal(found.values, IMAGES)
    assert found.md5 == hashlib.md5(GOOD, usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "within its header"),
        (HEADER[:9], "within its header"),
        (GOOD[:-1], "33 bytes where its header says 34"),
        (GOOD + b"x", "35 bytes where its header says 34"),
        (b"\x1f\x8b" + GOOD[2:], "not an IDX file"),
        (bytes((0, 0, 13, 3)) + GOOD[4:], "not an IDX file"),
        (bytes((0, 0, 8, 1)) + GOOD[4:], "with 3 axes"),
        (bytes((0, 0, 8, 3)) + b"\xff" * 12, "where its header says"),
    ],
    ids=[
        "empty",
        "cut header",
        "cut values",
        "trailing byte",
        "gzip under a plain name",
        "float type",
        "other rank",
        "huge header",
    ],
)
def test_read_idx_rejects_malformed_files(
    tmp_path: Path, raw: bytes, says: str
) -> None:
    path = tmp_path / "broken"
    path.write_bytes(raw)

    with pytest.raises(ConfigError, match=says) as caught:
        read_idx(path, axes=3)

    assert "broken" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "raw",
    [b"plain text", gzip.compress(GOOD)[:-9], gzip.compress(GOOD)[:20]],
    ids=["not zipped", "no trailer", "cut"],
)
def test_read_idx_rejects_damaged_gzip(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "broken.gz"
    path.write_bytes(raw)

    with pytest.raises(ConfigError, match=r"cannot read broken\.gz"):
        read_idx(path, axes=3)


def test_read_idx_stops_unzipping_at_its_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.datasets.idx.MAX_IDX_BYTES", 1000)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(100_000)))

    with pytest.raises(ConfigError, match="holds more than 1000 bytes"):
        read_idx(path, axes=3)
