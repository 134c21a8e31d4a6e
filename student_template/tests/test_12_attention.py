"""Module 12: attention.

The helper attention of these tests has weights that let you follow the numbers: every
projection is the identity and every bias zero, so queries, keys and values equal x.
"""

from __future__ import annotations

import numpy as np
from checklib import gradients, holds, raises, same, set_data

NAMES = ("q_proj", "k_proj", "v_proj", "out_proj")


def transparent(tt, size, heads):
    """Return a MultiHeadAttention whose projections change nothing."""
    layer = tt.MultiHeadAttention(size, heads)
    for name in NAMES:
        set_data(getattr(layer, name).weight, np.eye(size))
        set_data(getattr(layer, name).bias, np.zeros(size))
    return layer


def tensors(tt, *lists):
    return [tt.Tensor(x) for x in lists]


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_12_1_equal_scores_give_the_mean_of_the_values(tt):
    q, k, v = tensors(tt, [[0, 0]], [[1, 2], [3, 4]], [[1, 10], [3, 30]])
    out, weights = tt.scaled_dot_product_attention(q, k, v)
    same(weights, tt.Tensor([[0.5, 0.5]]), call="weights of the query [0, 0]")
    same(out, tt.Tensor([[2, 20]]), call="what the query [0, 0] reads")


def test_12_1_scores_are_scaled_by_the_root_of_d(tt):
    q, k = tensors(tt, [[2, 0, 0, 0]], [[1, 0, 0, 0], [0, 0, 0, 0]])
    weights = tt.scaled_dot_product_attention(q, k, k)[1]
    want, call = [[0.731059, 0.268941]], "softmax([2 / sqrt(4), 0])"
    same(weights, tt.Tensor(want), call=call, hint="d is the last size, 4")


def test_12_1_axes_before_the_last_two_are_batch_axes(tt):
    q, k, v = tensors(tt, *(np.ones((2, 3, n, m)) for n, m in ((4, 5), (6, 5), (6, 2))))
    out, weights = tt.scaled_dot_product_attention(q, k, v)
    same(out.shape, (2, 3, 4, 2), call="shape of out")
    same(weights, tt.Tensor(np.full((2, 3, 4, 6), 1 / 6)), call="weights, all alike")


def test_12_1_mask_hides_keys(tt):
    q, k, v = tensors(tt, [[0], [0]], [[1], [2]], [[10], [20]])
    mask, want = [[1, 0], [1, 1]], tt.Tensor([[1, 0], [0.5, 0.5]])
    for name, m in (("Tensor", tt.Tensor(mask)), ("array", np.array(mask) == 1)):
        out, weights = tt.scaled_dot_product_attention(q, k, v, m)
        same(weights, want, call=f"weights, mask [[1, 0], [1, 1]], a {name}")
        same(out, tt.Tensor([[10], [15]]), call=f"out, mask a {name}")


def test_12_1_large_scores_are_fine(tt):
    q, k = tensors(tt, [[1e4], [-1e4]], [[1], [-1]])
    weights = tt.scaled_dot_product_attention(q, k, k)[1]
    same(weights, tt.Tensor([[1, 0], [0, 1]]), call="weights for scores +-10000")


def test_12_1_attention_gradient(tt):
    rng = np.random.default_rng(0)
    fn = lambda *a: tt.scaled_dot_product_attention(*a)[0]  # noqa: E731
    f64 = lambda q, k, v: softmax(q @ k.T / 2) @ v  # noqa: E731
    inputs = [rng.normal(size=s) for s in ((3, 4), (5, 4), (5, 2))]
    gradients(
        tt, fn, f64, inputs, rng, call="attention of Q (3, 4), K (5, 4), V (5, 2)"
    )


def test_12_1_attention_leaves_its_inputs_alone(tt):
    x = tt.Tensor([[1, 2], [3, 4]])
    tt.scaled_dot_product_attention(x, x, x, tt.Tensor([[1, 0], [1, 1]]))
    same(x, tt.Tensor([[1, 2], [3, 4]]), call="x after attention(x, x, x, mask)")


def test_12_2_heads_share_four_projections(tt):
    layer = tt.MultiHeadAttention(6, 3)
    for name in NAMES:
        got, call = getattr(layer, name).weight.shape, f"{name}.weight.shape"
        same(got, (6, 6), call=f"MultiHeadAttention(6, 3).{call}")
    same(len(layer.parameters()), 8, call="len(MultiHeadAttention(6, 3).parameters())")


def test_12_2_heads_must_divide_the_size(tt):
    call = "MultiHeadAttention(7, 2)"
    raises(ValueError, tt.MultiHeadAttention, 7, 2, call=call, mentions=[7, 2])


def test_12_3_heads_have_their_own_columns(tt):
    layer, x = transparent(tt, 2, 2), tt.Tensor([[[0, 10], [0, 0]]])
    want = tt.Tensor([[[0, 10], [0, 5]]])  # head 1: scores 100, 0 and 0, 0
    call = "two heads on [[0, 10], [0, 0]], projections that change nothing"
    same(layer(x), want, call=call)


def test_12_3_heads_take_masks_of_all_shapes(tt):
    layer, x = transparent(tt, 2, 1), tt.Tensor([[[0, 1], [0, 2]], [[0, 3], [0, 4]]])
    for shape in ((2, 2), (1, 2, 2), (2, 2, 2)):
        mask = np.broadcast_to(np.eye(2), shape)
        same(layer(x, tt.Tensor(mask)), x, call=f"each sees itself, mask {shape}")


def test_12_3_causal_heads_do_not_see_the_future(tt):
    layer, mask = tt.MultiHeadAttention(2, 1), tt.Tensor([[1, 0], [1, 1]])
    a = layer(tt.Tensor([[[1, 2], [3, 4]]]), mask).data[:, 0]
    b = layer(tt.Tensor([[[1, 2], [9, 9]]]), mask).data[:, 0]
    same(a, b, call="the result at place 0, for two different places 1")


def test_12_3_every_parameter_gets_a_gradient(tt):
    layer = tt.MultiHeadAttention(4, 2)
    layer(tt.Tensor(np.ones((1, 3, 4)))).sum().backward()
    missing = [p.shape for p in layer.parameters() if p.grad is None]
    call = "parameters without a gradient"
    holds(not missing, call=call, expected="none", got=str(missing))


def test_12_3_heads_refuse_another_size(tt):
    layer, x = tt.MultiHeadAttention(4, 2), tt.Tensor(np.ones((1, 3, 8)))
    call = "MultiHeadAttention(4, 2)(x), x (1, 3, 8)"
    raises(ValueError, layer, x, call=call, mentions=[8, 4])
