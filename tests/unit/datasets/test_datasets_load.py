from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from datasets_support import Writer

from grader.datasets import DataSet, load
from grader.datasets.images import DIGITS_MD5, MNIST_MD5
from grader.datasets.published import PUBLISHED
from grader.errors import ConfigError


@pytest.fixture
def small_mnist(tmp_path: Path, write_idx: Writer) -> Path:
    """A folder laid out like MNIST, with 5,200 and 30 images of noise."""
    rng = np.random.default_rng(0)
    for stem, count in (("train", 5200), ("t10k", 30)):
        images = rng.integers(0, 256, (count, 28, 28))
        labels = rng.integers(0, 10, count)
        write_idx(tmp_path / "mnist" / f"{stem}-images-idx3-ubyte.gz", images)
        write_idx(tmp_path / "mnist" / f"{stem}-labels-idx1-ubyte.gz", labels)
    return tmp_path


def same_arrays(one: DataSet, other: DataSet) -> bool:
    names = [field.name for field in fields(one) if field.name.endswith(("_x", "_y"))]
    return all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in names
    )


@pytest.mark.parametrize("name", ["clouds", "xor", "digits"])
def test_load_gives_splits_of_the_promised_types(name: str) -> None:
    data = load(name, seed=3)

    for part in ("train", "val", "test"):
        x, y = getattr(data, f"{part}_x"), getattr(data, f"{part}_y")
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert len(x) == len(y) > 0
        assert set(np.unique(y)) == set(range(data.classes))
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", data.digest)


@pytest.mark.parametrize("name", ["clouds", "xor", "digits"])
def test_load_depends_on_the_seed_alone(name: str) -> None:
    assert same_arrays(load(name, seed=5), load(name, seed=5))
    assert not same_arrays(load(name, seed=5), load(name, seed=6))


@pytest.mark.parametrize("name", ["clouds", "xor", "digits"])
def test_test_part_shares_no_input_with_the_training_part(name: str) -> None:
    data = load(name, seed=1)

    seen = {x.tobytes() for x in (*data.train_x, *data.val_x)}

    assert not seen & {x.tobytes() for x in data.test_x}


@pytest.mark.parametrize("seed", range(20))
def test_clouds_are_separated_by_a_straight_line(seed: int) -> None:
    """Rosenblatt's rule makes no more mistakes once it has found such a line."""
    data = load("clouds", seed=seed)
    points = np.concatenate((data.train_x, data.val_x, data.test_x)).astype(float)
    labels = np.concatenate((data.train_y, data.val_y, data.test_y)) * 2 - 1
    inputs = np.column_stack((points, np.ones(len(points)))) * labels[:, None]
    weights = np.zeros(3)

    for _ in range(2000):
        wrong = inputs @ weights <= 0
        if not wrong.any():
            break
        weights += inputs[np.argmax(wrong)]

    assert (inputs @ weights > 0).all()


def test_xor_has_the_exact_table_and_points_around_its_corners() -> None:
    data = load("xor", seed=2)
    assert data.exact_x is not None
    assert data.exact_y is not None

    nearest = np.round(np.clip(data.test_x, 0, 1)).astype(int)

    table = {tuple(x): int(y) for x, y in zip(data.exact_x, data.exact_y, strict=True)}
    assert table == {(0, 0): 0, (0, 1): 1, (1, 0): 1, (1, 1): 0}
    assert np.mean((nearest[:, 0] ^ nearest[:, 1]) == data.test_y) > 0.99


def test_digits_are_the_shipped_ones_scaled_to_one() -> None:
    data = load("digits")

    assert data.origin == "published"
    assert len(data.train_x) + len(data.val_x) + len(data.test_x) == 1797
    assert data.train_x.shape[1:] == (8, 8)
    assert (data.train_x.min(), data.train_x.max()) == (0.0, 1.0)


def test_digits_that_were_altered_are_refused(
    tmp_path: Path, write_idx: Writer
) -> None:
    images, labels = np.zeros((9, 8, 8)), np.arange(9)
    write_idx(tmp_path / "digits" / "digits-images-idx3-ubyte.gz", images)
    write_idx(tmp_path / "digits" / "digits-labels-idx1-ubyte.gz", labels)

    with pytest.raises(ConfigError, match="not the ones shipped"):
        load("digits", root=tmp_path)


def test_mnist_of_other_bytes_is_read_and_reported_as_other(small_mnist: Path) -> None:
    data = load("mnist", root=small_mnist)

    assert data.origin == "other"
    assert data.train_x.shape == (200, 28, 28)
    assert data.val_x.shape == (5000, 28, 28)
    assert data.test_x.shape == (30, 28, 28)


def test_compact_images_are_the_same_pixels_in_bytes(small_mnist: Path) -> None:
    plain = load("mnist", root=small_mnist)
    compact = load("mnist", root=small_mnist, compact=True)

    assert compact.train_x.dtype == np.uint8
    np.testing.assert_allclose(compact.test_x / 255, plain.test_x, atol=1e-6)
    assert compact.digest == plain.digest


def test_mnist_images_and_labels_of_different_length_are_refused(
    small_mnist: Path, write_idx: Writer
) -> None:
    write_idx(small_mnist / "mnist" / "t10k-labels-idx1-ubyte.gz", np.zeros(29))

    with pytest.raises(ConfigError, match="30 images of t10k have 29 labels"):
        load("mnist", root=small_mnist)


def test_mnist_labels_beyond_nine_are_refused(
    small_mnist: Path, write_idx: Writer
) -> None:
    write_idx(small_mnist / "mnist" / "t10k-labels-idx1-ubyte.gz", np.full(30, 10))

    with pytest.raises(ConfigError, match="not class ids"):
        load("mnist", root=small_mnist)


def test_missing_mnist_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path))) as caught:
        load("mnist", root=tmp_path)

    assert "grader data fetch" in caught.value.hint


def test_mnist_without_any_data_folder_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TINYTORCH_DATA", raising=False)

    with pytest.raises(ConfigError, match="no data folder"):
        load("mnist")


def test_data_folder_comes_from_the_environment(
    small_mnist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYTORCH_DATA", str(small_mnist))

    assert load("mnist").title.startswith("MNIST")


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'iris'") as caught:
        load("iris")

    assert "clouds" in caught.value.hint


def test_published_table_has_a_checksum_of_the_right_length_and_https_only() -> None:
    lengths = {"md5": 32, "sha256": 64}

    for file in (file for files in PUBLISHED.values() for file in files):
        assert re.fullmatch(rf"[0-9a-f]{{{lengths[file.algorithm]}}}", file.checksum)
        assert file.urls
        assert all(url.startswith("https://") for url in file.urls)


def test_known_checksums_are_of_distinct_files() -> None:
    sums = [*MNIST_MD5.values(), *DIGITS_MD5.values()]

    assert len(set(sums)) == 6
