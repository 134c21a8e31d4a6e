"""Tables of vectors: values, gradients, both ways to add up repeated ids."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from grader.checks import gradients

SIZES = [5, 128, 129, 700]  # up to 128 ids a one-hot product, sorting beyond


@pytest.mark.parametrize("size", SIZES)
def test_embedding_gradient_equals_the_difference_quotient(
    tt: ModuleType, rng: np.random.Generator, size: int
) -> None:
    ids = rng.integers(0, size, size=(3, 4))
    ids[0] = ids[1, 0]

    def looked_up(table: Any) -> Any:
        layer = tt.Embedding(size, 3)
        layer.weight = table
        return layer(ids)

    table = rng.normal(size=(size, 3)).astype(np.float32)
    (found,) = gradients(
        tt, looked_up, lambda w: w[ids], [table], rng, call="Embedding"
    )

    assert found.dtype == np.float32


@pytest.mark.parametrize("size", SIZES)
def test_embedding_gradient_is_the_sum_by_id(
    tt: ModuleType, rng: np.random.Generator, size: int
) -> None:
    ids = rng.integers(0, size, size=(20, 10))
    grad = rng.normal(size=(20, 10, 6)).astype(np.float32)
    layer = tt.Embedding(size, 6)
    layer(tt.Tensor(ids)).backward(grad)

    want = np.zeros((size, 6))
    np.add.at(want, ids, grad)

    np.testing.assert_allclose(layer.weight.grad, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_no_ids_give_no_gradient(tt: ModuleType, size: int) -> None:
    layer = tt.Embedding(size, 2)
    out = layer(np.zeros((0, 3), dtype=np.int64))
    out.backward(np.zeros((0, 3, 2)))

    assert out.shape == (0, 3, 2)
    assert not layer.weight.grad.any()


@pytest.mark.parametrize("wrong", [-1, 4, 10_000])
def test_embedding_refuses_ids_outside(tt: ModuleType, wrong: int) -> None:
    with pytest.raises(ValueError, match=rf"{wrong}\b.* 4"):
        tt.Embedding(4, 2)([[0, wrong]])


def test_positions_have_the_gradient_of_a_sum(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    def added(x: Any, table: Any) -> Any:
        layer = tt.PositionalEncoding(5, 4)
        layer.weight = table
        return layer(x)

    inputs = [rng.normal(size=(3, 2, 4)), rng.normal(size=(5, 4))]
    found = gradients(
        tt, added, lambda x, w: x + w[:2], inputs, rng, call="PositionalEncoding"
    )

    assert not found[1][2:].any()


@pytest.mark.parametrize("size", [1, 4, 7])
def test_sinusoids_follow_the_paper(tt: ModuleType, size: int) -> None:
    got = tt.create_sinusoidal_embeddings(50, size)
    want = np.empty((50, size))
    for t in range(50):
        for i in range(size):
            angle = t / 10_000 ** ((i - i % 2) / size)
            want[t, i] = np.cos(angle) if i % 2 else np.sin(angle)

    assert not got.requires_grad
    np.testing.assert_allclose(got.data, want, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "count"), [("learned", 2), ("sinusoidal", 1), (None, 1)]
)
def test_embedding_layer_trains_what_can_be_learned(
    tt: ModuleType, kind: str | None, count: int
) -> None:
    layer = tt.EmbeddingLayer(9, 4, 6, pos_encoding=kind)
    out = layer([[1, 2, 3]])
    out.sum().backward()

    assert out.data.dtype == np.float32
    assert len(layer.parameters()) == count
    assert all(p.grad is not None for p in layer.parameters())


def test_embedding_layer_refuses_another_kind(tt: ModuleType) -> None:
    with pytest.raises(ValueError, match="rotary"):
        tt.EmbeddingLayer(9, 4, 6, pos_encoding="rotary")


@pytest.mark.parametrize("kind", ["learned", "sinusoidal"])
def test_embedding_layer_refuses_long_texts(tt: ModuleType, kind: str) -> None:
    with pytest.raises(ValueError, match=r"2.*1"):
        tt.EmbeddingLayer(9, 4, 1, pos_encoding=kind)([[0, 0]])
