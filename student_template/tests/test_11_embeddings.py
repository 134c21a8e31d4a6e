"""Module 11: embeddings."""

from __future__ import annotations

import numpy as np
from checklib import holds, raises, same, set_data


def embedding(tt):
    """Return an Embedding(3, 2) with weight [[0, 1], [2, 3], [4, 5]]."""
    layer = tt.Embedding(3, 2)
    set_data(layer.weight, [[0, 1], [2, 3], [4, 5]])
    return layer


def positions(tt):
    """Return a PositionalEncoding(3, 2) with rows [10, 10], [20, 20], [30, 30]."""
    layer = tt.PositionalEncoding(3, 2)
    set_data(layer.parameters()[0], [[10, 10], [20, 20], [30, 30]])
    return layer


def test_11_1_embedding_has_one_parameter(tt):
    layer = tt.Embedding(5, 2)
    same(layer.weight.shape, (5, 2), call="Embedding(5, 2).weight.shape")
    same(len(layer.parameters()), 1, call="len(Embedding(5, 2).parameters())")


def test_11_1_initial_embeddings_are_small_and_random(tt):
    w = tt.Embedding(100, 50).weight.data
    call, expected = "Embedding(100, 50).weight.data.std()", "from 0.01 to 1"
    holds(0.009 < w.std() < 1.1, call=call, expected=expected, got=f"{w.std():.3g}")
    rows = len(np.unique(w, axis=0))
    same(rows, 100, call="the number of different rows of Embedding(100, 50).weight")


def test_11_1_initial_embeddings_follow_the_seed(tt):
    np.random.seed(3)
    first = tt.Embedding(2, 3).weight.data.copy()
    np.random.seed(3)
    same(tt.Embedding(2, 3).weight.data, first, call="Embedding(2, 3), seed 3 twice")


def test_11_2_embedding_picks_rows(tt):
    want = tt.Tensor([[[4, 5], [0, 1]], [[2, 3], [2, 3]]])
    same(embedding(tt)(tt.Tensor([[2, 0], [1, 1]])), want, call="rows 2, 0, 1 and 1")
    same(embedding(tt)([[2, 0], [1, 1]]), want, call="the same, ids in a list")


def test_11_2_embedding_gradient_adds_up(tt):
    layer = embedding(tt)
    layer([2, 0, 2]).backward([[1, 1], [2, 2], [3, 3]])
    call = "Embedding(3, 2)([2, 0, 2]).backward(...): weight.grad"
    same(layer.weight.grad, [[2.0, 2.0], [0.0, 0.0], [4.0, 4.0]], call=call)


def test_11_2_embedding_refuses_ids_outside(tt):
    for i in (3, -1):
        call = f"Embedding(3, 2)([0, {i}])"
        raises(ValueError, embedding(tt), [0, i], call=call, mentions=[i, 3])


def test_11_3_positions_are_learned(tt):
    shapes = [p.shape for p in tt.PositionalEncoding(8, 4).parameters()]
    call = "shapes of PositionalEncoding(8, 4).parameters()"
    holds(shapes == [(8, 4)], call=call, expected="[(8, 4)]", got=str(shapes))


def test_11_4_positions_are_added(tt):
    got = positions(tt)(tt.Tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]))
    want = tt.Tensor([[[11, 12], [23, 24]], [[15, 16], [27, 28]]])
    same(got, want, call="two texts of two tokens, plus the rows [10, 10], [20, 20]")


def test_11_4_positions_get_gradients(tt):
    layer, x = positions(tt), tt.Tensor(np.ones((2, 1, 2)), requires_grad=True)
    layer(x).backward([[[1, 2]], [[3, 4]]])
    same(x.grad, [[[1.0, 2.0]], [[3.0, 4.0]]], call="x.grad, the gradient itself")
    want, call = [[4.0, 6.0], [0.0, 0.0], [0.0, 0.0]], "the parameter's grad"
    same(layer.parameters()[0].grad, want, call=f"{call}, summed over the texts")


def test_11_4_positions_refuse_long_texts(tt):
    x, call = tt.Tensor(np.zeros((1, 4, 2))), "PositionalEncoding(3, 2)(x), x (1, 4, 2)"
    raises(ValueError, positions(tt), x, call=call, mentions=[3, 4])


def test_11_5_sinusoids_alternate(tt):
    got = tt.create_sinusoidal_embeddings(2, 4)
    want = [[0, 1, 0, 1], [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]]
    same(
        got, tt.Tensor(want), call="create_sinusoidal_embeddings(2, 4)", tol="training"
    )


def test_11_5_sinusoids_of_an_odd_size(tt):
    got, want = tt.create_sinusoidal_embeddings(1, 3), [[0.0, 1.0, 0.0]]
    same(got, tt.Tensor(want), call="create_sinusoidal_embeddings(1, 3)")


def test_11_6_embedding_layer_adds_token_and_place(tt):
    layer = tt.EmbeddingLayer(2, 2, max_seq_len=2)
    set_data(layer.token_embedding.weight, [[1, 2], [3, 4]])
    set_data(layer.pos_encoding.parameters()[0], [[10, 10], [20, 20]])
    want, call = tt.Tensor([[[13, 14], [21, 22]]]), "EmbeddingLayer(2, 2)([[1, 0]])"
    same(layer([[1, 0]]), want, call=call)


def test_11_6_embedding_layer_of_other_kinds(tt):
    for kind, want in (("sinusoidal", [[1.0, 3.0]]), (None, [[1.0, 2.0]])):
        layer = tt.EmbeddingLayer(1, 2, 8, pos_encoding=kind)
        set_data(layer.token_embedding.weight, [[1, 2]])
        call = f"EmbeddingLayer(1, 2, 8, {kind!r})([[0]])"
        same(layer([[0]]), tt.Tensor([want]), call=call)


def test_11_6_embedding_layer_refuses_long_texts(tt):
    for kind in ("learned", "sinusoidal"):
        call = f"EmbeddingLayer(9, 4, 2, {kind!r})([[0, 0, 0]])"
        layer = tt.EmbeddingLayer(9, 4, 2, pos_encoding=kind)
        raises(ValueError, layer, [[0, 0, 0]], call=call, mentions=[2, 3])
