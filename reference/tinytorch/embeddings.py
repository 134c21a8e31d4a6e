"""Module 11: embeddings, vectors for tokens and for places.

You will build:

    11.1  Embedding.__init__            one row for each token     about 2 lines
    11.2  Embedding.forward             pick rows; their gradient  about 12 lines
    11.3  PositionalEncoding.__init__   one row for each place     about 2 lines
    11.4  PositionalEncoding.forward    add them                   about 10 lines
    11.5  create_sinusoidal_embeddings  places without learning    about 6 lines
    11.6  EmbeddingLayer.forward        token and place            about 6 lines

Token ids may come as a Tensor, an array or a list; `token_ids` makes integers of them.
Here B is the number of texts, T the number of tokens in each, D the embedding's size.

Run `make test-11` after each task.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytorch.base import Array
from tinytorch.layers import Layer
from tinytorch.rowwise import column_sums
from tinytorch.tensor import Tensor


class Embedding(Layer):
    """A table with one row of numbers for each token id.

    Attributes:
        weight: parameter of shape (vocab_size, embed_dim).
    """

    def __init__(self, vocab_size: int, embed_dim: int) -> None:
        """Draw the weight from numpy's global random numbers.

        Its entries have mean 0 and a standard deviation between 0.01 and 1, whatever
        the two sizes; no two rows are alike. After `numpy.random.seed(0)` the same
        numbers come again. `weight` is a Tensor with `requires_grad=True`.

        Example:
            >>> Embedding(10, 4).weight.shape
            (10, 4)
        """
        self.weight = _table(vocab_size, embed_dim)

    def forward(self, tokens: Tensor | ArrayLike) -> Tensor:
        """Return the row of `weight` for each token id.

        out[..., :] = weight[tokens[...], :]

        The gradient of a row of `weight` is the sum of the gradients of all places
        where its id stands; a row whose id does not occur gets zeros. The ids get none.

        Shapes: tokens (...) -> (..., embed_dim)

        Raises:
            ValueError: an id is below 0 or not below vocab_size; the message names one
                such id and vocab_size.

        Example:
            >>> layer = Embedding(3, 2)
            >>> layer.weight.data = np.array([[0, 1], [2, 3], [4, 5]], dtype=np.float32)
            >>> layer([2, 0]).data
            array([[4., 5.],
                   [0., 1.]], dtype=float32)
        """
        ids, size = token_ids(tokens), len(self.weight.data)
        if ids.size and not 0 <= ids.min() <= ids.max() < size:
            wrong = ids.min() if ids.min() < 0 else ids.max()
            msg = f"Embedding: id {wrong} is outside of a vocabulary of {size}"
            raise ValueError(msg)

        def backward(grad: Array) -> tuple[Array]:
            rows = grad.reshape(-1, grad.shape[-1])
            return (_sum_by_id(ids.ravel(), rows, size),)

        return Tensor._from_op(self.weight.data[ids], (self.weight,), backward)


class PositionalEncoding(Layer):
    """Learned positions: one row of numbers for each place in a text.

    It has one parameter, of shape (max_seq_len, embed_dim); its attribute may have any
    name.
    """

    def __init__(self, max_seq_len: int, embed_dim: int) -> None:
        """Draw the parameter, by the same rules as the weight of an Embedding.

        Example:
            >>> [p.shape for p in PositionalEncoding(8, 4).parameters()]
            [(8, 4)]
        """
        self.weight = _table(max_seq_len, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return x with the first T rows of the parameter added, the same to each text.

        out[b, t, :] = x[b, t, :] + parameter[t, :]

        Both x and the parameter get gradients: that of row t is the sum over b of what
        arrives at (b, t); rows from T on get zeros.

        Shapes: x (B, T, embed_dim) -> (B, T, embed_dim)

        Raises:
            ValueError: T is larger than max_seq_len; the message names both numbers.

        Example:
            >>> layer = PositionalEncoding(3, 1)
            >>> layer.parameters()[0].data = np.array([[10], [20], [30]], np.float32)
            >>> layer(Tensor([[[1], [2]], [[3], [4]]])).data.tolist()
            [[[11.0], [22.0]], [[13.0], [24.0]]]
        """
        table, length = self.weight, x.shape[-2]
        _fits(length, table.shape[0])

        def backward(grad: Array) -> tuple[Array, Array]:
            full = np.zeros_like(table.data)
            flat = column_sums(grad.reshape(-1, length * grad.shape[-1]))
            full[:length] = flat.reshape(length, -1)
            return grad, full

        return Tensor._from_op(x.data + table.data[:length], (x, table), backward)


def create_sinusoidal_embeddings(max_seq_len: int, embed_dim: int) -> Tensor:
    """Return positions made of waves: sines in even columns, cosines in odd ones.

    out[t, 2i]     = sin(t / 10000 ** (2i / embed_dim))
    out[t, 2i + 1] = cos(t / 10000 ** (2i / embed_dim))

    t and i count from 0. If embed_dim is odd, the last column is a sine. There is
    nothing to learn: the result does not track gradients.

    Shapes: -> (max_seq_len, embed_dim)

    Example:
        >>> create_sinusoidal_embeddings(1, 4)
        Tensor([[0.0, 1.0, 0.0, 1.0]])
    """
    place = np.arange(max_seq_len)[:, None]
    pair = np.arange(embed_dim) // 2
    angle = place / 10_000 ** (2 * pair / embed_dim)
    even = np.arange(embed_dim) % 2 == 0
    return Tensor(np.where(even, np.sin(angle), np.cos(angle)))


class EmbeddingLayer(Layer):
    """What a language model starts with: token and place together.

    Attributes:
        token_embedding: an Embedding.
        pos_encoding: "learned": a PositionalEncoding; "sinusoidal": the Tensor of
            `create_sinusoidal_embeddings`, which is not a parameter; None: None.
    """

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        max_seq_len: int = 512,
        pos_encoding: str | None = "learned",
    ) -> None:
        """Given: make the parts; another `pos_encoding` raises ValueError."""
        self.token_embedding = Embedding(vocab_size, embed_dim)
        self.pos_encoding: PositionalEncoding | Tensor | None = None
        if pos_encoding == "learned":
            self.pos_encoding = PositionalEncoding(max_seq_len, embed_dim)
        elif pos_encoding == "sinusoidal":
            self.pos_encoding = create_sinusoidal_embeddings(max_seq_len, embed_dim)
        elif pos_encoding is not None:
            msg = f"pos_encoding: 'learned', 'sinusoidal' or None, not {pos_encoding!r}"
            raise ValueError(msg)

    def forward(self, tokens: Tensor | ArrayLike) -> Tensor:
        """Return the sum of each token's embedding and its place's, unscaled.

        out[b, t, :] = token_embedding(tokens)[b, t, :] + position[t, :]

        With `pos_encoding=None` nothing is added to the token's embedding.

        Shapes: tokens (B, T) -> (B, T, embed_dim)

        Raises:
            ValueError: T is larger than max_seq_len, with learned or sinusoidal places;
                the message names both numbers. An id is outside of the vocabulary.

        Example:
            >>> EmbeddingLayer(10, 4, max_seq_len=8)([[1, 2, 3]]).shape
            (1, 3, 4)
        """
        x, places = self.token_embedding(tokens), self.pos_encoding
        if isinstance(places, PositionalEncoding):
            x = places(x)
        elif places is not None:
            _fits(x.shape[-2], places.shape[0])
            x = x + places[: x.shape[-2]]
        out: Tensor = x
        return out


# Given: helpers.


def token_ids(tokens: Tensor | ArrayLike) -> NDArray[np.int64]:
    """Given: return ids as integers, from a Tensor, an array or a list."""
    data: Any = tokens.data if isinstance(tokens, Tensor) else tokens
    return np.asarray(data).astype(np.int64)


def _fits(length: int, longest: int) -> None:
    """Given: raise ValueError, naming both, unless `length` <= `longest`."""
    if length > longest:
        msg = f"a sequence of {length} is longer than the longest, {longest}"
        raise ValueError(msg)


def _table(rows: int, columns: int) -> Tensor:
    """Return a new parameter.

    0.1: large enough to be heard beside what the layers add to it, small enough for a
    first prediction that knows nothing.
    """
    return Tensor(np.random.normal(0, 0.1, size=(rows, columns)), requires_grad=True)


def _sum_by_id(ids: NDArray[np.int64], rows: Array, size: int) -> Array:
    """Return an array of `size` rows: in row i the sum of the rows whose id is i.

    A product with a one-hot matrix for a small vocabulary (characters); for a large one
    equal ids are brought together by sorting. `np.add.at` is ten times slower.
    """
    if size <= 128:  # beyond, most of the product is zeros
        hot = np.zeros((len(ids), size), dtype=np.float32)
        hot[np.arange(len(ids)), ids] = 1
        product: Array = hot.T @ rows
        return product
    total = np.zeros((size, rows.shape[1]), dtype=np.float32)
    if len(ids):
        order = np.argsort(ids, kind="stable")
        ranked = ids[order]
        first = np.flatnonzero(np.diff(ranked, prepend=-1))
        total[ranked[first]] = np.add.reduceat(rows[order], first)
    return total
