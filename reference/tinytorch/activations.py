"""Module 03: activations, functions that bend.

You will build:

    3.1  Activation.parameters   nothing to learn          1 line
         Sigmoid.forward         1 / (1 + exp(-x))         about 3 lines
    3.2  ReLU.forward            max(x, 0)                 1 line
    3.3  Tanh.forward            tanh(x)                   1 line
    3.4  GELU.forward            x * sigmoid(1.702 x)      about 3 lines
    3.5  Softmax.forward         exp(x) / sum of exp(x)    about 4 lines

Compute with arrays and end with `return Tensor._from_op(array, (x,))`, as in module 02.
Module 06 adds the gradient there, as the third argument.

Run `make test-03` after each task.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

from typing import Any

import numpy as np

from tinytorch.base import Array
from tinytorch.tensor import Tensor


class Activation:
    """What all activations share. `activation(x)` is `activation.forward(x)`.

    Every activation takes a Tensor of any shape and returns a new one of the same
    shape; its input keeps its data. `parameters()` is an empty list.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        return self.forward(*args, **kwargs)

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def parameters(self) -> list[Tensor]:
        """Return an empty list: an activation has nothing to learn."""
        return []


class Sigmoid(Activation):
    """Squeeze every entry into (0, 1): 1 / (1 + exp(-x)).

    `sigmoid(x)` calls `forward`; the shape stays, and the input keeps its data.
    `parameters()` is an empty list.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return 1 / (1 + exp(-x)) of each entry.

        Finite, and without overflow, for |x| up to 1e4: exp may only see -|x|.

        Shapes: x (...) -> (...)

        Example:
            >>> Sigmoid()(Tensor([0.0, -1e4, 1e4]))
            Tensor([0.5, 0.0, 1.0])
        """
        data = _sigmoid(x.data)
        return Tensor._from_op(data, (x,), lambda grad: (grad * data * (1 - data),))


class ReLU(Activation):
    """Keep what is positive: max(x, 0)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return max(x, 0) of each entry. The gradient at 0 is 0 or 1, either.

        Shapes: x (...) -> (...)

        Example:
            >>> ReLU()(Tensor([-1.0, 2.0]))
            Tensor([0.0, 2.0])
        """
        data = np.maximum(x.data, 0)
        return Tensor._from_op(data, (x,), lambda grad: (grad * (data > 0),))


class Tanh(Activation):
    """Squeeze every entry into (-1, 1): tanh(x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return tanh(x) of each entry, finite for |x| up to 1e4.

        Shapes: x (...) -> (...)

        Example:
            >>> Tanh()(Tensor([0.0, 1e4]))
            Tensor([0.0, 1.0])
        """
        data = np.tanh(x.data)
        return Tensor._from_op(data, (x,), lambda grad: (grad * (1 - data * data),))


class GELU(Activation):
    """Let each entry through by its share: x * sigmoid(1.702 x)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x * sigmoid(1.702 x) of each entry.

        The forms with erf or tanh count as right too: a result within 2.5e-2 of any of
        the three passes. Finite for |x| up to 1e4.

        Shapes: x (...) -> (...)

        Example:
            >>> GELU()(Tensor([0.0, 1e4]))
            Tensor([0.0, 10000.0])
        """
        # sigmoid(2 z) = (1 + tanh(z)) / 2, which needs one pass over the array less
        share = np.tanh(np.float32(0.851) * x.data)
        share += 1
        share *= np.float32(0.5)

        def backward(grad: Array) -> tuple[Array]:
            slope = 1 - share
            slope *= np.float32(1.702) * x.data
            slope += 1
            slope *= share
            slope *= grad
            return (slope,)

        return Tensor._from_op(x.data * share, (x,), backward)


class Softmax(Activation):
    """Turn numbers into shares that sum to one along `dim`."""

    def forward(self, x: Tensor, dim: int = -1) -> Tensor:
        """Return exp(x) / sum of exp(x) along the axis `dim`.

        Computed as exp(x - max), with the maximum of each row along `dim` (keepdims),
        so that entries up to +-1e4 give finite shares and every row sums to 1.
        Negative `dim` counts from the end.

        Shapes: x (...) -> (...)

        Example:
            >>> Softmax()(Tensor([[1e4, 1e4], [0.0, -1e4]]))
            Tensor([[0.5, 0.5], [1.0, 0.0]])
        """
        data = np.exp(x.data - x.data.max(axis=dim, keepdims=True))
        data /= data.sum(axis=dim, keepdims=True)

        def backward(grad: Array) -> tuple[Array]:
            mean = (grad * data).sum(axis=dim, keepdims=True)
            return (data * (grad - mean),)

        return Tensor._from_op(data, (x,), backward)


def _sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)); exp sees only numbers below 0, so it never overflows.

    For x < 0 the same value is exp(x) / (1 + exp(x)).
    """
    e = np.exp(-np.abs(x))
    result: Array = np.where(x >= 0, 1, e) / (1 + e)
    return result
