"""Hidden checks of module 11: embeddings."""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import (
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
from grader.checks.remote import remote_source

ROWS = "embeddings::embedding_picks_rows"
PLACES = "embeddings::positions_are_added"
WAVES = "embeddings::sinusoids_alternate"


def embedding(tt, table):
    """Return an Embedding that holds `table`."""
    layer = tt.Embedding(*table.shape)
    set_data(layer.weight, table)
    return layer


def positions(tt, table):
    """Return a PositionalEncoding that holds `table`."""
    layer = tt.PositionalEncoding(*table.shape)
    set_data(layer.parameters()[0], table)
    return layer


def waves(length, size, per_column=False, start=0):
    """Return sinusoids in float64, in the right way or one of two wrong ones."""
    place = np.arange(start, start + length)[:, None]
    column = np.arange(size)
    power = column if per_column else 2 * (column // 2)
    angle = place / 10_000 ** (power / size)
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle))


@points(3)
@needs("tensor")
@task("11.2")
@spec("Embedding.forward", "Return the row of `weight` for each token id.")
def test_embedding_picks_rows(tt, oracle, rng):
    """Embedding returns weight[id] for each id."""
    table = rng.normal(size=(5, 5)).astype("f4")
    ids = rng.permutation([0, 1, 2, 3, 4, 4]).reshape(2, 3)
    same(
        embedding(tt, table)(tt.Tensor(ids)),
        oracle.Tensor(table[ids]),
        call="Embedding(5, 5)(ids), ids (2, 3)",
        tol="exact",
        hint="Index the rows of weight with an integer array.",
        misconceptions={
            "the columns of weight": table.T[ids],
            "the row before": table[ids - 1],
        },
    )


@needs(ROWS)
@task("11.2")
@spec("Embedding.forward", "Shapes: tokens (...) -> (..., embed_dim)")
def test_embedding_takes_ids_of_any_shape(tt, oracle, rng):
    """Ids may have any number of axes, and come as a Tensor, an array or a list."""
    table = rng.normal(size=(7, 3))
    layer = embedding(tt, table)
    for shape in ((4,), (2, 1), (2, 3, 2)):
        ids = rng.integers(0, 7, size=shape)
        kinds = {"Tensor": tt.Tensor(ids), "array": ids, "list": ids.tolist()}
        for kind, given in kinds.items():
            same(
                layer(given),
                oracle.Tensor(table[ids]),
                call=f"Embedding(7, 3)(ids), ids a {kind} of shape {shape}",
                tol="exact",
                hint="token_ids makes integers of all three; numpy does the rest.",
            )


@needs("tensor")
@task("11.1")
@spec("Embedding", "weight: parameter of shape (vocab_size, embed_dim).")
def test_embedding_has_one_parameter(tt, rng):
    """The weight is (vocab_size, embed_dim), and a parameter."""
    n, m = int(rng.integers(10, 20)), int(rng.integers(3, 9))
    layer = tt.Embedding(n, m)
    same(
        tuple(layer.weight.shape),
        (n, m),
        call=f"Embedding({n}, {m}).weight.shape",
        tol="exact",
        misconceptions={"(embed_dim, vocab_size)": (m, n)},
    )
    shapes = [value(p).shape for p in layer.parameters()]
    holds(
        shapes == [(n, m)],
        call=f"shapes of Embedding({n}, {m}).parameters()",
        expected=f"[{(n, m)}]",
        got=str(shapes),
        hint="A parameter is a Tensor with requires_grad=True.",
    )


@needs("embeddings::embedding_has_one_parameter")
@task("11.1")
@spec("Embedding.__init__", "have mean 0 and a standard deviation between 0.01 and 1")
def test_initial_embeddings_are_small_and_centred(tt):
    """New weights are centred, of a sane size, and all rows differ."""
    for shape in ((200, 20), (20, 200)):
        w = value(tt.Embedding(*shape).weight)
        call = f"Embedding{shape}.weight"
        holds(
            0.009 < w.std() < 1.1,  # a tenth for chance; 4000 entries need a fiftieth
            call=call,
            expected="standard deviation from 0.01 to 1",
            got=f"{w.std():.3g}",
        )
        holds(
            abs(w.mean()) <= 0.1 * w.std(),  # its standard deviation is 0.016 std
            call=call,
            expected="mean near 0",
            got=f"{w.mean():.3g}",
            hint="rand() is centred on 0.5.",
        )
        rows = len(np.unique(w, axis=0))
        expected = f"{shape[0]} different ones"
        holds(
            rows == shape[0], call=f"rows of {call}", expected=expected, got=str(rows)
        )


def _seeded(tt, seed):
    """Return the parameters of three layers of each kind, the last from one seed."""
    np.random.seed(seed)
    first = [tt.Embedding(3, 2), tt.PositionalEncoding(3, 2)]
    other = [tt.Embedding(3, 2), tt.PositionalEncoding(3, 2)]
    np.random.seed(seed)
    again = [tt.Embedding(3, 2), tt.PositionalEncoding(3, 2)]
    return [
        np.concatenate([np.array(layer.parameters()[0].data) for layer in layers])
        for layers in (first, other, again)
    ]


@needs("embeddings::embedding_has_one_parameter", "embeddings::positions_are_learned")
@task("11.1")
@spec("Embedding.__init__", "After `numpy.random.seed(0)` the same numbers come again.")
def test_initial_embeddings_follow_the_seed(tt, rng):
    """The same numpy.random.seed gives the same weights; without it they differ."""
    first, other, again = remote_source(tt, _seeded, seed=int(rng.integers(2**31)))
    same(
        again,
        first,
        call="np.random.seed(s); Embedding(3, 2); PositionalEncoding(3, 2), twice",
        tol="exact",
        hint="Draw from np.random's own functions, not from default_rng().",
    )
    holds(
        not (first == other).reshape(2, -1).all(axis=1).any(),
        call="weights of two Embedding(3, 2) and two PositionalEncoding(3, 2)",
        expected="different ones",
        got="the same twice",
    )


@pytest.mark.parametrize("size", [6, 300])
@points(3)
@needs(ROWS, "autograd")
@task("11.2")
@spec("Embedding.forward", "is the sum of the gradients of all places")
def test_embedding_gradient_of_repeats(tt, rng, size):
    """A row whose id stands in several places gets the sum of their gradients."""
    for lowest in (0, 1):
        some = np.array([size - 1, lowest, *range(2, size - 1)])[:5]
        ids = rng.permutation(some)[[0, 1, 2, 0, 3, 0, 4, 1]].reshape(2, 4)
        v = rng.normal(size=(2, 4, 3)).astype("f4")
        layer = embedding(tt, rng.normal(size=(size, 3)))
        layer(tt.Tensor(ids)).backward(v)
        total, last = np.zeros((2, size, 3))
        count = np.zeros((size, 1))
        np.add.at(total, ids, v)
        np.add.at(count, ids, 1)
        last[ids] = v
        same(
            layer.weight.grad,
            total.astype("f4"),
            call=f"Embedding({size}, 3)(ids).backward(g): weight.grad, repeated ids",
            hint="`full[ids] += g` counts a repeated id once.",
            tol="gradient",
            what="gradient",
            misconceptions={
                "only the last gradient of a repeated id": last,
                "the mean over a repeated id": total / np.maximum(count, 1),
            },
        )


@needs("embeddings::embedding_gradient_of_repeats")
@task("11.2")
@spec(
    "Embedding.forward", "where its id stands; a row whose id does not occur gets zeros"
)
def test_embedding_gradient_of_two_calls(tt, rng):
    """A table that is used twice gets the gradients of both uses."""
    layer = embedding(tt, rng.normal(size=(4, 2)))
    (layer([0, 1]) * 2.0 + layer([1, 2]) * 3.0).sum().backward()
    same(
        layer.weight.grad,
        np.array([[2, 2], [5, 5], [3, 3], [0, 0]], "f4"),
        call="(E([0, 1]) * 2 + E([1, 2]) * 3).sum().backward(): weight.grad",
        tol="gradient",
        what="gradient",
    )


@points(2)
@needs(ROWS)
@task("11.2")
@spec("Embedding.forward", "an id is below 0 or not below vocab_size")
def test_embedding_refuses_ids_outside(tt, rng):
    """An id below 0 or from vocab_size on raises ValueError naming both."""
    n = int(rng.integers(5, 9))
    layer = tt.Embedding(n, 2)
    for wrong in (n, n + int(rng.integers(1, 99)), -1):
        for kind, ids in (("array", np.array([[0, wrong]])), ("Tensor", [[1, wrong]])):
            given = tt.Tensor(ids) if kind == "Tensor" else ids
            raises(
                ValueError,
                layer,
                given,
                call=f"Embedding({n}, 2)(ids), one id is {wrong}",
                mentions=[wrong, n],
                hint="numpy counts -1 from the end: check both bounds yourself.",
            )


@points(2)
@needs("tensor")
@task("11.4")
@spec("PositionalEncoding.forward", "with the first T rows of the parameter added")
def test_positions_are_added(tt, oracle, rng):
    """PositionalEncoding adds row t to the token at place t of every text."""
    table, x = rng.normal(size=(6, 4)), rng.normal(size=(3, 3, 4))
    same(
        positions(tt, table)(tt.Tensor(x)),
        oracle.Tensor(x + table[:3]),
        call="PositionalEncoding(6, 4)(x), x (3, 3, 4)",
        hint="Row t belongs to place t; the texts of a batch share it.",
        misconceptions={
            "nothing added": x,
            "the last rows": x + table[3:],
            "a row for each text instead of each place": x + table[:3, None],
            "the first row at every place": x + table[0],
            "multiplied": x * table[:3],
            "the rows alone": np.broadcast_to(table[:3], x.shape),
        },
    )


@needs("tensor")
@task("11.3")
@spec("PositionalEncoding", "It has one parameter, of shape (max_seq_len, embed_dim)")
def test_positions_are_learned(tt, rng):
    """PositionalEncoding has one parameter, (max_seq_len, embed_dim), not constant."""
    n, m = int(rng.integers(10, 20)), int(rng.integers(3, 9))
    tables = [value(p) for p in tt.PositionalEncoding(n, m).parameters()]
    call = f"PositionalEncoding({n}, {m}).parameters()"
    shapes = [t.shape for t in tables]
    holds(
        shapes == [(n, m)],
        call=f"shapes of {call}",
        expected=f"[{(n, m)}]",
        got=str(shapes),
    )
    rows = len(np.unique(tables[0], axis=0))
    holds(
        rows == n,
        call=f"rows of {call}",
        expected=f"{n} different ones",
        got=f"{rows}",
        hint="Draw them like the weight of an Embedding.",
    )


@points(2)
@needs(PLACES, "autograd")
@task("11.4")
@spec("PositionalEncoding.forward", "that of row t is the sum over b of what arrives")
def test_positions_get_gradients(tt, rng):
    """The gradient of x passes, row t gets the sum over the texts, the rest zeros."""
    v = rng.normal(size=(3, 2, 4)).astype("f4")
    layer = positions(tt, rng.normal(size=(5, 4)))
    x = tt.Tensor(rng.normal(size=(3, 2, 4)), requires_grad=True)
    layer(x).backward(v)
    how = {"tol": "gradient", "what": "gradient"}
    call = "PositionalEncoding(5, 4)(x).backward(g)"
    same(x.grad, v, call=f"{call}: x.grad, x (3, 2, 4)", **how)
    full, mean, first = np.zeros((3, 5, 4))
    full[:2], mean[:2], first[:2] = v.sum(axis=0), v.mean(axis=0), v[0]
    same(
        layer.parameters()[0].grad,
        full.astype("f4"),
        call=f"{call}: the parameter's grad, x (3, 2, 4)",
        hint="A row that all texts use gets the sum over the texts.",
        misconceptions={
            "the mean over the texts": mean,
            "the gradient of one text": first,
        },
        **how,
    )


@needs(PLACES)
@task("11.4")
@spec("PositionalEncoding.forward", "ValueError: T is larger than max_seq_len")
def test_positions_refuse_long_texts(tt, oracle, rng):
    """max_seq_len tokens are fine; one more raises ValueError naming both numbers."""
    for n in (int(rng.integers(5, 50)), 1):
        table = rng.normal(size=(n, 2))
        layer = positions(tt, table)
        zeros = np.zeros((1, n + 1, 2))
        same(
            layer(tt.Tensor(zeros[:, 1:])),
            oracle.Tensor(table[None]),
            call=f"PositionalEncoding({n}, 2)(zeros (1, {n}, 2))",
        )
        raises(
            ValueError,
            layer,
            tt.Tensor(zeros),
            call=f"PositionalEncoding({n}, 2)(x), x (1, {n + 1}, 2)",
            mentions=[n, n + 1],
            hint="Compare the length with the number of rows: one row would broadcast.",
        )


@points(2)
@needs("tensor")
@task("11.5")
@spec("create_sinusoidal_embeddings", "sines in even columns, cosines in odd ones.")
def test_sinusoids_alternate(tt, oracle, rng):
    """Column 2i is sin(t / 10000^(2i/d)), column 2i + 1 the cosine of the same."""
    n, m = int(rng.integers(8, 20)), 2 * int(rng.integers(2, 6))
    right = waves(n, m)
    halves = np.concatenate([right[:, ::2], right[:, 1::2]], axis=1)
    swapped = right.reshape(n, -1, 2)[:, :, ::-1].reshape(n, m)
    same(
        tt.create_sinusoidal_embeddings(n, m),
        oracle.Tensor(right),
        call=f"create_sinusoidal_embeddings({n}, {m})",
        tol="training",  # float32 exponents, times places up to 20
        hint="Both columns of a pair share one angle, t / 10000 ** (2 i / embed_dim).",
        misconceptions={
            "all sines first, then all cosines": halves,
            "cosines in even columns": swapped,
            "another angle in every column": waves(n, m, per_column=True),
            "places counted from 1": waves(n, m, start=1),
            "(embed_dim, max_seq_len)": right.T,
        },
    )


@needs(WAVES)
@task("11.5")
@spec("create_sinusoidal_embeddings", "If embed_dim is odd, the last column is a sine.")
def test_sinusoids_of_an_odd_size(tt, oracle, rng):
    """An odd embed_dim works: the last column is a sine."""
    n, m = int(rng.integers(4, 9)), 2 * int(rng.integers(1, 4)) + 1
    same(
        tt.create_sinusoidal_embeddings(n, m),
        oracle.Tensor(waves(n, m)),
        call=f"create_sinusoidal_embeddings({n}, {m})",
        tol="training",
        hint="There is one cosine less than sines.",
    )


@needs(WAVES)
@task("11.5")
@spec("create_sinusoidal_embeddings", "the result does not track gradients")
def test_sinusoids_are_not_learned(tt):
    """The waves have requires_grad False, and an EmbeddingLayer does not train them."""
    got = tt.create_sinusoidal_embeddings(4, 6).requires_grad
    call = "create_sinusoidal_embeddings(4, 6).requires_grad"
    holds(not got, call=call, expected="False", got="True")


@points(2)
@needs(ROWS, PLACES)
@task("11.6")
@spec(
    "EmbeddingLayer.forward", "Return the sum of each token's embedding and its place's"
)
def test_embedding_layer_adds_token_and_place(tt, oracle, rng):
    """EmbeddingLayer is weight[id] plus the row of the place, unscaled."""
    ids = rng.integers(0, 9, size=(2, 3))
    layer = tt.EmbeddingLayer(9, 4, max_seq_len=5)
    table, places = rng.normal(size=(9, 4)), rng.normal(size=(5, 4))
    set_data(layer.token_embedding.weight, table)
    set_data(layer.pos_encoding.parameters()[0], places)
    same(
        layer(tt.Tensor(ids)),
        oracle.Tensor(table[ids] + places[:3]),
        call="EmbeddingLayer(9, 4, max_seq_len=5)(ids), ids (2, 3)",
        hint="Call both parts and add.",
        misconceptions={
            "the places left out": table[ids],
            "the tokens scaled by sqrt(embed_dim)": table[ids] * 2 + places[:3],
            "the places only": np.broadcast_to(places[:3], (2, 3, 4)),
            "the places added twice": table[ids] + 2 * places[:3],
        },
    )


@needs(ROWS, WAVES)
@task("11.6")
@spec("EmbeddingLayer.forward", "With `pos_encoding=None` nothing is added")
def test_embedding_layer_of_other_kinds(tt, oracle, rng):
    """The kind "sinusoidal" adds the waves, None nothing; only tokens are trained."""
    ids, table = rng.integers(0, 9, size=(2, 3)), rng.normal(size=(9, 4))
    for kind, added, wrong in (
        ("sinusoidal", waves(3, 4), {"the places left out": table[ids]}),
        (None, 0, {"the waves added": table[ids] + waves(3, 4)}),
    ):
        layer = tt.EmbeddingLayer(9, 4, 5, pos_encoding=kind)
        set_data(layer.token_embedding.weight, table)
        call = f"EmbeddingLayer(9, 4, 5, pos_encoding={kind!r})"
        same(
            layer(tt.Tensor(ids)),
            oracle.Tensor(table[ids] + added),
            call=f"{call}(ids), ids (2, 3)",
            tol="training",
            misconceptions=wrong,
        )
        count = len(layer.parameters())
        call = f"len({call}.parameters())"
        holds(count == 1, call=call, expected="1", got=f"{count}")


@needs("embeddings::positions_refuse_long_texts", WAVES)
@task("11.6")
@spec(
    "EmbeddingLayer.forward", "T is larger than max_seq_len, with learned or sinusoidal"
)
def test_embedding_layer_refuses_long_texts(tt, rng):
    """One token too many raises ValueError, with learned and with sinusoidal places."""
    for n in (int(rng.integers(5, 50)), 1):
        for kind in ("learned", "sinusoidal"):
            raises(
                ValueError,
                tt.EmbeddingLayer(9, 4, n, pos_encoding=kind),
                np.zeros((1, n + 1), int),
                call=f"EmbeddingLayer(9, 4, {n}, {kind!r})(ids), ids (1, {n + 1})",
                mentions=[n, n + 1],
                hint="A slice beyond the end is short; one row would broadcast.",
            )


@needs(
    "embeddings::embedding_layer_adds_token_and_place",
    "embeddings::embedding_gradient_of_repeats",
    "embeddings::positions_get_gradients",
)
@task("11.6")
@spec("EmbeddingLayer.forward", "out[b, t, :] = token_embedding(tokens)[b, t, :]")
def test_embedding_layer_gradients(tt, rng):
    """Both tables get their gradients through the sum."""
    ids, v = rng.permutation(6).reshape(2, 3), rng.normal(size=(2, 3, 4)).astype("f4")
    layer = tt.EmbeddingLayer(6, 4, max_seq_len=3)
    layer(tt.Tensor(ids)).backward(v)
    tokens = np.zeros((6, 4), "f4")
    tokens[ids] = v
    call = "EmbeddingLayer(6, 4, max_seq_len=3)(ids).backward(g)"
    for place, parameter, expected in (
        ("the tokens' grad", layer.token_embedding.weight, tokens),
        ("the places' grad", layer.pos_encoding.parameters()[0], v.sum(axis=0)),
    ):
        same(
            parameter.grad,
            expected,
            call=f"{call}: {place}",
            tol="gradient",
            what="gradient",
            hint="Add Tensors, not arrays: arrays do not remember.",
        )
