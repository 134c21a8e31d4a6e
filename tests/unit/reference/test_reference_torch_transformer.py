"""Parity of embeddings, attention and transformer blocks with PyTorch, if installed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

# float32 sums in another order, through two layers of attention.
RTOL, ATOL = 1e-4, 2e-5


def copied(theirs: Any, ours: Any, *, transposed: bool = False) -> None:
    """Give PyTorch's parameter the numbers of ours."""
    with torch.no_grad():
        theirs.copy_(torch.tensor(ours.data.T if transposed else ours.data))


def linear(theirs: Any, ours: Any) -> None:
    copied(theirs.weight, ours.weight, transposed=True)
    if ours.bias is not None:
        copied(theirs.bias, ours.bias)


def close(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=RTOL, atol=ATOL)


@pytest.mark.parametrize("size", [20, 400])
def test_embedding_follows_pytorch(
    tt: ModuleType, rng: np.random.Generator, size: int
) -> None:
    ids, grad = rng.integers(0, 20, size=(6, 5)), rng.normal(size=(6, 5, 4))
    ours, theirs = tt.Embedding(size, 4), torch.nn.Embedding(size, 4)
    copied(theirs.weight, ours.weight)

    a, b = ours(ids), theirs(torch.tensor(ids))
    a.backward(grad)
    b.backward(torch.tensor(grad, dtype=torch.float32))

    close(a.data, b)
    close(ours.weight.grad, theirs.weight.grad)


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "causal"])
def test_attention_follows_pytorch(
    tt: ModuleType, rng: np.random.Generator, masked: bool
) -> None:
    arrays = rng.normal(size=(3, 2, 3, 5, 4)).astype(np.float32)
    grad = rng.normal(size=(2, 3, 5, 4)).astype(np.float32)
    ours = [tt.Tensor(x, requires_grad=True) for x in arrays]
    theirs = [torch.tensor(x, requires_grad=True) for x in arrays]

    mask = np.tril(np.ones((5, 5))) if masked else None
    a, _ = tt.scaled_dot_product_attention(*ours, mask)
    function = torch.nn.functional.scaled_dot_product_attention
    b = function(*theirs, is_causal=masked)
    a.backward(grad)
    b.backward(torch.tensor(grad))

    close(a.data, b)
    for p, q in zip(ours, theirs, strict=True):
        close(p.grad, q.grad)


def test_layer_norm_follows_pytorch(tt: ModuleType, rng: np.random.Generator) -> None:
    x, grad = rng.normal(3, 2, size=(2, 4, 3, 6)).astype(np.float32)
    ours, theirs = tt.LayerNorm(6, eps=1e-3), torch.nn.LayerNorm(6, eps=1e-3)
    ours.gamma.data = rng.normal(size=6).astype(np.float32)
    ours.beta.data = rng.normal(size=6).astype(np.float32)
    copied(theirs.weight, ours.gamma)
    copied(theirs.bias, ours.beta)

    inside, outside = tt.Tensor(x, requires_grad=True), torch.tensor(x)
    outside.requires_grad_()
    a, b = ours(inside), theirs(outside)
    a.backward(grad)
    b.backward(torch.tensor(grad))

    close(a.data, b)
    close(inside.grad, outside.grad)
    close(ours.gamma.grad, theirs.weight.grad)
    close(ours.beta.grad, theirs.bias.grad)


def test_block_follows_pytorch(tt: ModuleType, rng: np.random.Generator) -> None:
    """Their encoder layer with norm_first and the same form of GELU."""
    ours = tt.TransformerBlock(8, 2, dropout_prob=0.0)
    theirs = torch.nn.TransformerEncoderLayer(
        8,
        2,
        dim_feedforward=32,
        dropout=0.0,
        activation=lambda x: x * torch.sigmoid(1.702 * x),
        batch_first=True,
        norm_first=True,
    )
    attention, inside = ours.attention, theirs.self_attn
    projections = (attention.q_proj, attention.k_proj, attention.v_proj)
    with torch.no_grad():
        weights = np.concatenate([p.weight.data.T for p in projections])
        inside.in_proj_weight.copy_(torch.tensor(weights))
        inside.in_proj_bias.zero_()
    linear(inside.out_proj, attention.out_proj)
    linear(theirs.linear1, ours.mlp.linear1)
    linear(theirs.linear2, ours.mlp.linear2)
    x, grad = rng.normal(size=(2, 3, 5, 8)).astype(np.float32)

    a_in, b_in = tt.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    a = ours(a_in, tt.create_causal_mask(5))
    hidden = torch.triu(torch.ones(5, 5, dtype=torch.bool), 1)
    b = theirs(b_in, src_mask=hidden)
    a.backward(grad)
    b.backward(torch.tensor(grad))

    close(a.data, b)
    close(a_in.grad, b_in.grad)
    close(ours.mlp.linear1.weight.grad.T, theirs.linear1.weight.grad)
    close(attention.q_proj.weight.grad.T, inside.in_proj_weight.grad[:8])
    close(attention.v_proj.weight.grad.T, inside.in_proj_weight.grad[16:])
