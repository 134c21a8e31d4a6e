"""Module 04: layers, functions with parameters.

You will build:

    4.1  Layer.parameters      find them in the attributes     about 9 lines
    4.2  Layer.train           switch a whole model            about 4 lines
    4.3  Linear.__init__       random weights of a sane size   about 7 lines
    4.4  Linear.forward        x @ weight + bias               about 4 lines
    4.5  Dropout               forget at random                about 11 lines
    4.6  Sequential.forward    one after the other             about 3 lines

Run `make test-04` after each task.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinytorch.base import Array
from tinytorch.kernels import rows
from tinytorch.rowwise import column_sums
from tinytorch.tensor import Tensor


class Layer:
    """What all layers share; `layer(x)` is `layer.forward(x)`.

    A subclass writes `forward` and keeps its parameters (tensors with
    `requires_grad=True`), its buffers (tensors without) and its sublayers in its
    attributes, or in lists and tuples there. `__init__` of this class does nothing,
    so a subclass need not call it.

    Attributes:
        training: True until `eval()`; some layers behave differently in training.
    """

    training: bool = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the layer's output; every subclass writes its own."""
        msg = f"{type(self).__name__} has no forward"
        raise NotImplementedError(msg)

    def parameters(self) -> list[Tensor]:
        """Return the list of parameters of this layer and of all its sublayers.

        A parameter is a Tensor attribute with `requires_grad=True`. A sublayer is an
        attribute with a method `parameters`. `self._parts()` yields all attributes,
        those inside lists and tuples included. The order is that of the attributes;
        a parameter that is used twice is listed once.

        Example:
            >>> [p.shape for p in Sequential(Linear(2, 3), Linear(3, 1)).parameters()]
            [(2, 3), (3,), (3, 1), (1,)]
        """
        found: list[Tensor] = []
        for part in self._parts():
            if isinstance(part, Tensor):
                if part.requires_grad:
                    found.append(part)
            elif hasattr(part, "parameters"):
                found.extend(part.parameters())
        return list({id(p): p for p in found}.values())

    def train(self, mode: bool = True) -> None:
        """Set `training` to `mode` in this layer and in all its sublayers.

        Sublayers are found with `self._parts()`; those without a method `train` (the
        activations) have no mode.

        Example:
            >>> model = Sequential(Dropout(0.5))
            >>> model.eval()
            >>> model.layers[0].training
            False
        """
        self.training = mode
        for part in self._parts():
            if hasattr(part, "train"):
                part.train(mode)

    def eval(self) -> None:
        """Given: switch this layer and all its sublayers to evaluation."""
        self.train(False)

    def buffers(self) -> list[Tensor]:
        """Given: return the tensors that belong to the layer but are not trained."""
        found: list[Tensor] = []
        for part in self._parts():
            if isinstance(part, Tensor):
                if not part.requires_grad:
                    found.append(part)
            elif hasattr(part, "buffers"):
                found.extend(part.buffers())
        return found

    def _parts(self) -> Iterator[Any]:
        """Given: yield the attributes, those inside lists and tuples included."""
        stack = list(vars(self).values())[::-1]
        while stack:
            part = stack.pop()
            if isinstance(part, list | tuple):
                stack.extend(reversed(part))
            else:
                yield part


class Linear(Layer):
    """The affine map y = x @ weight + bias.

    Attributes:
        weight: parameter of shape (in_features, out_features).
        bias: parameter of shape (out_features,), or None if `bias=False`.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        """Draw the weight from numpy's global random numbers; set the bias to zero.

        Entries of `weight` have mean 0 and, where in_features equals out_features, a
        standard deviation between 0.5 and 2 times 1 / sqrt(in_features): the formulas
        of Xavier, He and PyTorch all lie there. No bias is larger than
        1 / sqrt(in_features). After `numpy.random.seed(0)` the same numbers come again.
        Both are Tensors with `requires_grad=True`.

        Example:
            >>> layer = Linear(3, 2)
            >>> layer.weight.shape, layer.bias.shape
            ((3, 2), (2,))
        """
        scale = np.sqrt(2 / in_features)  # He et al. 2015: keeps the variance past ReLU
        weight = np.random.normal(0, scale, size=(in_features, out_features))
        self.weight = Tensor(weight, requires_grad=True)
        self.bias: Tensor | None = None
        if bias:
            self.bias = Tensor(np.zeros(out_features), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ weight + bias; any number of axes before the last one, or none.

        Shapes: x (..., in_features) -> (..., out_features); so (in_features,) ->
        (out_features,)

        Raises:
            ValueError: the last size of x is not in_features; the message names the
                shapes of x and weight.

        Example:
            >>> layer = Linear(2, 1)
            >>> layer.weight.data = np.array([[1], [10]], dtype=np.float32)
            >>> layer(Tensor([[3, 4]])).item()
            43.0
        """
        w, b = self.weight, self.bias
        if x.shape[-1] != w.shape[0]:
            msg = f"Linear: x {x.shape} does not fit the weight {w.shape}"
            raise ValueError(msg)
        flat = rows(x.data)
        out = flat @ w.data
        if b is not None:
            out += b.data

        # One operation for x @ weight + bias, which alone would make two arrays more.
        def backward(grad: Array) -> tuple[Array | None, ...]:
            grads = rows(grad)
            dx = (grads @ w.data.T).reshape(x.shape) if x.requires_grad else None
            return (dx, flat.T @ grads, column_sums(grads))[: len(inputs)]

        inputs = (x, w) if b is None else (x, w, b)
        return Tensor._from_op(out.reshape(*x.shape[:-1], -1), inputs, backward)


class Dropout(Layer):
    """Set entries to zero at random, in training only.

    Attributes:
        p: share of entries to drop; a half unless told.
    """

    def __init__(self, p: float = 0.5) -> None:
        """Keep `p`.

        Raises:
            ValueError: p is not in the range 0 <= p < 1.
        """
        if not 0 <= p < 1:
            msg = f"Dropout: p must be in [0, 1), not {p}"
            raise ValueError(msg)
        self.p = p

    def forward(self, x: Tensor, training: bool | None = None) -> Tensor:
        """Drop each entry with probability p; scale the others by 1 / (1 - p).

        So the expected value of every entry stays ("inverted" dropout). Not in
        training, the result equals x. `training=True` or `training=False` wins over
        the layer's own mode, which `train()` and `eval()` set. The mask comes from
        numpy's global random numbers, afresh in every call. The gradient passes where
        the entry passed, scaled alike.

        Shapes: x (...) -> (...)

        Example:
            >>> Dropout(0.5)(Tensor([1.0, 2.0]), training=False)
            Tensor([1.0, 2.0])
        """
        active = self.training if training is None else training
        if not active or self.p == 0:
            return x
        keep = np.random.random(x.shape) >= self.p
        mask = keep * np.float32(1 / (1 - self.p))
        return Tensor._from_op(x.data * mask, (x,), lambda grad: (grad * mask,))


class Sequential(Layer):
    """Layers and activations, one after the other.

    Attributes:
        layers: the list of them.
    """

    def __init__(self, *layers: Any) -> None:
        self.layers = list(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the last layer's output, each layer being fed the one before it.

        Without layers the result is x.

        Example:
            >>> Sequential()(Tensor([1.0]))
            Tensor([1.0])
        """
        for layer in self.layers:
            x = layer(x)
        return x
