"""Module 13: transformers, attention stacked up to a language model.

You will build:

    13.1   create_causal_mask           nobody sees the future       about 1 line
    13.2   LayerNorm.forward            every token on one scale     about 15 lines
    13.3   MLP.__init__                 two layers                   about 4 lines
    13.4   MLP.forward                                               about 1 line
    13.5   TransformerBlock.__init__    attention and MLP            about 6 lines
    13.6   TransformerBlock.forward     each as an addition          about 3 lines
    13.7   GPT.__init__                 the parts                    about 8 lines
    13.8   GPT.forward                  ids in, logits out           about 7 lines
    13.9   next_tokens                  the likeliest, or a draw     about 4 lines
    13.10  GPT.generate                 one token after the other    about 8 lines

Here B is the number of texts, T the number of tokens in each, D the size of their
vectors (embed_dim).

Run `make test-13` after each task.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytorch.activations import GELU
from tinytorch.attention import MultiHeadAttention
from tinytorch.autograd import no_grad
from tinytorch.base import Array
from tinytorch.embeddings import EmbeddingLayer, token_ids
from tinytorch.layers import Dropout, Layer, Linear
from tinytorch.rowwise import column_sums, row_means
from tinytorch.tensor import Tensor


def create_causal_mask(seq_len: int) -> Tensor:
    """Return the mask that lets place t see the places up to t, itself included.

    mask[t, s] = 1 where s <= t, else 0

    Shapes: -> (seq_len, seq_len), or (1, seq_len, seq_len): either is right

    Example:
        >>> create_causal_mask(2).data.reshape(2, 2)
        array([[1., 0.],
               [1., 1.]], dtype=float32)
    """
    return Tensor(np.tril(np.ones((seq_len, seq_len))))


class LayerNorm(Layer):
    """Bring every token to mean 0 and variance 1, then to a learned scale.

    Attributes:
        gamma: parameter of shape (normalized_shape,), ones at first.
        beta: parameter of shape (normalized_shape,), zeros at first.
        eps: as given.
    """

    def __init__(self, normalized_shape: int, eps: float = 1e-5) -> None:
        """Given: make the parameters."""
        self.gamma = Tensor(np.ones(normalized_shape), requires_grad=True)
        self.beta = Tensor(np.zeros(normalized_shape), requires_grad=True)
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Return (x - mean) / sqrt(variance + eps) * gamma + beta.

        Mean and variance are those of the last axis, for each row on its own; the
        variance is the mean of the squared deviations from the mean (divided by n, not
        by n - 1). Take the mean off before you square: then rows that lie around 1e3,
        spread by 1, come out right within 0.005. In training and evaluation the same.
        x, gamma and beta get gradients; mean and variance depend on x, too.

        Shapes: x (..., normalized_shape) -> the same

        Example:
            >>> LayerNorm(2)(Tensor([[1.0, 3.0]])).data.round(3)
            array([[-1.,  1.]], dtype=float32)
        """
        gamma = self.gamma.data
        normal = x.data - row_means(x.data)
        inverse = 1 / np.sqrt(row_means(normal * normal) + np.float32(self.eps))
        normal *= inverse

        def backward(grad: Array) -> tuple[Array, Array, Array]:
            product = grad * normal
            dgamma = column_sums(product)
            # With slope = grad * gamma, what would move the mean or the variance of a
            # row is taken out: mean(slope) and normal * mean(slope * normal).
            column = (gamma / np.float32(gamma.size))[:, None]
            dx: Array = grad * gamma
            dx -= grad @ column
            dx -= np.multiply(normal, product @ column, out=product)
            dx *= inverse
            return dx, dgamma, column_sums(grad)

        out = normal * gamma
        out += self.beta.data
        return Tensor._from_op(out, (x, self.gamma, self.beta), backward)


class MLP(Layer):
    """Two linear layers with a GELU between them, for each token on its own.

    Attributes:
        linear1: Linear(embed_dim, hidden_dim).
        linear2: Linear(hidden_dim, embed_dim).
        dropout: Dropout(dropout_prob), for the result; 0.1 by default.
    """

    def __init__(
        self, embed_dim: int, hidden_dim: int | None = None, dropout_prob: float = 0.1
    ) -> None:
        """Make the layers. Without `hidden_dim` it is 4 * embed_dim.

        Example:
            >>> [p.shape for p in MLP(2).parameters()]
            [(2, 8), (8,), (8, 2), (2,)]
        """
        hidden = 4 * embed_dim if hidden_dim is None else hidden_dim
        self.linear1 = Linear(embed_dim, hidden)
        self.gelu = GELU()
        self.linear2 = Linear(hidden, embed_dim)
        self.dropout = Dropout(dropout_prob)

    def forward(self, x: Tensor) -> Tensor:
        """Return dropout(linear2(gelu(linear1(x)))), the same map for every token.

        Shapes: x (..., embed_dim) -> (..., embed_dim)

        Example:
            >>> MLP(4)(Tensor(np.ones((2, 3, 4)))).shape
            (2, 3, 4)
        """
        out: Tensor = self.dropout(self.linear2(self.gelu(self.linear1(x))))
        return out


class TransformerBlock(Layer):
    """Attention between the tokens, then an MLP for each of them ("pre-norm").

    Attributes:
        ln1, ln2: LayerNorm(embed_dim).
        attention: MultiHeadAttention(embed_dim, num_heads).
        mlp: MLP(embed_dim, int(mlp_ratio * embed_dim), dropout_prob).
        dropout: Dropout(dropout_prob), for the attention's result; 0.1 by default.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        mlp_ratio: float = 4,
        dropout_prob: float = 0.1,
    ) -> None:
        """Make the parts.

        Example:
            >>> TransformerBlock(8, 2, mlp_ratio=3).mlp.linear1.weight.shape
            (8, 24)
        """
        self.ln1 = LayerNorm(embed_dim)
        self.attention = MultiHeadAttention(embed_dim, num_heads)
        self.dropout = Dropout(dropout_prob)
        self.ln2 = LayerNorm(embed_dim)
        self.mlp = MLP(embed_dim, int(mlp_ratio * embed_dim), dropout_prob)

    def forward(self, x: Tensor, mask: Tensor | ArrayLike | None = None) -> Tensor:
        """Add to x what attention reads, then what the MLP makes of the sum.

        h   = x + dropout(attention(ln1(x), mask))
        out = h + mlp(ln2(h))

        x itself is never normalised, so it has a straight way through all blocks. In
        evaluation there is no dropout. `mask` is handed to the attention.

        Shapes: x (B, T, embed_dim) -> the same

        Example:
            >>> TransformerBlock(8, 2)(Tensor(np.ones((3, 5, 8)))).shape
            (3, 5, 8)
        """
        h = x + self.dropout(self.attention(self.ln1(x), mask))
        out: Tensor = h + self.mlp(self.ln2(h))
        return out


def next_tokens(logits: NDArray[Any], temperature: float) -> NDArray[np.int64]:
    """Return one token id for each row of logits.

    With temperature 0 it is the id of the largest logit ("greedy"); else it is drawn,
    with numpy's global random numbers, with the probabilities
    softmax(logits / temperature), each row for itself.

    Shapes: logits (B, vocab_size), an array -> (B,)

    Example:
        >>> next_tokens(np.array([[0.0, 2.0, 1.0], [5.0, 4.0, 3.0]]), 0).tolist()
        [1, 0]
    """
    if temperature != 0:
        # The largest of logits with Gumbel noise has the distribution of softmax.
        logits = logits / temperature + np.random.gumbel(size=logits.shape)
    ids: NDArray[np.int64] = logits.argmax(axis=-1)
    return ids


class GPT(Layer):
    """A language model: the logits of the next token at every place of a text.

    Attributes:
        max_seq_len: the context, the most tokens it can see.
        embedding: EmbeddingLayer(vocab_size, embed_dim, max_seq_len), learned places.
        blocks: a list of num_layers TransformerBlock(embed_dim, num_heads).
        ln_f: LayerNorm(embed_dim).
        lm_head: Linear(embed_dim, vocab_size, bias=False).
    """

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int,
        num_layers: int,
        num_heads: int,
        max_seq_len: int,
    ) -> None:
        """Make the parts.

        Example:
            >>> len(GPT(10, 8, 2, 2, 16).blocks)
            2
        """
        self.max_seq_len = max_seq_len
        self.embedding = EmbeddingLayer(vocab_size, embed_dim, max_seq_len)
        self.blocks = [
            TransformerBlock(embed_dim, num_heads) for _ in range(num_layers)
        ]
        self.ln_f = LayerNorm(embed_dim)
        self.lm_head = Linear(embed_dim, vocab_size, bias=False)

    def forward(self, tokens: Tensor | ArrayLike) -> Tensor:
        """Return lm_head(ln_f(x)), x being the embeddings after all blocks, in order.

        Every block gets the causal mask: the logits at t do not depend on later tokens.
        Every parameter gets a gradient.

        Shapes: tokens (B, T) -> logits (B, T, vocab_size)

        Raises:
            ValueError: T is larger than max_seq_len, or an id is not below vocab_size;
                the message names both numbers.

        Example:
            >>> GPT(10, 8, 2, 2, 16)([[1, 2, 3]]).shape
            (1, 3, 10)
        """
        x = self.embedding(tokens)
        mask = create_causal_mask(x.shape[1])
        for block in self.blocks:
            x = block(x, mask)
        logits: Tensor = self.lm_head(self.ln_f(x))
        return logits

    def generate(
        self,
        prompt_tokens: Tensor | ArrayLike,
        max_new_tokens: int,
        temperature: float = 1.0,
    ) -> Tensor:
        """Return the prompt and `max_new_tokens` tokens after it.

        One token at a time: the model gets the last max_seq_len tokens (all, while they
        are no more), and `next_tokens` of the logits at the last place follow: with
        temperature 0 the largest logit wins, else the token is drawn with the
        probabilities softmax(logits / temperature); by default the temperature is 1.
        The texts of a batch go on independently. The prompt has one token or more, and
        may be longer than max_seq_len. Nothing is tracked (`no_grad`); the mode (train
        or eval) stays as it is.

        Shapes: prompt_tokens (B, T) -> (B, T + max_new_tokens), ids in a Tensor

        Example:
            >>> GPT(10, 8, 1, 2, 4).generate([[1, 2, 3]], 5, temperature=0).shape
            (1, 8)
        """
        ids = token_ids(prompt_tokens)
        with no_grad():
            for _ in range(max_new_tokens):
                logits = self(ids[:, -self.max_seq_len :])
                chosen = next_tokens(logits.data[:, -1], temperature)
                ids = np.concatenate([ids, chosen[:, None]], axis=1)
        return Tensor(ids)
