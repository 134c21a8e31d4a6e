"""Module 12: attention, every token asks all others.

You will build:

    12.1  scaled_dot_product_attention          queries, keys, values  about 25 lines
    12.2  MultiHeadAttention.__init__           four projections       about 8 lines
    12.3  MultiHeadAttention.forward            several heads at once  about 12 lines

Here B is the number of texts, T the number of tokens in each, D the size of their
vectors. In a mask 1 (or True) means: may be seen, 0: is hidden.

Run `make test-12` after each task.
"""
# ruff: noqa: F401 -- the imports are for what you will write

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinytorch.base import Array
from tinytorch.layers import Layer, Linear
from tinytorch.tensor import Tensor

# What is added to the score of a hidden key: exp of it is 0, and it is finite, so that
# a row with nothing to see gives numbers and not nan.
HIDDEN = np.float32(-1e9)


def scaled_dot_product_attention(
    Q: Tensor,  # noqa: N803 -- the letters of the paper
    K: Tensor,  # noqa: N803
    V: Tensor,  # noqa: N803
    mask: Tensor | ArrayLike | None = None,
) -> tuple[Tensor, Tensor]:
    """Return what each query reads from the values, and with which weights.

    scores  = Q @ K^T / sqrt(d)
    weights = softmax(scores) along the last axis, hidden keys getting weight 0
    out     = weights @ V

    K^T exchanges the last two axes; the axes before them are batch axes. The weights of
    a query sum to 1, also for scores up to +-1e4: subtract the largest of a row before
    exp. A key that the mask hides gets a weight below 1e-6, and the others share the 1
    among them. A query with nothing to see: any result.

    Q, K and V get gradients through `out`; whether gradients also pass through
    `weights` is left open. Q, K, V and mask keep their data.

    Shapes: Q (..., T, d), K (..., S, d), V (..., S, dv), mask broadcastable to
    (..., T, S) -> out (..., T, dv), weights (..., T, S)

    Args:
        mask: 1 or True where the query (row) may see the key (column), 0 where not; a
            Tensor or an array. None: every query sees every key.

    Example:
        >>> Q, K = Tensor([[0.0, 0.0]]), Tensor([[1.0, 2.0], [3.0, 4.0]])
        >>> out, weights = scaled_dot_product_attention(Q, K, Tensor([[1.0], [3.0]]))
        >>> weights, out
        (Tensor([[0.5, 0.5]]), Tensor([[2.0]]))
    """
    # TODO(12.1): about 25 lines.
    raise NotImplementedError("TODO 12.1: scaled_dot_product_attention")


class MultiHeadAttention(Layer):
    """Attention of a text to itself, by several heads that look for different things.

    Attributes:
        embed_dim, num_heads: as given.
        q_proj, k_proj, v_proj, out_proj: Linear(embed_dim, embed_dim), with bias.
    """

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        """Make the four projections.

        Raises:
            ValueError: embed_dim is not a multiple of num_heads; the message names both
                numbers.

        Example:
            >>> len(MultiHeadAttention(8, 2).parameters())
            8
        """
        # TODO(12.2): about 8 lines.
        raise NotImplementedError("TODO 12.2: MultiHeadAttention.__init__")

    def forward(self, x: Tensor, mask: Tensor | ArrayLike | None = None) -> Tensor:
        """Return out_proj of the heads' results, side by side.

        q_proj(x), k_proj(x) and v_proj(x) are the queries, keys and values. Head h has
        the columns from h * d to (h + 1) * d of each, where d = embed_dim / num_heads,
        and does `scaled_dot_product_attention` with them (the scale is 1 / sqrt(d));
        its result stands in the same columns of what out_proj gets. To do all heads at
        once, bring (B, T, embed_dim) to (B, num_heads, T, d), and back.

        Every parameter gets a gradient (that of k_proj.bias is zero by mathematics),
        and so does x.

        Shapes: x (B, T, embed_dim) -> (B, T, embed_dim)

        Args:
            mask: 1 where row t may see column s. Its shape is (T, T), (1, T, T) or
                (B, T, T), the same for all heads; or any that broadcasts to
                (B, num_heads, T, T). With the lower triangle of ones (a causal mask)
                the result at t does not depend on x at t + 1 and later.

        Raises:
            ValueError: the last size of x is not embed_dim; the message names it and
                embed_dim, or the shapes of x and of a weight.

        Example:
            >>> MultiHeadAttention(8, 2)(Tensor(np.ones((3, 5, 8)))).shape
            (3, 5, 8)
        """
        # TODO(12.3): about 12 lines.
        raise NotImplementedError("TODO 12.3: MultiHeadAttention.forward")


# Given: helpers.


def _array(mask: Tensor | ArrayLike) -> Array:
    """Given: return the array in a mask."""
    return mask.data if isinstance(mask, Tensor) else np.asarray(mask)
