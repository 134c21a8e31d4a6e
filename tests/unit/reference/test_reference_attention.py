"""Attention: float64 difference quotients, closed forms, batches and masks."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from grader.checks import gradients

NAMES = ("q_proj", "k_proj", "v_proj", "out_proj")
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "matrices": [(3, 4), (5, 4), (5, 2)],
    "batch": [(2, 3, 4), (2, 5, 4), (2, 5, 4)],
    "heads": [(2, 3, 4, 4), (2, 3, 4, 4), (2, 3, 4, 1)],
}


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def weights(q: Any, k: Any, mask: Any) -> Any:
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1])
    return softmax(np.where(mask, scores, -1e30))


def multi_head(x: Any, heads: int, mask: Any, *p: Any) -> Any:
    def split(x: Any) -> Any:
        return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)

    q, k, v = (split(x @ w + b) for w, b in zip(p[:6:2], p[1:6:2], strict=True))
    read = (weights(q, k, mask) @ v).swapaxes(1, 2)
    return read.reshape(x.shape) @ p[6] + p[7]


@pytest.mark.parametrize("shapes", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
def test_gradient_equals_the_difference_quotient(
    tt: ModuleType,
    rng: np.random.Generator,
    shapes: list[tuple[int, ...]],
    masked: bool,
) -> None:
    inputs = [rng.normal(size=s).astype(np.float32) for s in shapes]
    mask = np.tril(np.ones((shapes[0][-2], shapes[1][-2])))

    found = gradients(
        tt,
        lambda *t: tt.scaled_dot_product_attention(*t, mask if masked else None)[0],
        lambda q, k, v: weights(q, k, mask if masked else True) @ v,
        inputs,
        rng,
        call="attention",
    )

    assert [g.dtype for g in found] == [np.float32] * 3


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_multi_head_gradient_equals_the_difference_quotient(
    tt: ModuleType, rng: np.random.Generator, heads: int
) -> None:
    mask = np.tril(np.ones((3, 3)))

    def forward(x: Any, *parameters: Any) -> Any:
        layer = tt.MultiHeadAttention(4, heads)
        for name, w, b in zip(NAMES, parameters[::2], parameters[1::2], strict=True):
            getattr(layer, name).weight = w
            getattr(layer, name).bias = b
        return layer(x, mask)

    inputs = [rng.normal(size=(2, 3, 4))]
    inputs += [rng.normal(size=s) / 2 for _ in NAMES for s in ((4, 4), (4,))]
    inputs = [x.astype(np.float32) for x in inputs]

    gradients(
        tt,
        forward,
        lambda x, *p: multi_head(x, heads, mask, *p),
        inputs,
        rng,
        call="MultiHeadAttention",
    )


def test_weights_sum_to_one_and_stay_finite(tt: ModuleType) -> None:
    x = tt.Tensor(np.array([[1e4, -1e4], [-1e4, 1e4], [0.0, 0.0]]))
    out, found = tt.scaled_dot_product_attention(x, x, x, np.zeros((3, 3)))
    plain = tt.scaled_dot_product_attention(x, x, x)[1].data

    assert np.isfinite(out.data).all()
    assert np.allclose(found.data.sum(axis=-1), 1)
    assert np.allclose(plain.sum(axis=-1), 1)


def test_weights_are_not_tracked_and_inputs_stay(tt: ModuleType) -> None:
    x = tt.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    out, found = tt.scaled_dot_product_attention(x, x, x, np.eye(3))

    assert out.requires_grad
    assert not found.requires_grad
    assert x.data.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert np.allclose(out.data, x.data)


@pytest.mark.parametrize("kind", [bool, int, float])
@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4), (3, 4, 4), (3, 1, 4, 4)], ids=str)
def test_masks_of_all_shapes_and_types(
    tt: ModuleType, rng: np.random.Generator, shape: tuple[int, ...], kind: type
) -> None:
    layer = tt.MultiHeadAttention(6, 3)
    x = tt.Tensor(rng.normal(size=(3, 4, 6)))
    mask: Any = np.broadcast_to(np.tril(np.ones((4, 4))), shape).astype(kind)
    want = layer(x, np.tril(np.ones((4, 4)))).data

    assert np.array_equal(layer(x, mask).data, want)
    assert np.array_equal(layer(x, tt.Tensor(mask)).data, want)


def test_everything_stays_float32(tt: ModuleType, rng: np.random.Generator) -> None:
    layer = tt.MultiHeadAttention(6, 3)
    x = tt.Tensor(rng.normal(size=(2, 4, 6)), requires_grad=True)
    out = layer(x, np.tril(np.ones((4, 4))))
    out.backward(np.ones((2, 4, 6)))

    assert out.data.dtype == np.float32
    assert {p.grad.dtype for p in (x, *layer.parameters())} == {np.dtype(np.float32)}


def test_heads_must_divide_the_size(tt: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"7.*2"):
        tt.MultiHeadAttention(7, 2)
