"""Hidden checks of module 13: transformers.

Models are compared with their own parts and with themselves, never with the oracle's:
how many random numbers a model draws, and in which order, is nobody's business.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest

from grader.checks import (
    gradients,
    holds,
    needs,
    one_of,
    points,
    raises,
    same,
    set_data,
    spec,
    task,
    value,
)
from grader.checks.remote import remote_source

NORM = "transformers::layer_norm_centres_and_scales"
BLOCK = "transformers::block_adds_attention_then_mlp"
LOGITS = "transformers::model_gives_logits"
GREEDY = "transformers::greedy_takes_the_largest_logit"


def normalised(x, ddof=0, axis=-1):
    return (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(
        x.var(axis=axis, keepdims=True, ddof=ddof) + 1e-5
    )


def small(tt, vocab=7, context=6, layers=2):
    """Return a GPT in evaluation: embed_dim 8, 2 heads."""
    model = tt.GPT(vocab, 8, layers, 2, context)
    model.eval()
    return model


@needs("tensor")
@task("13.1")
@spec("create_causal_mask", "Return the mask that lets place t see the places up to t")
def test_causal_mask_is_the_lower_triangle(tt, oracle, rng):
    """The mask is 1 on and below the diagonal, 0 above."""
    n = int(rng.integers(3, 9))
    right = np.tril(np.ones((n, n)))
    got = tt.create_causal_mask(n)
    wrong = {
        "the future visible, the past hidden": right.T,
        "a place that does not see itself": np.tril(right, -1),
        "1 taken for hidden": 1 - right,
        "nothing hidden": np.ones((n, n)),
    }
    one_of(
        got,
        [oracle.Tensor(right), oracle.Tensor(right[None])],
        call=f"create_causal_mask({n})",
        hint="Rows are the places that look, columns those that are seen.",
        misconceptions=wrong | {f"{m} (1, T, T)": w[None] for m, w in wrong.items()},
    )


# Layer normalisation


@points(3)
@needs("tensor")
@task("13.2")
@spec("LayerNorm.forward", "Mean and variance are those of the last axis")
def test_layer_norm_centres_and_scales(tt, oracle, rng):
    """Every row gets mean 0 and (biased) variance 1."""
    x = 3 * rng.normal(size=(4, 4)) + rng.normal(size=(4, 1)) + [2, 0, 0, -1]
    same(
        tt.LayerNorm(4)(tt.Tensor(x)),
        oracle.Tensor(normalised(x)),
        call="LayerNorm(4)(x), x (4, 4)",
        tol="reduction",
        hint="(x - mean) / sqrt(mean of squares of that + eps), row by row.",
        misconceptions={
            "the variance divided by n - 1": normalised(x, ddof=1),
            "normalised over the rows, as batch norm does": normalised(x, axis=0),
            "one mean and variance for all entries": normalised(x, axis=(0, 1)),
            "divided by the variance, not by its root": (
                (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + 1e-5)
            ),
            "the mean not taken off": x / np.sqrt(x.var(-1, keepdims=True) + 1e-5),
        },
    )


@points(2)
@needs(NORM)
@task("13.2")
@spec("LayerNorm.forward", "Return (x - mean) / sqrt(variance + eps) * gamma + beta.")
def test_layer_norm_has_gamma_and_beta(tt, oracle, rng):
    """Gamma scales and beta shifts, after the normalisation."""
    x, gamma, beta = rng.normal(size=(3, 4)), *rng.normal(size=(2, 4))
    layer = tt.LayerNorm(4)
    for name, first in (("gamma", np.ones(4)), ("beta", np.zeros(4))):
        given = getattr(layer, name)
        same(given, oracle.Tensor(first), call=f"LayerNorm(4).{name}", tol="exact")
    set_data(layer.gamma, gamma)
    set_data(layer.beta, beta)
    n = normalised(x)
    same(
        layer(tt.Tensor(x)),
        oracle.Tensor(n * gamma + beta),
        call="LayerNorm(4)(x) with random gamma and beta, x (3, 4)",
        tol="reduction",
        misconceptions={
            "gamma and beta left out": n,
            "gamma left out": n + beta,
            "beta left out": n * gamma,
            "gamma and beta exchanged": n * beta + gamma,
            "gamma scales beta, too": (n + beta) * gamma,
        },
    )
    count = len(layer.parameters())
    call = "len(LayerNorm(4).parameters())"
    holds(count == 2, call=call, expected="2", got=str(count))


@needs(NORM)
@task("13.2")
@spec("LayerNorm.forward", "sqrt(variance + eps)")
def test_layer_norm_adds_eps_under_the_root(tt, oracle, rng):
    """A large eps shows where it is added; equal entries give zeros, not nan."""
    x, eps = rng.normal(size=(3, 4)), float(rng.uniform(0.5, 2))
    x[1] = 5
    centred, var = x - x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    same(
        tt.LayerNorm(4, eps=eps)(tt.Tensor(x)),
        oracle.Tensor(centred / np.sqrt(var + eps)),
        call=f"LayerNorm(4, eps={eps:.3g})(x), x (3, 4), one row constant",
        tol="reduction",
        hint="eps is added to the variance, before the root.",
        misconceptions={
            "eps added after the root": centred / (np.sqrt(var) + eps),
            "eps squared": centred / np.sqrt(var + eps**2),
            "eps always 1e-5": centred / np.sqrt(var + 1e-5),
        },
    )


@needs(NORM)
@task("13.2")
@spec("LayerNorm.forward", "Shapes: x (..., normalized_shape) -> the same")
def test_layer_norm_takes_any_leading_axes(tt, oracle, rng):
    """Any number of axes before the last one; each row on its own."""
    for shape in ((1, 5), (2, 3, 5), (2, 1, 3, 5)):
        x = rng.normal(size=shape)
        same(
            tt.LayerNorm(5)(tt.Tensor(x)),
            oracle.Tensor(normalised(x)),
            call=f"LayerNorm(5)(x), x {shape}",
            tol="reduction",
        )


@needs(NORM)
@task("13.2")
@spec("LayerNorm.forward", "come out right within 0.005")
def test_layer_norm_is_exact_far_from_zero(tt, rng):
    """Rows around 1000 are normalised like rows around 0."""
    x = rng.normal(np.array([[1e3], [-1e3], [0], [500]]), 1, (4, 16)).astype("f4")
    got, want = value(tt.LayerNorm(16)(tt.Tensor(x))), normalised(x.astype(float))
    off = float(np.abs(got - want).max())
    holds(
        off <= 5e-3,
        call="LayerNorm(16)(x), rows around 1000",
        expected="rows of mean 0 and variance 1, within 0.005",
        got=f"off by {off:.3g}",
        hint="mean(x * x) - mean(x)**2 loses all digits: take the mean off first.",
    )


@points(3)
@needs("transformers::layer_norm_has_gamma_and_beta", "autograd")
@task("13.2")
@spec("LayerNorm.forward", "x, gamma and beta get gradients")
def test_layer_norm_gradient(tt, rng):
    """The gradient of x counts that mean and variance depend on x."""
    x, gamma, beta = 2 * rng.normal(size=(2, 3, 5)), *rng.normal(size=(2, 5))
    g = copy.deepcopy(rng).normal(size=x.shape)

    def forward(x, gamma, beta):
        layer = tt.LayerNorm(5)
        layer.gamma, layer.beta = gamma, beta
        return layer(x)

    def f64(x, gamma, beta):
        return normalised(x) * gamma + beta

    n, slope = normalised(x), g * gamma / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    right = [(g * n).sum((0, 1)), g.sum((0, 1))]
    gradients(
        tt,
        forward,
        f64,
        [x, gamma, beta],
        rng,
        call="LayerNorm(5)(x).backward(g), inputs: x (2, 3, 5), gamma, beta",
        hint="With n the normalised x: (s - mean(s) - n mean(s n)) / sqrt(...).",
        misconceptions={
            "mean and variance taken for constants": [slope, *right],
            "the variance taken for constant": [
                slope - slope.mean(-1, keepdims=True),
                *right,
            ],
        },
    )


# Blocks


@needs("layers")
@task("13.3")
@spec("MLP.__init__", "Without `hidden_dim` it is 4 * embed_dim.")
def test_mlp_widens_four_times(tt, rng):
    """linear1 is (D, 4 D) and linear2 (4 D, D), unless hidden_dim is given."""
    n, h = int(rng.integers(2, 6)), int(rng.integers(30, 40))
    for model, hidden, call in (
        (tt.MLP(n), 4 * n, f"MLP({n})"),
        (tt.MLP(n, h), h, f"MLP({n}, {h})"),
    ):
        layers = (model.linear1, model.linear2)
        shapes = [tuple(layer.weight.shape) for layer in layers]
        expected = [(n, hidden), (hidden, n)]
        holds(
            shapes == expected,
            call=f"shapes of linear1.weight and linear2.weight of {call}",
            expected=str(expected),
            got=str(shapes),
        )
        count = len(model.parameters())
        what = f"len({call}.parameters())"
        holds(count == 4, call=what, expected="4", got=str(count))


@points(2)
@needs("transformers::mlp_widens_four_times", "activations::gelu_is_smooth_around_zero")
@task("13.4")
@spec("MLP.forward", "Return dropout(linear2(gelu(linear1(x)))), the same map")
def test_mlp_bends_between_its_layers(tt, oracle, rng):
    """In evaluation the MLP is linear2(gelu(linear1(x)))."""
    x = rng.permuted(np.linspace(-2, 2, 12)).reshape(3, 4)
    model = tt.MLP(4, 4)
    model.eval()
    for layer, bias in ((model.linear1, 0.25), (model.linear2, -0.5)):
        set_data(layer.weight, np.eye(4))  # the forms of GELU differ by 0.02 at most
        set_data(layer.bias, np.full(4, bias))
    inner = x + 0.25
    bent = inner / (1 + np.exp(-1.702 * inner))
    same(
        model(tt.Tensor(x)),
        oracle.Tensor(bent - 0.5),
        call="MLP(4, 4)(x) after eval(), weights the identity, biases set",
        tol="gelu",
        hint="One activation, between the two layers.",
        misconceptions={
            "no activation": inner - 0.5,
            "ReLU in place of GELU": np.maximum(inner, 0) - 0.5,
            "the activation at the end": (inner - 0.5)
            / (1 + np.exp(-1.702 * (inner - 0.5))),
            "sigmoid in place of GELU": 1 / (1 + np.exp(-inner)) - 0.5,
        },
    )


@needs("transformers::mlp_bends_between_its_layers", "layers::dropout_keeps_the_mean")
@task("13.4")
@spec("MLP", "dropout: Dropout(dropout_prob), for the result; 0.1 by default.")
def test_mlp_drops_in_training_only(tt, rng):
    """A share dropout_prob of the results is 0 in training, none in evaluation."""
    x = tt.Tensor(rng.normal(size=(200, 20)))
    for model, p, call in (
        (tt.MLP(20, dropout_prob=0.5), 0.5, "MLP(20, dropout_prob=0.5)(x)"),
        (tt.MLP(20), 0.1, "MLP(20)(x)"),
        (tt.TransformerBlock(20, 2).mlp, 0.1, "TransformerBlock(20, 2).mlp(x)"),
    ):
        model.eval()
        zeros = float((value(model(x)) == 0).mean())
        holds(
            zeros == 0,
            call=f"zeros in {call} after eval()",
            expected="none",
            got=f"a share {zeros:.3g}",
        )
        model.train()
        zeros = float((value(model(x)) == 0).mean())
        holds(
            abs(zeros - p) < 0.05,  # its standard deviation is 0.008 at most
            call=f"zeros in {call} after train()",
            expected=f"a share of about {p}",
            got=f"a share {zeros:.3g}",
            hint="Dropout comes last, with dropout_prob, which is 0.1 by default.",
        )


@needs("transformers::mlp_widens_four_times", "attention")
@task("13.5")
@spec(
    "TransformerBlock", "mlp: MLP(embed_dim, int(mlp_ratio * embed_dim), dropout_prob)"
)
def test_block_has_its_parts(tt, rng):
    """A block has two norms, an attention, and an MLP as wide as mlp_ratio says."""
    ratio = int(rng.choice([2, 3, 5]))
    block = tt.TransformerBlock(6, 3, mlp_ratio=ratio)
    shapes = sorted(tuple(p.shape) for p in block.parameters())
    square, wide, narrow = (6, 6), (6, 6 * ratio), (6 * ratio, 6)
    expected = sorted([(6,)] * 9 + [square] * 4 + [wide, (6 * ratio,), narrow])
    holds(
        shapes == expected,
        call=f"shapes of TransformerBlock(6, 3, mlp_ratio={ratio}).parameters()",
        expected=str(expected),
        got=str(shapes),
        hint="Two norms have 2 each, the attention has 8, the MLP 4.",
    )


@points(3)
@needs("transformers::block_has_its_parts", NORM, "attention")
@task("13.6")
@spec("TransformerBlock.forward", "Add to x what attention reads")
def test_block_adds_attention_then_mlp(tt, oracle, rng):
    """The result is h + mlp(ln2(h)), where h is x + attention(ln1(x), mask)."""
    block = tt.TransformerBlock(4, 2)
    block.eval()
    one, two, attend, mlp = block.ln1, block.ln2, block.attention, block.mlp
    for p, center in ((one.gamma, 1), (one.beta, 0), (two.gamma, 1), (two.beta, 0)):
        set_data(p, center + rng.normal(size=4) / 2)
    x, m = tt.Tensor(rng.normal(size=(2, 3, 4))), tt.Tensor(np.tril(np.ones((3, 3))))
    h = x + attend(one(x), m)
    same(
        block(x, m),
        oracle.Tensor(value(h + mlp(two(h)))),
        call="TransformerBlock(4, 2)(x, causal mask) after eval(), x (2, 3, 4)",
        tol="reduction",
        hint="Each part sees a normalised input, and its result is added to x itself.",
        misconceptions={
            "normalised after the addition (post-norm)": lambda: two(
                one(x + attend(x, m)) + mlp(one(x + attend(x, m)))
            ),
            "the mask not handed on": lambda: (
                x + attend(one(x)) + mlp(two(x + attend(one(x))))
            ),
            "no additions": lambda: mlp(two(attend(one(x), m))),
            "the first addition left out": lambda: (
                attend(one(x), m) + mlp(two(attend(one(x), m)))
            ),
            "the second addition left out": lambda: mlp(two(h)),
            "the second addition starts from x": lambda: x + mlp(two(h)),
            "the MLP sees x, not the sum": lambda: h + mlp(two(x)),
            "ln1 in both places": lambda: h + mlp(one(h)),
            "added to the normalised x": lambda: one(x) + attend(one(x), m),
            "the MLP before the attention": lambda: (
                x + mlp(two(x)) + attend(one(x + mlp(two(x))), m)
            ),
        },
    )


def _moved(tt, x, d, g):
    """Return the slope of sum(block(x) * g) along d: by .grad, and by difference."""
    block = tt.TransformerBlock(8, 2)
    block.eval()
    inside = tt.Tensor(x, requires_grad=True)
    block(inside).backward(g)
    h = 3e-3
    up, down = (np.array(block(tt.Tensor(x + s * d)).data) for s in (h, -h))
    slope = float(((up.astype(float) - down) * g).sum() / (2 * h))
    return [float((np.array(inside.grad) * d).sum()), slope]


@needs(BLOCK, "transformers::layer_norm_gradient")
@task("13.6")
@spec("TransformerBlock.forward", "so it has a straight way through all blocks")
def test_block_hands_gradients_through(tt, rng):
    """The gradient of a block's input agrees with a finite difference."""
    spread = np.broadcast_to(np.linspace(-2, 2, 8), (2, 3, 8))
    x, d = rng.permuted(spread, axis=-1), rng.normal(size=(2, 3, 8))
    for _ in range(2):
        g = rng.normal(size=(2, 3, 8)).astype("f4")
        analytic, numeric = remote_source(tt, _moved, x=x, d=d, g=g)
        holds(
            abs(analytic - numeric) <= 0.05 * (np.linalg.norm(g) + abs(numeric)),
            call="TransformerBlock(8, 2)(x).backward(g): x.grad along a direction",
            expected=f"{numeric:.4g}, as by finite difference",
            got=f"{analytic:.4g}",
            hint="Both ways of each addition pass the gradient on.",
        )


# The model


@points(2)
@needs(BLOCK, "embeddings")
@task("13.8")
@spec("GPT.forward", "Shapes: tokens (B, T) -> logits (B, T, vocab_size)")
def test_model_gives_logits(tt, rng):
    """Ids (B, T), Tensor, array or list, give logits (B, T, vocab_size)."""
    model, ids = small(tt), rng.integers(0, 7, size=(3, 5))
    first = value(model(tt.Tensor(ids)))
    call = "GPT(7, 8, 2, 2, 6)(ids), ids (3, 5)"
    same(first.shape, (3, 5, 7), call=f"shape of {call}", tol="exact")
    holds(np.isfinite(first).all(), call=call, expected="finite logits", got="others")
    for kind, given in (("array", ids), ("list", ids.tolist())):
        same(model(given), first, call=f"{call}, as an {kind}", tol="reduction")


@needs("transformers::block_has_its_parts", "embeddings")
@task("13.7")
@spec("GPT", "blocks: a list of num_layers TransformerBlock(embed_dim, num_heads).")
def test_model_has_its_parts(tt, rng):
    """The number of parameters is that of the parts listed."""
    vocab, layers, context = (int(rng.integers(*r)) for r in ((9, 19), (2, 5), (5, 9)))
    model = tt.GPT(vocab, 8, layers, 2, context)
    sizes = [int(np.prod(p.shape)) for p in model.parameters()]
    block = 4 * 8 + 4 * (64 + 8) + (8 * 32 + 32) + (32 * 8 + 8)
    expected = 2 * vocab * 8 + context * 8 + layers * block + 2 * 8
    holds(
        sum(sizes) == expected,
        call=f"entries of GPT({vocab}, 8, {layers}, 2, {context}).parameters()",
        expected=f"{expected} in all",
        got=f"{sum(sizes)}",
        hint="Tokens, places, blocks (in a list), ln_f, lm_head without bias.",
    )
    same(len(model.blocks), layers, call="len(GPT(...).blocks)", tol="exact")


@points(3)
@needs(LOGITS)
@task("13.8")
@spec("GPT.forward", "the logits at t do not depend on later tokens")
def test_model_does_not_see_the_future(tt, rng):
    """Other tokens from t + 1 on change no logits up to t, and later ones."""
    model, ids = small(tt), rng.integers(0, 7, size=(2, 6))
    before = value(model(ids))
    for t in (0, 2, 4):
        changed = ids.copy()
        changed[:, t + 1 :] = (ids[:, t + 1 :] + rng.integers(1, 7)) % 7
        after = value(model(changed))
        call = f"GPT(7, 8, 2, 2, 6)(ids), ids changed from {t + 1} on"
        same(
            after[:, : t + 1],
            before[:, : t + 1],
            call=f"{call}: logits up to {t}",
            tol="reduction",
            hint="Every block needs the causal mask.",
        )
        moved = np.abs(after[:, t + 1 :] - before[:, t + 1 :]).max()
        holds(
            moved > 1e-3,
            call=f"{call}: logits from {t + 1} on",
            expected="other logits",
            got="the same",
        )


@needs(LOGITS)
@task("13.8")
@spec("GPT.forward", "x being the embeddings after all blocks, in order.")
def test_model_uses_places_and_the_past(tt, rng):
    """Logits depend on the place, on earlier tokens, and on no other text."""
    model, ids = small(tt), rng.integers(0, 7, size=(2, 6))
    alike = value(model(np.full((1, 6), int(ids[0, 0]))))
    moved = np.abs(alike[0, 1:] - alike[0, 0]).max()
    holds(
        moved > 1e-3,
        call="GPT(...)(one token six times): logits at different places",
        expected="different logits",
        got="the same",
        hint="The embedding adds a row for each place.",
    )
    before, changed = value(model(ids)), ids.copy()
    changed[0, 0] = (ids[0, 0] + 1) % 7
    after = value(model(changed))
    holds(
        np.abs(after[0, 5] - before[0, 5]).max() > 1e-5,
        call="GPT(...)(ids), the first token changed: logits at the last place",
        expected="other logits",
        got="the same",
        hint="Attention reads from all places up to its own.",
    )
    same(
        after[1],
        before[1],
        call="GPT(...)(ids), a token of text 0 changed: logits of text 1",
        tol="reduction",
    )


@needs(LOGITS)
@task("13.8")
@spec("GPT.forward", "ValueError: T is larger than max_seq_len")
def test_model_refuses_what_does_not_fit(tt, rng):
    """A text that is too long, or an unknown id, raises ValueError."""
    n, vocab = int(rng.integers(3, 30)), int(rng.integers(40, 50))
    model = small(tt, vocab, n, layers=1)
    for ids, facts in (
        (np.zeros((1, n + 1), int), (n, n + 1)),
        (np.array([[0, vocab]]), (vocab,)),
    ):
        raises(
            ValueError,
            model,
            ids,
            call=f"GPT({vocab}, 8, 1, 2, {n})(ids), ids {ids.shape} up to {ids.max()}",
            mentions=facts,
            hint="The embedding raises both by itself.",
        )


def _slopes(tt, ids, seed):
    """Return missing gradients, and slopes along random directions, both ways."""
    rng, model = np.random.default_rng(seed), tt.GPT(7, 8, 2, 2, 6)
    model.eval()
    loss = tt.CrossEntropyLoss()
    parameters = model.parameters()

    def at(step, directions):
        for p, start, d in zip(parameters, starts, directions, strict=True):
            p.data = (start + step * d).astype(np.float32)
        return float(loss(model(ids[:, :-1]).reshape(-1, 7), ids[:, 1:].ravel()).data)

    starts = [np.array(p.data) for p in parameters]  # and larger: tiny ones bend more
    starts = [
        rng.normal(size=a.shape) / len(a) ** 0.5 if a.ndim > 1 else a for a in starts
    ]
    at(0, starts)
    loss(model(ids[:, :-1]).reshape(-1, 7), ids[:, 1:].ravel()).backward()
    missing = [str(p.shape) for p in parameters if p.grad is None]
    zero = [str(p.shape) for p in parameters if p.grad is not None and not p.grad.any()]
    if missing:
        return [missing, zero, 0.0, [], []]
    grads = [np.array(p.grad) for p in parameters]
    length = float(np.sqrt(sum(float((g * g).sum()) for g in grads)))
    analytic, numeric, h = [], [], 1e-3
    for _ in range(4):
        d = [rng.normal(size=g.shape) for g in grads]
        analytic.append(sum(float((g * e).sum()) for g, e in zip(grads, d)))  # noqa: B905
        numeric.append((at(h, d) - at(-h, d)) / (2 * h))
    return [missing, zero, length, analytic, numeric]


@points(3)
@needs(LOGITS, "losses::cross_entropy_is_the_mean_over_samples", "autograd")
@task("13.8")
@spec("GPT.forward", "Every parameter gets a gradient.")
def test_model_gives_every_parameter_its_gradient(tt, rng):
    """No gradient is missing, and all together agree with finite differences."""
    ids = np.stack([rng.permutation(7), rng.permutation(7)])
    found = remote_source(tt, _slopes, ids=ids, seed=int(rng.integers(2**31)))
    missing, zero, length, analytic, numeric = found
    call = "CrossEntropyLoss()(GPT(7, 8, 2, 2, 6)(ids), next ids).backward()"
    holds(
        not missing,
        call=f"{call}: parameters without .grad",
        expected="none",
        got=", ".join(missing[:4]),
        hint="Somewhere an array was used in place of a Tensor.",
    )
    holds(
        len(zero) <= 2,  # the keys' biases may have gradients of exactly zero
        call=f"{call}: parameters whose .grad is all zeros",
        expected="none, but for the keys' biases",
        got=", ".join(zero[:4]),
    )
    off = max(abs(a - n) for a, n in zip(analytic, numeric, strict=True))
    holds(
        off <= 0.1 * length + 2e-3,
        call=f"{call}: slopes along random directions of all parameters",
        expected=", ".join(f"{n:.3g}" for n in numeric) + " by finite difference",
        got=", ".join(f"{a:.3g}" for a in analytic),
        hint="Look at the checks of LayerNorm, attention and embeddings first.",
    )


def _losses(tt, ids, steps):
    """Return the loss before and after some steps: recall the first token."""
    model = tt.GPT(4, 16, 1, 2, 6)
    model.eval()  # no dropout: fewer steps will do
    loss, optimizer = tt.CrossEntropyLoss(), tt.Adam(model.parameters(), lr=0.02)
    target = np.repeat(ids[:, 0], ids.shape[1])
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        now = loss(model(ids).reshape(-1, 4), target)
        now.backward()
        optimizer.step()
        found.append(float(now.data))
    return [found[0], min(found[-3:])]


@points(2)
@needs("transformers::model_gives_every_parameter_its_gradient", "optimizers")
@task("13.8")
@spec("GPT.forward", "x being the embeddings after all blocks, in order.")
def test_model_learns_to_look_back(tt, rng):
    """Thirty steps of Adam teach a block to recall the first token of a text."""
    ids = rng.integers(0, 4, size=(16, 6))
    first, last = remote_source(tt, _losses, ids=ids, steps=30)
    holds(
        last < 0.6,  # log(4) = 1.39 is chance; attention alone can tell more
        call="30 steps of Adam: GPT(4, 16, 1, 2, 6) recalls each text's first token",
        expected="a loss below 0.6",
        got=f"{last:.3g} (it began at {first:.3g})",
        hint="A later place can only know by attention to the first place.",
    )


# Generation


@points(2)
@needs(LOGITS)
@task("13.10")
@spec("GPT.generate", "Return the prompt and `max_new_tokens` tokens after it.")
def test_generation_continues_the_prompt(tt, oracle, rng):
    """The result is (B, T + n), a Tensor of ids, and begins with the prompt."""
    model, ids = small(tt), rng.integers(0, 7, size=(2, 3))
    for n, how in ((0, 1.0), (1, 0), (4, 0), (5, 1.0)):
        got = model.generate(tt.Tensor(ids), n, how)
        call = f"GPT(7, 8, 2, 2, 6).generate(ids (2, 3), {n}, temperature={how})"
        found = value(got)
        shape = tuple(found.shape)
        same(
            shape,
            (2, 3 + n),
            call=f"shape of {call}",
            tol="exact",
            hint="The prompt comes first, then one column for each new token.",
            misconceptions={"the new tokens alone": (2, n)},
        )
        same(got[:, :3], oracle.Tensor(ids), call=f"{call}[:, :3]", tol="exact")
        legal = bool(np.isin(found, np.arange(7)).all())
        holds(legal, call=call, expected="ids from 0 to 6", got="others")


def _greedy(tt, ids, n, context):
    """Return what generate finds, and what a loop over the model's logits does."""
    model = tt.GPT(7, 8, 2, 2, context)
    model.eval()
    for _ in range(20):  # until no choice is so close that rounding could turn it
        for p in model.parameters():  # large, so that texts do not repeat one token
            if len(p.shape) > 1:
                p.data = np.random.normal(size=p.shape).astype(np.float32)
        text, gap = np.array(ids), 1.0
        for _ in range(n):
            logits = np.array(model(tt.Tensor(text[:, -context:])).data)[:, -1]
            gap = min(gap, np.diff(np.sort(logits, axis=-1)[:, -2:]).min())
            text = np.concatenate([text, logits.argmax(axis=-1)[:, None]], axis=1)
        if gap > 1e-3:
            break
    return [np.array(model.generate(tt.Tensor(ids), n, 0).data), text.astype("f4")]


@points(2)
@needs("transformers::generation_continues_the_prompt")
@task("13.9")
@spec(
    "transformers.next_tokens", "With temperature 0 it is the id of the largest logit"
)
def test_greedy_takes_the_largest_logit(tt, rng):
    """Temperature 0 appends the token with the largest logit at the last place."""
    ids = rng.integers(0, 7, size=(3, 2))
    got, want = remote_source(tt, _greedy, ids=ids, n=8, context=16)
    same(
        got,
        want,
        call="GPT(7, 8, 2, 2, 16).generate(ids (3, 2), 8, temperature=0)",
        tol="exact",
        hint="argmax over the vocabulary, at the last place, for each text.",
    )


@pytest.mark.parametrize("length", [2, 9], ids=["grown", "given"])
@points(2)
@needs(GREEDY)
@task("13.10")
@spec("GPT.generate", "the model gets the last max_seq_len tokens")
def test_generation_crops_to_the_context(tt, rng, length):
    """Beyond the context the last max_seq_len tokens count, and all are returned."""
    ids = rng.integers(0, 7, size=(4, length))
    got, want = remote_source(tt, _greedy, ids=ids, n=8, context=5)
    same(
        got,
        want,
        call=f"GPT(7, 8, 2, 2, 5).generate(ids (4, {length}), 8, temperature=0)",
        tol="exact",
        hint="Crop what the model sees, not what is returned.",
        misconceptions={"the text cropped to the context, too": want[:, -5:]},
    )


def _drawn(tt, logits, many, temperature):
    """Return how often each token follows, given these logits."""
    model = tt.GPT(len(logits), 4, 1, 1, 4)
    model.eval()
    model.ln_f.gamma.data = np.zeros(4, np.float32)
    model.ln_f.beta.data = np.eye(4, dtype=np.float32)[0]
    weight = np.zeros((4, len(logits)), np.float32)
    weight[0] = logits  # so these are the logits at every place
    model.lm_head.weight.data = weight
    how = {"temperature": temperature} if temperature else {}
    found = model.generate(tt.Tensor(np.zeros((many, 1))), 1, **how)
    last = np.array(found.data)[:, 1].astype(int)
    return np.bincount(last, minlength=len(logits)) / many


@points(2)
@needs("transformers::generation_continues_the_prompt")
@task("13.9")
@spec(
    "transformers.next_tokens", "with the probabilities softmax(logits / temperature)"
)
def test_tokens_are_drawn_by_probability(tt, rng):
    """Tokens follow with the probabilities softmax(logits / temperature)."""
    logits, many = rng.permutation([0.0, 0.7, 1.4, 2.1]), 4000

    def shares(x):
        return np.exp(x) / np.exp(x).sum()

    for given in (0.5, 0, 2.5):  # 0: left out, which means 1
        temperature = given or 1.0
        found = remote_source(tt, _drawn, logits=logits, many=many, temperature=given)
        right = shares(logits / temperature)
        off = float(np.abs(found - right).max())
        wrong = {
            "the temperature left out": shares(logits),
            "the logits multiplied by the temperature": shares(logits * temperature),
            "the largest logit always": (logits == logits.max()).astype(float),
            "all tokens alike": np.full(4, 0.25),
        }
        name = min(wrong, key=lambda m: float(np.abs(found - wrong[m]).max()))
        close = np.abs(found - wrong[name]).max() <= 0.05
        holds(
            off <= 0.05,  # six standard deviations
            call=f"shares of next tokens, logits {logits}, temperature={temperature}",
            expected=str(right.round(2)),
            got=f"{found.round(2)}" + (f": {name}" if close else ""),
            hint="Divide the logits by the temperature, then softmax, then draw.",
        )


def _twice(tt, seed):
    """Return three drawn texts, the first and last from one seed."""
    model, found = tt.GPT(50, 8, 1, 2, 8), []
    model.eval()
    for again in (True, False, True):
        if again:
            np.random.seed(seed)
        found.append(np.array(model.generate(tt.Tensor([[1, 2]]), 30, 5.0).data))
    return found


@needs("transformers::generation_continues_the_prompt")
@task("13.9")
@spec("transformers.next_tokens", "with numpy's global random numbers")
def test_generation_follows_the_seed(tt, rng):
    """The same numpy.random.seed gives the same text; without it texts differ."""
    first, other, again = remote_source(tt, _twice, seed=int(rng.integers(2**31)))
    call = "np.random.seed(s); GPT(...).generate(ids, 30, temperature=5.0)"
    hint = "Draw from np.random's own functions, not from default_rng()."
    same(again, first, call=f"{call}, twice", tol="exact", hint=hint)
    holds(
        not np.array_equal(first, other),
        call="two texts drawn without a seed",
        expected="different texts",
        got="the same twice",
    )


@needs(
    "transformers::generation_continues_the_prompt", "autograd::no_grad_does_not_track"
)
@task("13.10")
@spec("GPT.generate", "the mode (train or eval) stays as it is")
def test_generation_leaves_no_trace(tt, rng):
    """The mode stays, no parameter gets a gradient, and the prompt is unchanged."""
    model, ids = tt.GPT(7, 8, 1, 2, 6), rng.integers(0, 7, size=(1, 2))
    prompt = tt.Tensor(ids)
    for mode in (True, False):
        model.train(mode)
        got = model.generate(prompt, 3, 1.0)
        call = f"generate after train({mode})"
        kept = model.training, model.blocks[0].training
        holds(
            kept == (mode, mode),
            call=f"{call}: model.training and its block's",
            expected=str((mode, mode)),
            got=str(kept),
        )
        tracked = got.requires_grad
        holds(not tracked, call=f"{call}: requires_grad", expected="False", got="True")
    same(prompt, ids.astype("f4"), call="the prompt after generate", tol="exact")
