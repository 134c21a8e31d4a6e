from __future__ import annotations

import hashlib
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest

from grader.datasets import load
from grader.datasets.cifar import ARCHIVE, CIFAR_SHA1, FOLDER, RECORD
from grader.errors import ConfigError

COUNT = 1010  # records a file: 50 are left when 5,000 are for validation


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with six files of noise in the published layout."""
    made = tmp_path_factory.mktemp("data")
    (made / FOLDER).mkdir()
    rng = np.random.default_rng(0)
    for name in CIFAR_SHA1:
        records = rng.integers(0, 256, (COUNT, RECORD), dtype=np.uint8)
        records[:, 0] %= 10
        records.tofile(made / FOLDER / name)
    return made


@pytest.fixture(scope="module")
def packed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the same files in an archive, as fetched."""
    made = tmp_path_factory.mktemp("packed")
    (made / "cifar10").mkdir()
    with tarfile.open(made / "cifar10" / ARCHIVE, "w:gz", compresslevel=1) as archive:
        archive.add(root / FOLDER, FOLDER)
    return made


@pytest.fixture
def broken(root: Path, tmp_path: Path) -> Path:
    """A folder whose files are links to the good ones, for a test to replace."""
    (tmp_path / FOLDER).mkdir()
    for name in CIFAR_SHA1:
        (tmp_path / FOLDER / name).symlink_to(root / FOLDER / name)
    return tmp_path


def rewrite(path: Path, raw: bytes) -> None:
    path.unlink()
    path.write_bytes(raw)


def test_records_become_planes_and_labels(root: Path) -> None:
    data = load("cifar10", root=root, compact=True)

    first = np.fromfile(root / FOLDER / "data_batch_1.bin", np.uint8)
    last = np.fromfile(root / FOLDER / "test_batch.bin", np.uint8)[-RECORD:]
    assert data.train_x.shape == (50, 3, 32, 32)
    assert data.val_x.shape == (5000, 3, 32, 32)
    assert data.test_x.shape == (COUNT, 3, 32, 32)
    assert data.train_y[0] == first[0]
    # Row 2, column 5 of the green plane.
    assert data.train_x[0, 1, 2, 5] == first[1 + 1024 + 2 * 32 + 5]
    assert data.test_y[-1] == last[0]
    np.testing.assert_array_equal(data.test_x[-1].ravel(), last[1:])


def test_types_are_the_promised_ones_and_pixels_lie_in_one(root: Path) -> None:
    data = load("cifar10", root=root)
    compact = load("cifar10", root=root, compact=True)

    assert data.train_x.dtype == data.test_x.dtype == np.float32
    assert compact.train_x.dtype == compact.test_x.dtype == np.uint8
    assert data.train_y.dtype == np.int64
    assert 0 <= data.test_x.min() < data.test_x.max() <= 1
    np.testing.assert_allclose(compact.test_x / 255, data.test_x, atol=1e-6)
    assert data.digest == compact.digest
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", data.digest)


def test_other_bytes_than_the_published_ones_are_named_other(root: Path) -> None:
    assert load("cifar10", root=root).origin == "other"


def test_files_with_the_known_sums_are_named_published(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CIFAR_SHA1:
        raw = (root / FOLDER / name).read_bytes()
        found = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
        monkeypatch.setitem(CIFAR_SHA1, name, found)

    assert load("cifar10", root=root).origin == "published"


def test_one_altered_byte_is_another_digest_and_another_origin(
    root: Path, broken: Path
) -> None:
    raw = bytearray((root / FOLDER / "data_batch_4.bin").read_bytes())
    raw[-1] ^= 1
    rewrite(broken / FOLDER / "data_batch_4.bin", bytes(raw))

    assert load("cifar10", root=broken).digest != load("cifar10", root=root).digest


def test_the_fetched_archive_holds_the_same_data(root: Path, packed: Path) -> None:
    unpacked, archived = load("cifar10", root=root), load("cifar10", root=packed)

    assert archived.digest == unpacked.digest
    np.testing.assert_array_equal(archived.train_y, unpacked.train_y)
    np.testing.assert_array_equal(archived.test_x, unpacked.test_x)


def test_the_quick_profile_draws_a_part_of_the_test_files_by_the_seed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.datasets.cifar._QUICK_TRAIN", 20)
    monkeypatch.setattr("grader.datasets.cifar._QUICK_TEST", 30)

    one, again, other = (
        load("cifar10", root=root, profile="quick", seed=seed) for seed in (1, 1, 2)
    )

    assert len(one.train_x) == 20
    assert len(one.test_x) == 30
    np.testing.assert_array_equal(one.test_x, again.test_x)
    assert not np.array_equal(one.test_x, other.test_x)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "has 0 bytes"),
        (bytes(RECORD - 1), f"has {RECORD - 1} bytes, not records of {RECORD}"),
        (bytes(RECORD + 1), f"has {RECORD + 1} bytes"),
        (b"\x0a" + bytes(RECORD - 1), "not class ids"),
    ],
    ids=["empty", "cut", "trailing byte", "class ten"],
)
def test_malformed_files_are_refused_by_name(
    broken: Path, raw: bytes, says: str
) -> None:
    rewrite(broken / FOLDER / "data_batch_2.bin", raw)

    with pytest.raises(ConfigError, match=says) as caught:
        load("cifar10", root=broken)

    assert "data_batch_2.bin" in caught.value.message
    assert caught.value.hint


def test_files_that_are_too_large_are_not_read_to_their_end(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.datasets.cifar.MAX_FILE_BYTES", 1000)

    with pytest.raises(ConfigError, match="holds more than 1000 bytes"):
        load("cifar10", root=root)


def test_a_missing_file_is_named(broken: Path) -> None:
    (broken / FOLDER / "data_batch_5.bin").unlink()

    with pytest.raises(ConfigError, match=r"cannot read data_batch_5\.bin"):
        load("cifar10", root=broken)


def test_too_few_records_are_refused(broken: Path) -> None:
    for name in CIFAR_SHA1:
        rewrite(broken / FOLDER / name, bytes(RECORD))

    with pytest.raises(ConfigError, match="5 records to train"):
        load("cifar10", root=broken)


def test_an_archive_without_a_file_names_it(root: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / ARCHIVE, "w:gz", compresslevel=1) as archive:
        for name in list(CIFAR_SHA1)[1:]:
            archive.add(root / FOLDER / name, f"{FOLDER}/{name}")
        # Neither a link nor a file elsewhere stands in for it.
        link = tarfile.TarInfo(f"{FOLDER}/data_batch_1.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "data_batch_2.bin"
        archive.addfile(link)
        archive.add(root / FOLDER / "data_batch_1.bin", "data_batch_1.bin")

    with pytest.raises(ConfigError, match=f"has no {FOLDER}/data_batch_1.bin"):
        load("cifar10", root=tmp_path)


def test_a_damaged_archive_is_one_clear_error(packed: Path, tmp_path: Path) -> None:
    raw = (packed / "cifar10" / ARCHIVE).read_bytes()
    for damaged in (b"plain text", raw[: len(raw) // 2]):
        (tmp_path / ARCHIVE).write_bytes(damaged)

        with pytest.raises(ConfigError, match=f"cannot read {ARCHIVE}"):
            load("cifar10", root=tmp_path)


def test_missing_data_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path))) as caught:
        load("cifar10", root=tmp_path)

    assert "grader data fetch cifar10" in caught.value.hint


def test_no_data_folder_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINYTORCH_DATA", raising=False)

    with pytest.raises(ConfigError, match="CIFAR-10 is needed and no data folder"):
        load("cifar10")
