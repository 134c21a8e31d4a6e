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
# ruff: noqa: F401 -- the imports are for what you will write

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
    # TODO(5.1): about 3 lines.
    # TODO(6.14): about 2 lines more.
    raise NotImplementedError("TODO 5.1: log_softmax")


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
        # TODO(5.2): about 4 lines.
        # TODO(6.14): about 3 lines more.
        raise NotImplementedError("TODO 5.2: MSELoss.forward")


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
        # TODO(5.3): about 7 lines.
        # TODO(6.14): about 4 lines more.
        raise NotImplementedError("TODO 5.3: CrossEntropyLoss.forward")


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
        # TODO(5.4): about 6 lines.
        # TODO(6.14): about 4 lines more.
        raise NotImplementedError("TODO 5.4: BinaryCrossEntropyLoss.forward")


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
