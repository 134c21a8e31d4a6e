"""Transformers: difference quotients, closed forms, and a model's properties."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from grader.checks import gradients


def normalised(x: Any, gamma: Any, beta: Any, eps: float = 1e-5) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + eps)
    return centred / scale * gamma + beta


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)], ids=str)
def test_layer_norm_gradient_equals_the_difference_quotient(
    tt: ModuleType, rng: np.random.Generator, shape: tuple[int, ...]
) -> None:
    def forward(x: Any, gamma: Any, beta: Any) -> Any:
        layer = tt.LayerNorm(4)
        layer.gamma, layer.beta = gamma, beta
        return layer(x)

    inputs = [rng.normal(size=s).astype(np.float32) for s in (shape, (4,), (4,))]
    found = gradients(tt, forward, normalised, inputs, rng, call="LayerNorm")

    assert [g.dtype for g in found] == [np.float32] * 3


def test_layer_norm_far_from_zero(tt: ModuleType, rng: np.random.Generator) -> None:
    x = (1e3 + rng.normal(size=(5, 64))).astype(np.float32)
    got = tt.LayerNorm(64)(tt.Tensor(x))

    assert got.data.dtype == np.float32
    assert np.allclose(got.data, normalised(x.astype(float), 1, 0), atol=5e-3)


def test_layer_norm_leaves_its_input_and_survives_constants(tt: ModuleType) -> None:
    x = tt.Tensor([[5.0, 5.0], [1.0, 3.0]])
    got = tt.LayerNorm(2)(x)

    assert got.data[0].tolist() == [0.0, 0.0]
    assert x.data.tolist() == [[5.0, 5.0], [1.0, 3.0]]


def test_block_gradient_equals_the_difference_quotient(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    """In float64, with the block's own numbers."""
    block = tt.TransformerBlock(4, 2, mlp_ratio=2)
    block.eval()
    mask = np.tril(np.ones((3, 3)))
    names = ("q_proj", "k_proj", "v_proj", "out_proj")
    layers = [getattr(block.attention, n) for n in names]
    layers += [block.mlp.linear1, block.mlp.linear2]
    w, b = (
        [p.data.astype(float) for p in ps]
        for ps in ([p.weight for p in layers], [p.bias for p in layers])
    )

    def f64(x: Any) -> Any:
        n = normalised(x, 1, 0)
        q, k, v = (
            (n @ w[i] + b[i]).reshape(2, 3, 2, 2).swapaxes(1, 2) for i in range(3)
        )
        e = np.exp(np.where(mask, q @ k.swapaxes(2, 3) / np.sqrt(2), -1e30))
        read = (e / e.sum(axis=-1, keepdims=True)) @ v
        h = x + read.swapaxes(1, 2).reshape(2, 3, 4) @ w[3] + b[3]
        inner = normalised(h, 1, 0) @ w[4] + b[4]
        return h + inner / (1 + np.exp(-1.702 * inner)) @ w[5] + b[5]

    x = rng.normal(size=(2, 3, 4)).astype(np.float32)
    gradients(tt, lambda t: block(t, mask), f64, [x], rng, call="TransformerBlock")

    np.testing.assert_allclose(block(tt.Tensor(x), mask).data, f64(x), atol=1e-5)


@pytest.fixture
def model(tt: ModuleType) -> Any:
    found = tt.GPT(11, 8, 2, 2, 6)
    found.eval()
    return found


def test_every_parameter_gets_a_float32_gradient(tt: ModuleType, model: Any) -> None:
    ids = np.arange(12).reshape(2, 6) % 11
    loss = tt.CrossEntropyLoss()(model(ids).reshape(-1, 11), ids.ravel())
    loss.backward()

    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert model(ids).data.dtype == np.float32


def test_future_tokens_change_nothing(model: Any) -> None:
    before, after = model([[1, 2, 3, 4]]).data, model([[1, 2, 9, 9]]).data

    np.testing.assert_allclose(before[:, :2], after[:, :2], atol=1e-6)
    assert np.abs(before[:, 2:] - after[:, 2:]).max() > 1e-3


@pytest.mark.parametrize("length", [1, 6, 9])
def test_greedy_generation_is_a_loop_of_argmax(model: Any, length: int) -> None:
    text = np.arange(2 * length).reshape(2, length) % 11
    got = model.generate(text, 8, temperature=0)
    for _ in range(8):
        last = model(text[:, -6:]).data[:, -1].argmax(axis=-1)
        text = np.concatenate([text, last[:, None]], axis=1)

    assert got.data.tolist() == text.tolist()
    assert not got.requires_grad
    assert model.training is False


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tokens_are_drawn_by_probability(tt: ModuleType, temperature: float) -> None:
    logits = np.array([0.0, 1.0, 2.0])
    want = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
    many = np.broadcast_to(logits, (20_000, 3))

    found = np.bincount(tt.transformers.next_tokens(many, temperature)) / 20_000

    np.testing.assert_allclose(found, want, atol=0.02)  # five standard deviations


def test_dropout_is_on_in_training_only(tt: ModuleType) -> None:
    block, x = tt.TransformerBlock(8, 2, dropout_prob=0.5), np.eye(8)[None]
    training = [block(tt.Tensor(x)).data for _ in range(2)]
    block.eval()
    evaluation = [block(tt.Tensor(x)).data for _ in range(2)]

    assert not np.allclose(*training)
    assert np.array_equal(*evaluation)


def test_model_recalls_the_first_token(tt: ModuleType) -> None:
    rng = np.random.default_rng(0)
    model = tt.GPT(4, 16, 1, 2, 6)
    adam, loss = tt.Adam(model.parameters(), lr=0.02), tt.CrossEntropyLoss()
    losses = []
    for _ in range(60):
        ids = rng.integers(0, 4, size=(16, 6))
        adam.zero_grad()
        now = loss(model(ids).reshape(-1, 4), np.repeat(ids[:, 0], 6))
        now.backward()
        adam.step()
        losses.append(now.item())

    assert losses[-1] < 0.3
