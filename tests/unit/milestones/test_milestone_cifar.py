"""The CIFAR-10 milestone without CIFAR-10: made files, filters, and missing data."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from milestones import datasets
from milestones.datasets import DataMissingError

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "milestones/04_1998_cnn_revolution/lecun_cifar10.py"
FOLDER = "cifar-10-batches-bin"
NAMES = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six files of 4 records; record i of a file has label i and pixels i, i, ..."""
    monkeypatch.setenv("TINYTORCH_DATA", str(tmp_path))
    monkeypatch.setattr("milestones.datasets._CIFAR_VALIDATION", 5)
    folder = tmp_path / FOLDER
    folder.mkdir()
    records = np.repeat(np.arange(4, dtype=np.uint8)[:, None], 3073, axis=1)
    for name in NAMES:
        records.tofile(folder / name)
    return folder


@pytest.fixture(scope="module")
def script() -> Any:
    module = types.ModuleType("milestone")
    exec(compile(SCRIPT.read_text(), "milestone", "exec"), module.__dict__)  # noqa: S102
    return module


def test_made_files_are_split_into_three_parts(made: Path) -> None:
    assert made.is_dir()

    splits = datasets.cifar10(0)

    assert splits.train["x"].shape == (15, 3, 32, 32)
    assert splits.validation["x"].shape == (5, 3, 32, 32)
    assert splits.test["x"].shape == (4, 3, 32, 32)
    for part in (splits.train, splits.validation, splits.test):
        assert part["x"].dtype == np.uint8
        assert part["y"].dtype == np.int64
        assert (part["x"] == part["y"][:, None, None, None]).all()


def test_folder_of_the_grader_is_found_too(made: Path) -> None:
    made.parent.joinpath("cifar10").mkdir()
    made.rename(made.parent / "cifar10" / FOLDER)

    assert len(datasets.cifar10(0).test["x"]) == 4


def test_cut_file_is_named(made: Path) -> None:
    (made / NAMES[2]).write_bytes(bytes(3072))

    with pytest.raises(
        DataMissingError, match=r"data_batch_3\.bin does not hold whole"
    ):
        datasets.cifar10(0)


def test_lost_file_is_named(made: Path) -> None:
    (made / NAMES[4]).unlink()

    with pytest.raises(DataMissingError, match=r"data_batch_5\.bin is missing"):
        datasets.cifar10(0)


@pytest.mark.parametrize("arguments", [(), ("--fast",)], ids=["plain", "fast"])
def test_without_data_one_line_says_where_to_put_it(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT.name, *arguments],
        cwd=SCRIPT.parent,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "reference"))),
            "TINYTORCH_DATA": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert str(tmp_path / FOLDER) in done.stderr
    assert "TINYTORCH_DATA" in done.stderr
    assert done.stderr.count("\n") == 1


def test_whitening_filters_give_uncorrelated_answers_of_variance_one(
    script: Any,
) -> None:
    """On smooth images, whose neighbouring pixels are as alike as photographs'."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=(400, 3, 32, 32)).cumsum(axis=2).cumsum(axis=3)
    images = (images / images.std()).astype(np.float32)

    filters = script.whitening_filters(images)
    size = script.PATCH
    tiles = images.reshape(400, 3, 32 // size, size, 32 // size, size)
    patches = tiles.transpose(0, 2, 4, 1, 3, 5).reshape(-1, 3 * size**2)
    answers = patches @ filters[: script.FILTERS].reshape(script.FILTERS, -1).T

    assert filters.dtype == np.float32
    assert filters.shape == (2 * script.FILTERS, 3, size, size)
    np.testing.assert_array_equal(filters[: script.FILTERS], -filters[script.FILTERS :])
    spread = np.cov(answers, rowvar=False)
    np.testing.assert_allclose(spread, np.eye(script.FILTERS), atol=0.02)


def test_learning_rate_rises_once_and_falls_once(script: Any) -> None:
    slope = script.Slope(1.0, 50)

    rates = [slope.get_lr(epoch) for epoch in range(50)]

    assert max(rates) == 1.0
    assert rates.index(1.0) == 10
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[0] < 0.1
    assert 0 < rates[-1] < 0.05
    assert script.Slope(1.0, 1).get_lr(0) > 0


def test_pixels_are_scaled_alike_from_bytes_and_from_numbers(script: Any) -> None:
    pixels = np.arange(256, dtype=np.uint8)

    scaled = script.scaled(pixels)

    assert scaled.dtype == np.float32
    np.testing.assert_allclose(
        scaled, script.scaled(pixels.astype(np.float32) / 255), atol=1e-6
    )
    assert abs(float(scaled.mean())) < 0.5
