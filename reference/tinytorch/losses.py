"""Module 05: losses, one number that says how wrong.

You will build:

    5.1  log_softmax                     the stable form     about 3 lines
    5.2  MSELoss.forward                                     about 4 lines
    5.3  CrossEntropyLoss.forward        from logits         about 7 lines
    5.4  BinaryCrossEntropyLoss.forward  from probabilities  about 6 lines

Every loss is the mean over its entries or rows, a Tensor of shape (). Targets may be a
Tensor, an array or a list; they need no gradient.

Run `make test-05` after each task.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinytorch.base import Array
from tinytorch.tensor import Tensor

# Probabilities are kept this far from 0 and 1. The smallest power of ten that survives
# the subtraction 1 - CLIP in float32.
CLIP = np.float32(1e-7)


def log_softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Return the logarithm of softmax along the axis `dim`.

    log_softmax(x) = (x - m) - log(sum of exp(x - m)), where m is the maximum along
    `dim`. Finite for entries up to +-1e3: never take the logarithm of a softmax, which
    may be 0.

    Shapes: x (...) -> (...)

    Example:
        >>> log_softmax(Tensor([[0.0, -1e3]]))
        Tensor([[0.0, -1000.0]])
    """
    data = _log_softmax(x.data, dim)

    def backward(grad: Array) -> tuple[Array]:
        return (grad - np.exp(data) * grad.sum(axis=dim, keepdims=True),)

    return Tensor._from_op(data, (x,), backward)


def _log_softmax(x: Array, dim: int) -> Array:
    """Return log_softmax of an array, in place after the first difference."""
    shifted: Array = x - x.max(axis=dim, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=dim, keepdims=True))
    return shifted


class Loss:
    """Given: what all losses share. `loss(...)` is `loss.forward(...)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        raise NotImplementedError


class MSELoss(Loss):
    """The mean squared error."""

    def forward(self, predictions: Tensor, targets: Tensor | ArrayLike) -> Tensor:
        """Return the mean of (predictions - targets) ** 2 over all entries.

        Shapes: predictions (...), targets the same -> ()

        Raises:
            ValueError: the shapes differ, even if they would broadcast; the message
                names both.

        Example:
            >>> MSELoss()(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]))
            Tensor(2.0)
        """
        p, y = predictions, Tensor._operand(targets)
        _same_shape(p, y)
        error = p.data - y.data

        def backward(grad: Array) -> tuple[Array, None]:
            return error * (grad * np.float32(2 / error.size)), None

        return Tensor._from_op(np.mean(error * error), (p, y), backward)


class CrossEntropyLoss(Loss):
    """The negative log-likelihood of the right class, from logits."""

    def forward(self, logits: Tensor, targets: Tensor | ArrayLike) -> Tensor:
        """Return the mean over the rows of -log_softmax(logits)[row, its class id].

        Logits are any real numbers: no softmax before this loss. Finite for logits up
        to +-1e3. `targets` are class ids from 0 to c - 1.

        Shapes: logits (n, c), targets (n,) -> ()

        Raises:
            ValueError: there is not one class id a row; the message names both shapes.

        Example:
            >>> CrossEntropyLoss()(Tensor([[0.0, 1e3], [1e3, 0.0]]), [1, 1])
            Tensor(500.0)
        """
        ids = _class_ids(targets)
        if logits.ndim != 2 or ids.shape != logits.shape[:1]:
            msg = f"CrossEntropyLoss: logits {logits.shape}, class ids {ids.shape}"
            raise ValueError(msg)
        row = np.arange(len(ids))
        log_p = _log_softmax(logits.data, 1)

        def backward(grad: Array) -> tuple[Array]:
            slope = np.exp(log_p)  # softmax - one-hot, for the mean over rows
            slope[row, ids] -= 1
            slope *= grad / np.float32(len(ids))
            return (slope,)

        return Tensor._from_op(-log_p[row, ids].mean(), (logits,), backward)


class BinaryCrossEntropyLoss(Loss):
    """The negative log-likelihood of yes-or-no answers, from probabilities."""

    def forward(self, predictions: Tensor, targets: Tensor | ArrayLike) -> Tensor:
        """Return the mean of -(y log p + (1 - y) log(1 - p)) over all entries.

        p are the predictions, clipped to [1e-7, 1 - 1e-7] so that the loss stays
        finite at 0 and 1. The gradient where p is clipped: either zero or the
        formula's.

        Shapes: predictions (...), targets the same -> ()

        Raises:
            ValueError: the shapes differ, even if they would broadcast; the message
                names both.

        Example:
            >>> BinaryCrossEntropyLoss()(Tensor([1.0]), Tensor([1.0])).item() < 1e-6
            True
        """
        y = Tensor._operand(targets)
        _same_shape(predictions, y)
        p, t = np.clip(predictions.data, CLIP, 1 - CLIP), y.data

        def backward(grad: Array) -> tuple[Array, None]:
            slope = (p - t) / (p * (1 - p))
            return slope * (grad / np.float32(p.size)), None

        loss = -np.mean(t * np.log(p) + (1 - t) * np.log1p(-p))
        return Tensor._from_op(loss, (predictions, y), backward)


# Given: helpers.


def _same_shape(a: Tensor, b: Tensor) -> None:
    """Given: raise ValueError, naming both shapes, unless they are equal."""
    if a.shape != b.shape:
        msg = f"predictions have shape {a.shape}, targets {b.shape}"
        raise ValueError(msg)


def _class_ids(targets: Any) -> NDArray[np.int64]:
    """Given: return class ids as integers, from a Tensor, an array or a list."""
    data = targets.data if isinstance(targets, Tensor) else targets
    return np.asarray(data).astype(np.int64)
