"""Hidden checks of module 12: attention."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from grader.checks import (
    gradients,
    holds,
    needs,
    points,
    raises,
    same,
    set_data,
    spec,
    task,
    value,
)

READS = "attention::queries_read_values"
HIDES = "attention::mask_hides_keys"
HEADS = "attention::heads_have_their_own_columns_2"
NAMES = ("q_proj", "k_proj", "v_proj", "out_proj")


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def scores(q, k):
    return q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])


def weights(q, k, mask=None):
    """Return the weights in float64."""
    s = scores(q, k)
    return softmax(s if mask is None else np.where(mask, s, -1e30))


def some_mask(rng, *shape):
    """Return zeros and ones, both in every row."""
    mask = (rng.random(shape) < 0.5).astype(float)
    mask[..., 0], mask[..., -1] = 1, 0
    return rng.permuted(mask, axis=-1)


def given(tt, *arrays):
    return [tt.Tensor(a) for a in arrays]


def split(x, heads):
    """Return (B, T, D) as (B, heads, T, D / heads)."""
    return x.reshape(*x.shape[:2], heads, -1).swapaxes(1, 2)


def merge(x):
    x = x.swapaxes(1, 2)
    return x.reshape(*x.shape[:2], -1)


def projections(rng, size):
    """Return weight and bias of the four projections, one after the other."""
    shapes = [(size, size), (size,)] * 4
    return [rng.normal(size=s).astype("f4") / np.sqrt(size) for s in shapes]


def attend(x, *p, heads=2, mask=None):
    """Return multi-head attention in float64; `mask` has an axis for the heads."""
    pairs = zip(p[:6:2], p[1:6:2], strict=True)
    q, k, v = (split(x @ w + b, heads) for w, b in pairs)
    return merge(weights(q, k, mask) @ v) @ p[6] + p[7]


def attention(tt, parameters, heads):
    """Return a MultiHeadAttention that holds `parameters`."""
    layer = tt.MultiHeadAttention(len(parameters[1]), heads)
    for name, w, b in zip(NAMES, parameters[::2], parameters[1::2], strict=True):
        set_data(getattr(layer, name).weight, w)
        set_data(getattr(layer, name).bias, b)
    return layer


@points(3)
@needs("tensor")
@task("12.1")
@spec("scaled_dot_product_attention", "weights = softmax(scores) along the last axis")
def test_queries_read_values(tt, oracle, rng):
    """The result is softmax(Q K^T / sqrt(d)) V."""
    q, k, v = 1.5 * rng.normal(size=(3, 4, 4))
    out, _ = tt.scaled_dot_product_attention(*given(tt, q, k, v))
    same(
        out,
        oracle.Tensor(weights(q, k) @ v),
        call="scaled_dot_product_attention(Q, K, V)[0], all (4, 4)",
        tol="reduction",
        hint="Every query has a row of scores; its softmax weighs the rows of V.",
        misconceptions={
            "not scaled by 1 / sqrt(d)": lambda: softmax(q @ k.T) @ v,
            "divided by d, not by its root": lambda: softmax(q @ k.T / 4) @ v,
            "multiplied by sqrt(d)": lambda: softmax(q @ k.T * 2) @ v,
            "softmax over the queries": lambda: softmax(scores(q, k), 0) @ v,
            "no softmax": lambda: scores(q, k) @ v,
            "K not transposed": lambda: softmax(q @ k / 2) @ v,
            "queries and keys exchanged": lambda: weights(k, q) @ v,
        },
    )


@points(2)
@needs("tensor")
@task("12.1")
@spec("scaled_dot_product_attention", "The weights of a query sum to 1")
def test_weights_are_the_second_result(tt, oracle, rng):
    """The second result holds the weights; every row sums to 1."""
    q, k = 1.5 * rng.normal(size=(2, 5, 5))
    _, found = tt.scaled_dot_product_attention(*given(tt, q, k, k))
    same(
        found,
        oracle.Tensor(weights(q, k)),
        call="scaled_dot_product_attention(Q, K, V)[1], all (5, 5)",
        hint="What softmax gave, before it meets V.",
        tol="reduction",
        misconceptions={
            "the scores, before softmax": lambda: scores(q, k),
            "columns that sum to 1": lambda: softmax(scores(q, k), 0),
            "not scaled by 1 / sqrt(d)": lambda: softmax(q @ k.T),
            "transposed": lambda: weights(q, k).T,
        },
    )


@needs(READS)
@task("12.1")
@spec("scaled_dot_product_attention", "Shapes: Q (..., T, d), K (..., S, d)")
def test_queries_and_keys_may_differ_in_number(tt, oracle, rng):
    """T queries, S keys and values of another size work, with any batch axes."""
    for batch in ((), (2,), (2, 3)):
        q, k, v = (rng.normal(size=(*batch, *s)) for s in ((2, 4), (5, 4), (5, 3)))
        out, found = tt.scaled_dot_product_attention(*given(tt, q, k, v))
        how = {
            "call": f"attention of Q {q.shape}, K {k.shape}, V {v.shape}",
            "tol": "reduction",
            "hint": "Exchange the last two axes of K only; leave the others alone.",
        }
        same(out, oracle.Tensor(weights(q, k) @ v), **how)
        same(found, oracle.Tensor(weights(q, k)), **how)


@points(3)
@needs(READS)
@task("12.1")
@spec(
    "scaled_dot_product_attention", "A key that the mask hides gets a weight below 1e-6"
)
def test_mask_hides_keys(tt, oracle, rng):
    """Where the mask is 0 the weight is 0; the other keys share the 1."""
    q, k, v = rng.normal(size=(3, 5, 5))
    mask = some_mask(rng, 5, 5)
    out, found = tt.scaled_dot_product_attention(*given(tt, q, k, v, mask))
    s, right = scores(q, k), weights(q, k, mask)
    wrong = {
        "0 taken for visible, 1 for hidden": weights(q, k, 1 - mask),
        "the mask ignored": weights(q, k),
        "hidden scores set to 0, which is not hidden": softmax(s * mask),
        "weights zeroed after softmax, so rows sum to less": softmax(s) * mask,
        "the mask added to the scores": softmax(s + mask),
        "the mask transposed": weights(q, k, mask.T) if mask.any(0).all() else s,
    }
    hint = "Give hidden keys a hugely negative score before softmax; 1 means keep."
    call = "scaled_dot_product_attention(Q, K, V, mask)"
    same(
        found,
        oracle.Tensor(right),
        call=f"{call}[1], all (5, 5)",
        tol="reduction",
        hint=hint,
        misconceptions=wrong,
    )
    same(
        out,
        oracle.Tensor(right @ v),
        call=f"{call}[0], all (5, 5)",
        tol="reduction",
        hint=hint,
        misconceptions={m: w @ v for m, w in wrong.items()},
    )


@needs(HIDES)
@task("12.1")
@spec("scaled_dot_product_attention", "mask broadcastable to (..., T, S)")
def test_mask_broadcasts_and_has_any_type(tt, oracle, rng):
    """Masks of bools, ints and floats, Tensor or array, broadcast to the scores."""
    q, k, v = rng.normal(size=(3, 2, 3, 4, 4))
    for shape, kind in (
        ((4, 4), bool),
        ((1, 4), float),
        ((1, 1, 4, 4), int),
        ((2, 1, 4, 4), bool),
        ((2, 3, 4, 4), float),
    ):
        mask = some_mask(rng, *shape).astype(kind)
        want = oracle.Tensor(weights(q, k, mask) @ v)
        for name, m in (("array", mask), ("Tensor", tt.Tensor(mask))):
            out, _ = tt.scaled_dot_product_attention(*given(tt, q, k, v), m)
            same(
                out,
                want,
                call=f"attention, Q (2, 3, 4, 4), mask {shape}: {kind.__name__} {name}",
                tol="reduction",
                hint="np.where and a comparison with 0 take all of them.",
            )


@needs(HIDES)
@task("12.1")
@spec("scaled_dot_product_attention", "A query with nothing to see: any result.")
def test_hidden_row_harms_no_other(tt, rng):
    """A query that sees nothing leaves the other queries as they are."""
    q, k, v = rng.normal(size=(3, 4, 4))
    mask = some_mask(rng, 4, 4)
    mask[1] = 0
    out, _ = tt.scaled_dot_product_attention(*given(tt, q, k, v), mask)
    same(
        value(out)[[0, 2, 3]],
        (weights(q, k, mask) @ v)[[0, 2, 3]].astype("f4"),
        call="attention with nothing visible in row 1: the other rows",
        tol="reduction",
    )


@points(2)
@needs(READS)
@task("12.1")
@spec(
    "scaled_dot_product_attention", "The weights of a query sum to 1, also for scores"
)
def test_large_scores_are_fine(tt, oracle):
    """Scores of 1e4 and -1e4 give finite weights that sum to 1."""
    unit = np.eye(4)[0]
    q, k = np.outer([200, -200, 0], unit), np.outer([100, 100, -100], unit)
    _, found = tt.scaled_dot_product_attention(*given(tt, q, k, k))
    same(
        found,
        oracle.Tensor([[0.5, 0.5, 0], [0, 0, 1], [1 / 3, 1 / 3, 1 / 3]]),
        call="scaled_dot_product_attention(Q, K, V)[1], scores up to 1e4",
        hint="exp(1e4) overflows: subtract the largest score of each row first.",
        misconceptions={
            "softmax without the shift": [
                [np.nan, np.nan, 0],
                [0, 0, np.nan],
                [1 / 3, 1 / 3, 1 / 3],
            ]
        },
    )


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
@points(3)
@needs(READS, "autograd")
@task("12.1")
@spec("scaled_dot_product_attention", "Q, K and V get gradients through `out`")
def test_attention_gradient(tt, rng, masked):
    """Q, K and V get the right gradients, with and without a mask."""
    q, k, v = (rng.normal(size=s) for s in ((2, 3, 4), (2, 5, 4), (2, 5, 2)))
    mask = some_mask(rng, 3, 5) if masked else np.ones((3, 5))
    g, w = copy.deepcopy(rng).normal(size=(2, 3, 2)), weights(q, k, mask)
    slope = g @ v.swapaxes(1, 2)
    ds = w * (slope - (slope * w).sum(axis=-1, keepdims=True))
    dv = w.swapaxes(1, 2) @ g
    gradients(
        tt,
        lambda *t: tt.scaled_dot_product_attention(*t, mask if masked else None)[0],
        lambda q, k, v: weights(q, k, mask) @ v,
        [q, k, v],
        rng,
        call="scaled_dot_product_attention(Q, K, V)[0].backward(g)",
        hint="dV = weights^T g; through softmax; then dQ = dS K and dK = dS^T Q.",
        misconceptions={
            "the scale left out": [ds @ k, ds.swapaxes(1, 2) @ q, dv],
            "the mean taken off by softmax left out": [
                w * slope @ k / 2,
                (w * slope).swapaxes(1, 2) @ q / 2,
                dv,
            ],
            "the weights taken for constants": [0 * q, 0 * k, dv],
        },
    )


@needs(HIDES)
@task("12.1")
@spec("scaled_dot_product_attention", "Q, K, V and mask keep their data.")
def test_attention_leaves_its_inputs_alone(tt, oracle, rng):
    """Q, K, V and the mask are not written to."""
    arrays = [*rng.normal(size=(3, 4, 4)), some_mask(rng, 4, 4)]
    tensors = given(tt, *arrays)
    tt.scaled_dot_product_attention(*tensors)
    for name, tensor, was in zip(("Q", "K", "V", "mask"), tensors, arrays, strict=True):
        same(
            tensor,
            oracle.Tensor(was),
            call=f"{name} after scaled_dot_product_attention(Q, K, V, mask)",
            tol="exact",
            hint="`*=` and `out=` write into the array that was given.",
        )


# Multi-head attention


@points(2)
@needs("layers::linear_parameters_are_weight_and_bias")
@task("12.2")
@spec(
    "MultiHeadAttention",
    "q_proj, k_proj, v_proj, out_proj: Linear(embed_dim, embed_dim), with bias.",
)
def test_heads_share_four_projections(tt):
    """There are four Linear(D, D), whatever the number of heads; no two alike."""
    for heads in (1, 3):
        layer = tt.MultiHeadAttention(6, heads)
        call = f"MultiHeadAttention(6, {heads})"
        for name in NAMES:
            found = getattr(layer, name)
            shapes = (tuple(found.weight.shape), tuple(found.bias.shape))
            holds(
                shapes == ((6, 6), (6,)),
                call=f"shapes of weight and bias of {call}.{name}",
                expected="((6, 6), (6,))",
                got=str(shapes),
                hint="One matrix holds the columns of all heads.",
            )
        tables = [value(p).ravel()[:6].tolist() for p in layer.parameters()]
        holds(
            len(tables) == 8,
            call=f"len({call}.parameters())",
            expected="8",
            got=str(len(tables)),
        )
    drawn = {tuple(np.ravel(getattr(layer, n).weight.data)) for n in NAMES}
    holds(
        len(drawn) == 4,
        call=f"the weights of the projections of {call}",
        expected="four different ones",
        got=f"{len(drawn)} different",
    )


@pytest.mark.parametrize("heads", [1, 2, 4])
@points(2)
@needs(READS, "attention::heads_share_four_projections")
@task("12.3")
@spec("MultiHeadAttention.forward", "Head h has the columns from h * d to (h + 1) * d")
def test_heads_have_their_own_columns(tt, oracle, rng, heads):
    """Every head attends with its own columns; out_proj joins what they read."""
    x, size = rng.normal(size=(2, 4, 4)), 4
    p = projections(rng, size)
    q, k, v = (x @ w + b for w, b in zip(p[:6:2], p[1:6:2], strict=True))
    right = attend(x, *p, heads=heads)

    def other(split, merge, scale=1.0):
        read = weights(scale * split(q, heads), split(k, heads)) @ split(v, heads)
        return merge(read) @ p[6] + p[7]

    def turned(x, heads):  # columns h, h + heads, ...: what is wrong about the order
        return x.reshape(*x.shape[:2], -1, heads).transpose(0, 3, 1, 2)

    wrong = {
        "out_proj left out": lambda: merge(
            weights(split(q, heads), split(k, heads)) @ split(v, heads)
        ),
        "every head has every heads-th column": lambda: other(
            turned, lambda r: r.transpose(0, 2, 3, 1).reshape(x.shape)
        ),
        "heads cut out of the rows, not of the columns": lambda: other(
            lambda x, h: x.reshape(2, h, 4, -1), lambda r: r.reshape(x.shape)
        ),
        "heads not brought back beside each other": lambda: other(
            split, lambda r: r.reshape(x.shape)
        ),
        "scaled by the root of embed_dim": lambda: other(split, merge, heads**-0.5),
        "one head": lambda: attend(x, *p, heads=1),
        "a head for each column": lambda: attend(x, *p, heads=4),
    }
    same(
        attention(tt, p, heads)(tt.Tensor(x)),
        oracle.Tensor(right),
        call=f"MultiHeadAttention(4, {heads})(x), x (2, 4, 4)",
        tol="reduction",
        hint="reshape to (B, T, heads, d), then exchange axes 1 and 2; and back.",
        misconceptions=wrong if heads == 2 else {},  # some are right for 1 or for 4
    )


@points(2)
@needs(HEADS, HIDES)
@task("12.3")
@spec("MultiHeadAttention.forward", "Its shape is (T, T), (1, T, T) or (B, T, T)")
def test_heads_take_masks_of_all_shapes(tt, oracle, rng):
    """Masks (T, T), (1, T, T), (B, T, T) and with an axis for the heads all work."""
    x, p = rng.normal(size=(2, 4, 4)), projections(rng, 4)
    layer = attention(tt, p, 2)
    for shape in ((4, 4), (1, 4, 4), (2, 4, 4), (2, 1, 4, 4), (2, 2, 4, 4)):
        mask = some_mask(rng, *shape)
        full = mask[:, None] if mask.ndim == 3 else mask
        wrong = {
            "the mask ignored": attend(x, *p),
            "0 taken for visible, 1 for hidden": attend(x, *p, mask=1 - full),
        }
        if shape == (2, 4, 4):
            name = "a mask for each text taken as one for each head"
            wrong[name] = attend(x, *p, mask=mask)
        same(
            layer(tt.Tensor(x), tt.Tensor(mask)),
            oracle.Tensor(attend(x, *p, mask=full)),
            call=f"MultiHeadAttention(4, 2)(x, mask), x (2, 4, 4), mask {shape}",
            tol="reduction",
            hint="A mask with three axes lacks the one for the heads, after the first.",
            misconceptions=wrong,
        )


@points(3)
@needs("attention::heads_take_masks_of_all_shapes")
@task("12.3")
@spec(
    "MultiHeadAttention.forward",
    "the result at t does not depend on x at t + 1 and later",
)
def test_causal_heads_do_not_see_the_future(tt, rng):
    """Under a causal mask, other tokens from t + 1 on change nothing up to t."""
    x, mask = rng.normal(size=(2, 6, 4)), np.tril(np.ones((6, 6)))
    layer = attention(tt, projections(rng, 4), 2)
    before = value(layer(tt.Tensor(x), tt.Tensor(mask)))
    for t in (0, 2, 4):
        changed = x.copy()
        changed[:, t + 1 :] = 3 * rng.normal(size=(2, 5 - t, 4))
        after = value(layer(tt.Tensor(changed), tt.Tensor(mask)))
        call = f"MultiHeadAttention(4, 2)(x, causal mask), x changed from {t + 1} on"
        same(
            after[:, : t + 1],
            before[:, : t + 1],
            call=f"{call}: places up to {t}",
            hint="Rows of the mask are queries, columns are keys.",
        )
        holds(
            not np.allclose(after[:, t + 1 :], before[:, t + 1 :], atol=1e-3),
            call=f"{call}: places from {t + 1} on",
            expected="other results",
            got="the same",
        )


@points(3)
@needs(HEADS, "attention::attention_gradient", "layers")
@task("12.3")
@spec("MultiHeadAttention.forward", "Every parameter gets a gradient")
def test_heads_gradient(tt, rng):
    """X and all eight parameters get the right gradients, under a causal mask."""
    mask = np.tril(np.ones((3, 3)))

    def forward(x, *parameters):
        layer = tt.MultiHeadAttention(4, 2)
        for i, name in enumerate(NAMES):
            getattr(layer, name).weight = parameters[2 * i]
            getattr(layer, name).bias = parameters[2 * i + 1]
        return layer(x, mask)

    gradients(
        tt,
        forward,
        lambda *a: attend(*a, mask=mask),
        [rng.normal(size=(2, 3, 4)), *projections(rng, 4)],
        rng,
        call="MultiHeadAttention(4, 2)(x, mask).backward(g), inputs: x, then weights",
        hint="Use operations of Tensor between the parts: arrays do not remember.",
    )


@needs("attention::heads_gradient")
@task("12.3")
@spec("MultiHeadAttention.forward", "that of k_proj.bias is zero by mathematics")
def test_heads_leave_no_parameter_without_gradient(tt, rng):
    """After backward no parameter's grad is None."""
    layer = tt.MultiHeadAttention(6, 3)
    layer(tt.Tensor(rng.normal(size=(2, 4, 6)))).sum().backward()
    missing = [i for i, p in enumerate(layer.parameters()) if p.grad is None]
    holds(
        not missing,
        call="MultiHeadAttention(6, 3)(x).sum().backward(): .grad of the parameters",
        expected="eight gradients",
        got=f"None for {len(missing)} of them",
    )


@needs("attention::heads_share_four_projections")
@task("12.2")
@spec("MultiHeadAttention.__init__", "embed_dim is not a multiple of num_heads")
def test_heads_must_divide_the_size(tt, rng):
    """A size that is no multiple of num_heads raises ValueError naming both."""
    heads = int(rng.integers(3, 9))
    size = heads * int(rng.integers(2, 5)) + int(rng.integers(1, heads))
    raises(
        ValueError,
        tt.MultiHeadAttention,
        size,
        heads,
        call=f"MultiHeadAttention({size}, {heads})",
        mentions=[size, heads],
        hint="Check it in __init__, with %.",
    )


@needs(HEADS)
@task("12.3")
@spec("MultiHeadAttention.forward", "ValueError: the last size of x is not embed_dim")
def test_heads_refuse_another_size(tt, rng):
    """X of another last size raises ValueError naming it and embed_dim."""
    for n in (int(rng.integers(5, 8)), 8):  # 8: a reshape would fit
        raises(
            ValueError,
            tt.MultiHeadAttention(4, 2),
            tt.Tensor(rng.normal(size=(2, 3, n))),
            call=f"MultiHeadAttention(4, 2)(x), x (2, 3, {n})",
            mentions=[n, 4],
            hint="Linear raises it by itself, if nothing is reshaped before.",
        )
