"""Module 16: quantization, weights of one byte.

You will build:

    16.1  quantize_int8            floats -> 256 steps     about 8 lines
    16.2  dequantize_int8          and back                about 2 lines
    16.3  QuantizedLinear.__init__ keep one byte a weight  about 3 lines
    16.4  QuantizedLinear.forward  compute from the bytes  about 4 lines
    16.5  quantize_model           every Linear of it      about 15 lines
    16.6  model_size_bytes         what is stored          about 5 lines

A quantized number q stands for (q - zero_point) * scale. This is for inference: no
gradient is asked for anywhere in this module.

Run `make test-16` after each task.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinytorch.layers import Layer, Linear
from tinytorch.tensor import Tensor

Int8 = NDArray[np.int8]


def quantize_int8(t: Tensor) -> tuple[Int8, float, int]:
    """Return (q, scale, zero_point): the entries of `t` on a grid of 256 steps.

    The grid spans the range of t, from its smallest to its largest entry, wherever
    that lies; it need not contain 0:

        scale = (max - min) / 255              any positive number if max equals min
        zero_point = round(-128 - min / scale)
        q = round(t / scale + zero_point), clipped to [-128, 127]

    q is an int8 array of the shape of t, scale a float, zero_point an int. zero_point
    need not fit into int8 and must not be clipped: for entries from 100 to 101 it is
    far below -128. scale may differ from the formula by 0.1 %, zero_point by 1.

    What must hold: (q - zero_point) * scale gives every entry back with an error of at
    most scale, plus 1e-6 * |entry| for what float32 cannot hold. If all entries are c,
    the error is at most 1e-6 * max(1, |c|). Compute in float64 to be safe: t / scale
    may have more digits than float32. t itself stays as it is.

    Example:
        >>> quantize_int8(Tensor([0.0, 51.0, 255.0]))
        (array([-128,  -77,  127], dtype=int8), 1.0, -128)
    """
    # TODO(16.1): about 8 lines.
    raise NotImplementedError("TODO 16.1: quantize_int8")


def dequantize_int8(q: Int8, scale: float, zero_point: int) -> Tensor:
    """Return the Tensor (q - zero_point) * scale, of the shape of q.

    Convert q first: q - zero_point does not fit into int8.

    Example:
        >>> dequantize_int8(np.array([-128, 127], dtype=np.int8), 0.5, -128)
        Tensor([0.0, 127.5])
    """
    # TODO(16.2): about 2 lines.
    raise NotImplementedError("TODO 16.2: dequantize_int8")


class QuantizedLinear(Layer):
    """A Linear layer that keeps one byte a weight.

    Attributes:
        weight: int8 array of shape (in_features, out_features).
        scale, zero_point: what the bytes stand for.
        bias: as in the Linear layer, in float32: a Tensor, or None.
    """

    def __init__(self, linear: Linear) -> None:
        """Quantize the weight of `linear`, with `quantize_int8`.

        The int8 array is all that is kept of it: neither `linear` nor its weight, nor
        a float copy. The bias is shared or copied, either.

        Example:
            >>> layer = QuantizedLinear(Linear(3, 2))
            >>> layer.weight.dtype, layer.weight.shape
            (dtype('int8'), (3, 2))
        """
        # TODO(16.3): about 3 lines.
        raise NotImplementedError("TODO 16.3: QuantizedLinear.__init__")

    def forward(self, x: Tensor) -> Tensor:
        """Return x @ W + bias, where W is the weight as `dequantize_int8` gives it.

        Each entry of W differs from the original weight by at most one scale. The
        result is a float32 Tensor. Any number of axes before the last one, or none.

        Shapes: x (..., in_features) -> (..., out_features)

        Raises:
            ValueError: the last size of x is not in_features; the message names the
                shapes of x and weight.

        Example:
            >>> linear = Linear(2, 1)
            >>> linear.weight.data = np.array([[0], [255]], dtype=np.float32)
            >>> QuantizedLinear(linear)(Tensor([[3, 4]])).item()
            1020.0
        """
        # TODO(16.4): about 4 lines.
        raise NotImplementedError("TODO 16.4: QuantizedLinear.forward")


def quantize_model(model: Any) -> Any:
    """Replace every Linear layer of `model` by a QuantizedLinear; return the model.

    Linear layers are looked for in the attributes of `model` and of all layers in it,
    and in lists and tuples there (as in Sequential). It is done in place; the model is
    returned. If `model` is itself a Linear, a QuantizedLinear of it is returned. A
    layer that is used in two places is quantized once and stays one layer. All other
    layers stay as they are.

    A classifier loses less than one point of accuracy, and the weights of its Linear
    layers need a quarter of the bytes.

    Example:
        >>> type(quantize_model(Linear(3, 2))).__name__
        'QuantizedLinear'
    """
    # TODO(16.5): about 15 lines.
    raise NotImplementedError("TODO 16.5: quantize_model")


def _replaced(part: Any, done: dict[int, Any]) -> Any:
    """Return what stands for `part` in the quantized model.

    Args:
        done: id -> (part, what stands for it), as a part may be used twice; the part
            is kept so that its id is not given to another one.
    """
    if id(part) in done:
        return done[id(part)][1]
    if isinstance(part, Linear):
        done[id(part)] = part, QuantizedLinear(part)
    elif isinstance(part, list):
        part[:] = [_replaced(p, done) for p in part]
    elif isinstance(part, tuple):
        return tuple(_replaced(p, done) for p in part)
    elif isinstance(part, Layer):
        done[id(part)] = part, part
        for name, value in vars(part).items():
            setattr(part, name, _replaced(value, done))
    return done[id(part)][1] if id(part) in done else part


def model_size_bytes(model: Any) -> int:
    """Return how many bytes the numbers of `model` take.

    Counted are the arrays of all parameters, of all buffers (Tensors that are not
    trained) and of all quantized weights, in `model` and in all layers in it: the
    number of entries times the bytes of one entry, 4 in float32 and 1 in int8. An array
    that is used twice is counted once; gradients are not counted. Scales and zero
    points, a few bytes a layer, may be counted or not. `_arrays(model)` yields the
    arrays.

    Example:
        >>> model_size_bytes(Linear(100, 10))
        4040
    """
    # TODO(16.6): about 5 lines.
    raise NotImplementedError("TODO 16.6: model_size_bytes")


# Given: helpers.


def _arrays(model: Any) -> Iterator[NDArray[Any]]:
    """Given: yield all arrays of a layer and its sublayers, some perhaps twice."""
    stack = [model]
    seen: set[int] = set()
    while stack:
        part = stack.pop()
        if isinstance(part, list | tuple):
            stack.extend(part)
        elif isinstance(part, Tensor):
            yield part.data
        elif isinstance(part, np.ndarray):
            yield part
        elif hasattr(part, "parameters") and id(part) not in seen:
            seen.add(id(part))
            stack.extend(vars(part).values())
