"""Module 02: the Tensor, an array that can remember how it was made.

You will build, in this order:

    2.1   Tensor.__init__                 a float32 copy of the data   2 lines
    2.2   __add__ __sub__ __mul__ __truediv__                          2 lines each
    2.3   __pow__ __neg__                                              1 line each
    2.4   matmul                          with checks                  about 6 lines
    2.5   reshape                         with a check                 about 5 lines
    2.6   transpose                                                    about 5 lines
    2.7   sum mean max                                                 1 line each
    2.8   exp log sqrt                                                 1 line each
    2.9   __getitem__ numpy item                                       1 line each
    2.10  cat                                                          2 lines

End every operation with `return Tensor._from_op(array, (self, other))`: a new Tensor
of `array`, made from these inputs (one input: `(self,)`). `_from_op` and `_operand`
(a Tensor of whatever the other operand is) are given, in `base.py`.

Module 06 comes back here. `_from_op` has a third argument, the operation's gradient:
a function that takes d(loss)/d(result) as an array and returns d(loss)/d(input), one
array per input (None where an input needs none). For c = a * b:

    def backward(grad):
        return grad * b.data, grad * a.data

    return Tensor._from_op(a.data * b.data, (a, b), backward)

Axes that were broadcast need no care: the machinery of module 06 sums over them.

Run `make test-02` after each task.
"""
# ruff: noqa: F401 -- the imports are for what you will write

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinytorch.base import Array, Axis, TensorBase


class Tensor(TensorBase):
    """An array of float32 with a gradient.

    The data is copied in: changing the original array later changes nothing here.
    No method changes the tensor it is called on.

    Attributes:
        data: the float32 array. May be assigned; only an optimizer writes into it.
        grad: d(loss)/d(data), a float32 array of the same shape, or None. It starts
            as None.
        requires_grad: whether `backward` shall compute `grad`; False unless asked for.

    Args:
        data: a number, nested lists of numbers, or an array of any number type.
            A number gives shape ().
        requires_grad: see above.

    Example:
        >>> Tensor([[1, 2], [3, 4]]).shape
        (2, 2)
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, requires_grad: bool = False) -> None:
        """Copy the data, as float32; the class docstring says what must hold.

        `grad` is None already.
        """
        # TODO(2.1): about 2 lines.
        raise NotImplementedError("TODO 2.1: Tensor.__init__")

    def __add__(self, other: Any) -> Tensor:
        """Return the sum self + other, entry by entry, as a new Tensor.

        This docstring holds for `+ - * /`. Shapes broadcast as in numpy. `other` is a
        Tensor, a number, an array or a list; a number may also stand on the left.
        The operands keep their data.

        Shapes: self (...), other broadcastable to it or the other way round

        Raises:
            ValueError: the shapes do not broadcast; the message names both shapes.

        Example:
            >>> Tensor([[1, 2], [3, 4]]) + Tensor([10, 20])
            Tensor([[11.0, 22.0], [13.0, 24.0]])
        """
        # TODO(2.2): about 2 lines.
        # TODO(6.6): about 2 lines more.
        raise NotImplementedError("TODO 2.2: Tensor.__add__")

    def __sub__(self, other: Any) -> Tensor:
        """Return the difference self - other, entry by entry; rules as in `__add__`.

        Example:
            >>> Tensor([1, 2]) - 1
            Tensor([0.0, 1.0])
        """
        # TODO(2.2): about 2 lines.
        # TODO(6.6): about 2 lines more.
        raise NotImplementedError("TODO 2.2: Tensor.__sub__")

    def __mul__(self, other: Any) -> Tensor:
        """Return the product self * other, entry by entry; rules as in `__add__`.

        Example:
            >>> Tensor([1, 2]) * Tensor([[1], [10]])
            Tensor([[1.0, 2.0], [10.0, 20.0]])
        """
        # TODO(2.2): about 2 lines.
        # TODO(6.7): about 3 lines more.
        raise NotImplementedError("TODO 2.2: Tensor.__mul__")

    def __truediv__(self, other: Any) -> Tensor:
        """Return the quotient self / other, entry by entry; rules as in `__add__`.

        Example:
            >>> Tensor([1, 2]) / 4
            Tensor([0.25, 0.5])
        """
        # TODO(2.2): about 2 lines.
        # TODO(6.7): about 3 lines more.
        raise NotImplementedError("TODO 2.2: Tensor.__truediv__")

    def __pow__(self, exponent: float) -> Tensor:
        """Return each entry to the power of `exponent`, a number.

        Example:
            >>> Tensor([1, 2, 3]) ** 2
            Tensor([1.0, 4.0, 9.0])
        """
        # TODO(2.3): about 1 line.
        # TODO(6.7): about 2 lines more.
        raise NotImplementedError("TODO 2.3: Tensor.__pow__")

    def __neg__(self) -> Tensor:
        """Return a new Tensor with the sign of each entry changed.

        Example:
            >>> -Tensor([1, -2])
            Tensor([-1.0, 2.0])
        """
        # TODO(2.3): about 1 line.
        # TODO(6.6): about 1 line more.
        raise NotImplementedError("TODO 2.3: Tensor.__neg__")

    def matmul(self, other: Tensor) -> Tensor:
        """Return the matrix product, also written self @ other.

        out[..., i, j] = sum over k of self[..., i, k] * other[..., k, j]

        Axes before the last two are batch axes and broadcast. What happens to operands
        with fewer than two axes is left open.

        Shapes: self (..., n, k), other (..., k, m) -> (..., n, m)

        Raises:
            TypeError: `other` is not a Tensor.
            ValueError: the inner sizes differ, or the batch axes do not broadcast;
                the message names both shapes.

        Example:
            >>> Tensor([[1, 2]]).matmul(Tensor([[3], [4]]))
            Tensor([[11.0]])
        """
        # TODO(2.4): about 6 lines.
        # TODO(6.8): about 4 lines more.
        raise NotImplementedError("TODO 2.4: Tensor.matmul")

    def reshape(self, *shape: int) -> Tensor:
        """Return the same entries, in the same order, in another shape.

        One size may be -1: it is worked out from the others.

        Raises:
            ValueError: the number of entries differs; the message names both shapes,
                the old one and the one asked for.

        Example:
            >>> Tensor([[1, 2, 3], [4, 5, 6]]).reshape(3, -1)
            Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        """
        # TODO(2.5): about 5 lines.
        # TODO(6.9): about 1 line more.
        raise NotImplementedError("TODO 2.5: Tensor.reshape")

    def transpose(self, dim0: int | None = None, dim1: int | None = None) -> Tensor:
        """Return the tensor with the axes `dim0` and `dim1` exchanged.

        Without arguments the last two axes are exchanged; a 1-D tensor then stays as
        it is. Negative numbers count from the end.

        Example:
            >>> Tensor([[1, 2], [3, 4]]).transpose()
            Tensor([[1.0, 3.0], [2.0, 4.0]])
        """
        # TODO(2.6): about 5 lines.
        # TODO(6.9): about 1 line more.
        raise NotImplementedError("TODO 2.6: Tensor.transpose")

    def __getitem__(self, key: Any) -> Tensor:
        """Return self[key] as a Tensor; every key means what it means in numpy.

        An entry that is picked several times gets the sum of its gradients.

        Example:
            >>> Tensor([[1, 2, 3], [4, 5, 6]])[:, 1:]
            Tensor([[2.0, 3.0], [5.0, 6.0]])
        """
        # TODO(2.9): about 1 line.
        # TODO(6.9): about 3 lines more.
        raise NotImplementedError("TODO 2.9: Tensor.__getitem__")

    @staticmethod
    def cat(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
        """Return the tensors joined along an axis that exists, the first unless told.

        Shapes: equal except along `axis`, where the sizes add up

        Example:
            >>> Tensor.cat([Tensor([[1], [2]]), Tensor([[3], [4]])], axis=1)
            Tensor([[1.0, 3.0], [2.0, 4.0]])
        """
        # TODO(2.10): about 2 lines.
        # TODO(6.9): about 2 lines more.
        raise NotImplementedError("TODO 2.10: Tensor.cat")

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Return the sum over all entries, or over the entries along `axis`.

        Shapes: axis=None: () ; else the axis disappears, or stays with size 1 if
        `keepdims`. The same holds for `mean` and `max`.

        Example:
            >>> Tensor([[1, 2], [3, 4]]).sum(axis=0)
            Tensor([4.0, 6.0])
        """
        # TODO(2.7): about 1 line.
        # TODO(6.10): about 2 lines more.
        raise NotImplementedError("TODO 2.7: Tensor.sum")

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Return the mean over all entries or along `axis`; shapes as in `sum`.

        Example:
            >>> Tensor([[1, 2], [3, 4]]).mean()
            Tensor(2.5)
        """
        # TODO(2.7): about 1 line.
        # TODO(6.10): about 3 lines more.
        raise NotImplementedError("TODO 2.7: Tensor.mean")

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Return the largest entry of all or along `axis`; shapes as in `sum`.

        The gradient goes to the largest entry. Where several are equal, they share it
        equally or the first takes it: either is right.

        Example:
            >>> Tensor([[1, 5], [7, 2]]).max(axis=1, keepdims=True)
            Tensor([[5.0], [7.0]])
        """
        # TODO(2.7): about 1 line.
        # TODO(6.10): about 4 lines more.
        raise NotImplementedError("TODO 2.7: Tensor.max")

    def exp(self) -> Tensor:
        """Return e to the power of each entry.

        Example:
            >>> Tensor([0]).exp()
            Tensor([1.0])
        """
        # TODO(2.8): about 1 line.
        # TODO(6.11): about 1 line more.
        raise NotImplementedError("TODO 2.8: Tensor.exp")

    def log(self) -> Tensor:
        """Return the natural logarithm of each entry.

        Example:
            >>> Tensor([1]).log()
            Tensor([0.0])
        """
        # TODO(2.8): about 1 line.
        # TODO(6.11): about 1 line more.
        raise NotImplementedError("TODO 2.8: Tensor.log")

    def sqrt(self) -> Tensor:
        """Return the square root of each entry.

        Example:
            >>> Tensor([4, 9]).sqrt()
            Tensor([2.0, 3.0])
        """
        # TODO(2.8): about 1 line.
        # TODO(6.11): about 1 line more.
        raise NotImplementedError("TODO 2.8: Tensor.sqrt")

    def numpy(self) -> Array:
        """Return the data as an array; a copy or the array itself, either is right.

        Example:
            >>> Tensor([1, 2]).numpy()
            array([1., 2.], dtype=float32)
        """
        # TODO(2.9): about 1 line.
        raise NotImplementedError("TODO 2.9: Tensor.numpy")

    def item(self) -> float:
        """Return the only entry as a float of Python.

        Raises:
            ValueError: there is not exactly one entry.

        Example:
            >>> Tensor([[2.5]]).item()
            2.5
        """
        # TODO(2.9): about 1 line.
        raise NotImplementedError("TODO 2.9: Tensor.item")

    def zero_grad(self) -> None:
        """Forget the gradient: `grad` becomes None (or an array of zeros).

        Example:
            >>> t = Tensor([1.0], requires_grad=True)
            >>> t.sum().backward()
            >>> t.zero_grad()
            >>> t.grad is None
            True
        """
        # TODO(6.3): about 1 line.
        raise NotImplementedError("TODO 6.3: Tensor.zero_grad")
