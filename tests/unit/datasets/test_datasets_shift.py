from __future__ import annotations

import numpy as np
import pytest

from grader.datasets import load, shifted
from grader.errors import ConfigError


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load("digits", seed=0).test_x


def test_shifted_is_the_same_for_the_same_seed_only(digits: np.ndarray) -> None:
    np.testing.assert_array_equal(shifted(digits, 1), shifted(digits, 1))
    assert not np.array_equal(shifted(digits, 1), shifted(digits, 2))


def test_shifted_leaves_no_image_as_it_was(digits: np.ndarray) -> None:
    moved = shifted(digits, 1)

    table = {image.tobytes() for image in digits}

    assert not table & {image.tobytes() for image in moved}


def test_shifted_keeps_shape_type_and_range(digits: np.ndarray) -> None:
    moved = shifted(digits, 1)

    assert moved.shape == digits.shape
    assert moved.dtype == np.float32
    assert moved.min() >= 0.0
    assert moved.max() <= 1.0


def test_shifted_moves_each_image_by_less_than_its_neighbours_differ(
    digits: np.ndarray,
) -> None:
    """The nearest original of a moved image is its own, so its label is kept."""
    rows = digits.reshape(len(digits), -1)
    moved = shifted(digits, 1).reshape(len(digits), -1)

    squared = ((moved[:, None, :] - rows[None, :, :]) ** 2).sum(axis=2)

    assert np.mean(squared.argmin(axis=1) == np.arange(len(rows))) > 0.99


def test_shifted_returns_bytes_for_bytes() -> None:
    data = load("digits", seed=0, compact=True).test_x

    moved = shifted(data, 1)

    assert moved.dtype == np.uint8
    plain = shifted(load("digits", seed=0).test_x, 1)
    np.testing.assert_allclose(moved / 255, plain, atol=0.51 / 255)


def test_shifted_moves_a_bright_pixel_to_a_neighbour_at_most() -> None:
    images = np.zeros((50, 28, 28), np.float32)
    images[:, 14, 14] = 1.0

    brightest = shifted(images, 3).reshape(50, -1).argmax(axis=1)

    rows, columns = np.divmod(brightest, 28)
    assert np.abs(rows - 14).max() <= 1
    assert np.abs(columns - 14).max() <= 1


def test_shifted_moves_photographs_by_a_pixel_and_mirrors_half_of_them() -> None:
    images = np.zeros((700, 3, 32, 32), np.uint8)  # more than one block
    images[:, :, 16, 3] = 200

    moved = shifted(images, 4)

    assert moved.dtype == np.uint8
    assert moved.shape == images.shape
    spots = moved.reshape(700, 3, -1).argmax(axis=2)
    assert (spots == spots[:, :1]).all()  # all channels alike
    rows, columns = np.divmod(spots[:, 0], 32)
    assert set(rows) == {15, 16, 17}
    assert set(columns) == {2, 3, 4, 27, 28, 29}
    assert np.mean(columns > 16) == pytest.approx(0.5, abs=0.1)
    assert np.mean(rows == 16) == pytest.approx(1 / 3, abs=0.1)
    assert moved.max(axis=(1, 2, 3)).min() > 180  # not blurred


def test_shifted_repeats_the_edge_of_photographs_and_leaves_none_as_it_was() -> None:
    images = np.full((100, 3, 8, 8), 0.5, np.float32)

    moved = shifted(images, 5)

    assert moved.dtype == np.float32
    assert np.abs(moved - 0.5).max() < 0.1
    assert (np.abs(moved - 0.5).max(axis=(1, 2, 3)) > 0.005).all()


def test_shifted_of_channels_is_the_same_for_the_same_seed_only() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 3, 8, 8), dtype=np.uint8)

    np.testing.assert_array_equal(shifted(images, 1), shifted(images, 1))
    assert not np.array_equal(shifted(images, 1), shifted(images, 2))


def test_shifted_points_stay_within_the_margin_of_the_clouds() -> None:
    points = load("clouds", seed=0).test_x

    distance = np.linalg.norm(shifted(points, 1) - points, axis=1)

    assert distance.min() > 0
    assert distance.max() < 0.1


def test_shifted_refuses_what_is_neither_points_nor_images() -> None:
    with pytest.raises(ConfigError, match=r"\(2, 3, 4, 5, 6\)"):
        shifted(np.zeros((2, 3, 4, 5, 6), np.float32), 0)
