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
# ruff: noqa: F401 -- the imports are for what you will write

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytorch.base import Array
from tinytorch.layers import Layer
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
        # TODO(11.1): about 2 lines.
        raise NotImplementedError("TODO 11.1: Embedding.__init__")

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
        # TODO(11.2): about 12 lines.
        raise NotImplementedError("TODO 11.2: Embedding.forward")


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
        # TODO(11.3): about 2 lines.
        raise NotImplementedError("TODO 11.3: PositionalEncoding.__init__")

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
        # TODO(11.4): about 10 lines.
        raise NotImplementedError("TODO 11.4: PositionalEncoding.forward")


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
    # TODO(11.5): about 6 lines.
    raise NotImplementedError("TODO 11.5: create_sinusoidal_embeddings")


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
        # TODO(11.6): about 6 lines.
        raise NotImplementedError("TODO 11.6: EmbeddingLayer.forward")


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
