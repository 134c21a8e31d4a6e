"""A model with a cache equals the same model without one."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import numpy as np
import pytest

# float32 products of other shapes are summed in another order.
ATOL = 1e-4


@pytest.fixture
def model(tt: ModuleType) -> Any:
    found = tt.GPT(11, 8, 3, 2, 10)
    found.eval()
    for p in found.parameters():  # larger, so that greedy texts do not repeat a token
        if p.ndim > 1:
            p.data = np.random.normal(size=p.shape).astype(np.float32)  # noqa: NPY002
    return found


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("start", [1, 2, 10])
def test_cached_logits_equal_uncached(
    tt: ModuleType, model: Any, rng: np.random.Generator, batch: int, start: int
) -> None:
    ids = rng.integers(0, 11, size=(batch, 10))
    whole = model(ids).data

    cache = tt.enable_kv_cache(model)
    parts = [model(ids[:, :start]).data]
    parts += [model(ids[:, t : t + 1]).data for t in range(start, 10)]

    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=ATOL)
    assert len(cache) == 10
    assert cache.batch_size == batch
    assert cache.nbytes == 2 * 3 * batch * 2 * 10 * 4 * 4


@pytest.mark.parametrize("length", [1, 5, 10, 14])
@pytest.mark.parametrize("batch", [1, 3])
def test_cached_generation_equals_uncached(
    tt: ModuleType, model: Any, rng: np.random.Generator, batch: int, length: int
) -> None:
    prompt = rng.integers(0, 11, size=(batch, length))
    want = model.generate(prompt, 12, temperature=0).data

    cache = tt.enable_kv_cache(model)
    cached = [model.generate(prompt, 12, temperature=0).data for _ in range(2)]
    tt.disable_kv_cache(model)

    assert np.array_equal(cached[0], want)
    assert np.array_equal(cached[1], want)
    assert np.array_equal(model.generate(prompt, 12, temperature=0).data, want)
    assert len(cache) <= 10


def test_draws_are_those_of_the_uncached_model(tt: ModuleType, model: Any) -> None:
    texts = []
    for cached in (False, True):
        if cached:
            tt.enable_kv_cache(model)
        np.random.seed(3)  # noqa: NPY002 -- the contract names it
        texts.append(model.generate([[1, 2]], 7, temperature=1.5).data)

    assert np.array_equal(*texts)


def test_context_of_one_token(tt: ModuleType) -> None:
    model = tt.GPT(11, 8, 1, 2, 1)
    model.eval()
    want = model.generate([[1, 2]], 4, temperature=0).data
    tt.enable_kv_cache(model)

    assert np.array_equal(model.generate([[1, 2]], 4, temperature=0).data, want)


def test_training_and_parameters_are_as_before(tt: ModuleType, model: Any) -> None:
    before = [id(p) for p in model.parameters()]
    cache = tt.enable_kv_cache(model)
    model.train()
    model([[1, 2, 3]]).sum().backward()

    assert [id(p) for p in model.parameters()] == before
    assert all(p.grad is not None for p in model.parameters())
    assert len(cache) == 0
    assert model.generate([[1]], 3, temperature=1.0).shape == (1, 4)
    assert len(cache) == 0


def test_copies_have_caches_of_their_own(tt: ModuleType, model: Any) -> None:
    cache = tt.enable_kv_cache(model)
    other = copy.deepcopy(model)
    other([[1, 2, 3]])

    assert len(cache) == 0


def test_disabling_twice_is_fine(tt: ModuleType, model: Any) -> None:
    want = model([[4]]).data
    tt.enable_kv_cache(model)
    model([[1, 2, 3]])
    tt.disable_kv_cache(model)
    tt.disable_kv_cache(model)

    assert np.array_equal(model([[4]]).data, want)


def test_what_does_not_fit_is_refused(tt: ModuleType, model: Any) -> None:
    tt.enable_kv_cache(model)
    model(np.zeros((2, 10), dtype=int))
    with pytest.raises(ValueError, match=r"11.*10"):
        model([[1], [1]])
    with pytest.raises(ValueError, match=r"1.*2"):
        model([[1]])
    with pytest.raises(ValueError, match=r"11.*10"):
        model(np.zeros((2, 11), dtype=int))
    with pytest.raises(ValueError, match=r"3.*2"):
        tt.KVCache(1, 2, 1, 1, 1).update(0, *np.zeros((2, 1, 1, 3, 1)))


def test_everything_stays_float32(tt: ModuleType, model: Any) -> None:
    cache = tt.enable_kv_cache(model)

    assert model([[1, 2]]).data.dtype == np.float32
    assert cache.keys.dtype == cache.values.dtype == np.float32
