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

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinytorch.base import Array, Axis, TensorBase
from tinytorch.kernels import apply, in_order_of, product, restore, rows


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
        self.data = np.array(data, dtype=np.float32)
        self.requires_grad = requires_grad

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
        a, b = self, self._operand(other)

        def backward(grad: Array) -> Sequence[Array]:
            return grad, grad

        return Tensor._from_op(apply(np.add, a.data, b.data), (a, b), backward)

    def __sub__(self, other: Any) -> Tensor:
        """Return the difference self - other, entry by entry; rules as in `__add__`.

        Example:
            >>> Tensor([1, 2]) - 1
            Tensor([0.0, 1.0])
        """
        a, b = self, self._operand(other)

        def backward(grad: Array) -> Sequence[Array | None]:
            return grad, -grad if b.requires_grad else None

        return Tensor._from_op(apply(np.subtract, a.data, b.data), (a, b), backward)

    def __mul__(self, other: Any) -> Tensor:
        """Return the product self * other, entry by entry; rules as in `__add__`.

        Example:
            >>> Tensor([1, 2]) * Tensor([[1], [10]])
            Tensor([[1.0, 2.0], [10.0, 20.0]])
        """
        a, b = self, self._operand(other)

        def backward(grad: Array) -> Sequence[Array | None]:
            return (
                grad * b.data if a.requires_grad else None,
                grad * a.data if b.requires_grad else None,
            )

        return Tensor._from_op(apply(np.multiply, a.data, b.data), (a, b), backward)

    def __truediv__(self, other: Any) -> Tensor:
        """Return the quotient self / other, entry by entry; rules as in `__add__`.

        Example:
            >>> Tensor([1, 2]) / 4
            Tensor([0.25, 0.5])
        """
        a, b = self, self._operand(other)

        def backward(grad: Array) -> Sequence[Array | None]:
            return (
                grad / b.data if a.requires_grad else None,
                -grad * a.data / (b.data * b.data) if b.requires_grad else None,
            )

        return Tensor._from_op(apply(np.divide, a.data, b.data), (a, b), backward)

    def __pow__(self, exponent: float) -> Tensor:
        """Return each entry to the power of `exponent`, a number.

        Example:
            >>> Tensor([1, 2, 3]) ** 2
            Tensor([1.0, 4.0, 9.0])
        """

        def backward(grad: Array) -> Sequence[Array]:
            return (grad * (exponent * self.data ** (exponent - 1)),)

        return Tensor._from_op(self.data**exponent, (self,), backward)

    def __neg__(self) -> Tensor:
        """Return a new Tensor with the sign of each entry changed.

        Example:
            >>> -Tensor([1, -2])
            Tensor([-1.0, 2.0])
        """
        return Tensor._from_op(-self.data, (self,), lambda grad: (-grad,))

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
        if not isinstance(other, Tensor):
            msg = f"matmul needs a Tensor, not {type(other).__name__}"
            raise TypeError(msg)
        a, b = self, other
        if min(a.ndim, b.ndim) < 2 or a.shape[-1] != b.shape[-2]:
            msg = f"matmul: shapes {a.shape} and {b.shape} do not fit"
            raise ValueError(msg)

        def backward(grad: Array) -> Sequence[Array | None]:
            da = product(grad, b.data.swapaxes(-1, -2)) if a.requires_grad else None
            if not b.requires_grad:
                return da, None
            if b.ndim == 2:  # one weight for the whole batch: one large product
                return da, rows(a.data).T @ rows(grad)
            return da, a.data.swapaxes(-1, -2) @ grad

        return Tensor._from_op(apply(product, a.data, b.data), (a, b), backward)

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
        try:
            data = self.data.reshape(shape)
        except ValueError:
            msg = f"reshape: {self.shape} has other entries than {shape}"
            raise ValueError(msg) from None

        def backward(grad: Array) -> Sequence[Array]:
            return (in_order_of(self.data, grad.reshape(self.shape)),)

        return Tensor._from_op(data, (self,), backward)

    def transpose(self, dim0: int | None = None, dim1: int | None = None) -> Tensor:
        """Return the tensor with the axes `dim0` and `dim1` exchanged.

        Without arguments the last two axes are exchanged; a 1-D tensor then stays as
        it is. Negative numbers count from the end.

        Example:
            >>> Tensor([[1, 2], [3, 4]]).transpose()
            Tensor([[1.0, 3.0], [2.0, 4.0]])
        """
        if dim0 is None or dim1 is None:
            if self.ndim < 2:
                return self
            dim0, dim1 = -2, -1
        i, j = dim0, dim1
        data = self.data.swapaxes(i, j)
        return Tensor._from_op(data, (self,), lambda grad: (grad.swapaxes(i, j),))

    def __getitem__(self, key: Any) -> Tensor:
        """Return self[key] as a Tensor; every key means what it means in numpy.

        An entry that is picked several times gets the sum of its gradients.

        Example:
            >>> Tensor([[1, 2, 3], [4, 5, 6]])[:, 1:]
            Tensor([[2.0, 3.0], [5.0, 6.0]])
        """

        def backward(grad: Array) -> Sequence[Array]:
            full = np.zeros_like(self.data)
            np.add.at(full, key, grad)  # `full[key] += grad` counts repeats once
            return (full,)

        return Tensor._from_op(self.data[key], (self,), backward)

    @staticmethod
    def cat(tensors: Sequence[Tensor], axis: int = 0) -> Tensor:
        """Return the tensors joined along an axis that exists, the first unless told.

        Shapes: equal except along `axis`, where the sizes add up

        Example:
            >>> Tensor.cat([Tensor([[1], [2]]), Tensor([[3], [4]])], axis=1)
            Tensor([[1.0, 3.0], [2.0, 4.0]])
        """
        ends = np.cumsum([t.shape[axis] for t in tensors])[:-1]
        data = np.concatenate([t.data for t in tensors], axis=axis)
        return Tensor._from_op(data, tensors, lambda grad: np.split(grad, ends, axis))

    def sum(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Return the sum over all entries, or over the entries along `axis`.

        Shapes: axis=None: () ; else the axis disappears, or stays with size 1 if
        `keepdims`. The same holds for `mean` and `max`.

        Example:
            >>> Tensor([[1, 2], [3, 4]]).sum(axis=0)
            Tensor([4.0, 6.0])
        """

        def backward(grad: Array) -> Sequence[Array]:
            wide = restore(grad, self.ndim, axis, keepdims)
            return (np.broadcast_to(wide, self.shape),)

        data = self.data.sum(axis, keepdims=keepdims)
        return Tensor._from_op(data, (self,), backward)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Return the mean over all entries or along `axis`; shapes as in `sum`.

        Example:
            >>> Tensor([[1, 2], [3, 4]]).mean()
            Tensor(2.5)
        """
        data = self.data.mean(axis, keepdims=keepdims)
        count = self.size / max(data.size, 1)

        def backward(grad: Array) -> Sequence[Array]:
            share = restore(grad, self.ndim, axis, keepdims) / np.float32(count)
            return (np.broadcast_to(share, self.shape),)

        return Tensor._from_op(data, (self,), backward)

    def max(self, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Return the largest entry of all or along `axis`; shapes as in `sum`.

        The gradient goes to the largest entry. Where several are equal, they share it
        equally or the first takes it: either is right.

        Example:
            >>> Tensor([[1, 5], [7, 2]]).max(axis=1, keepdims=True)
            Tensor([[5.0], [7.0]])
        """
        data = self.data.max(axis, keepdims=keepdims)

        def backward(grad: Array) -> Sequence[Array]:
            largest = self.data == restore(data, self.ndim, axis, keepdims)
            ties = largest.sum(axis, keepdims=True, dtype=np.float32)
            return (largest * (restore(grad, self.ndim, axis, keepdims) / ties),)

        return Tensor._from_op(data, (self,), backward)

    def exp(self) -> Tensor:
        """Return e to the power of each entry.

        Example:
            >>> Tensor([0]).exp()
            Tensor([1.0])
        """
        data = np.exp(self.data)
        return Tensor._from_op(data, (self,), lambda grad: (grad * data,))

    def log(self) -> Tensor:
        """Return the natural logarithm of each entry.

        Example:
            >>> Tensor([1]).log()
            Tensor([0.0])
        """
        data = np.log(self.data)
        return Tensor._from_op(data, (self,), lambda grad: (grad / self.data,))

    def sqrt(self) -> Tensor:
        """Return the square root of each entry.

        Example:
            >>> Tensor([4, 9]).sqrt()
            Tensor([2.0, 3.0])
        """
        data = np.sqrt(self.data)
        return Tensor._from_op(data, (self,), lambda grad: (grad / (2 * data),))

    def numpy(self) -> Array:
        """Return the data as an array; a copy or the array itself, either is right.

        Example:
            >>> Tensor([1, 2]).numpy()
            array([1., 2.], dtype=float32)
        """
        return self.data

    def item(self) -> float:
        """Return the only entry as a float of Python.

        Raises:
            ValueError: there is not exactly one entry.

        Example:
            >>> Tensor([[2.5]]).item()
            2.5
        """
        return float(self.data.item())

    def zero_grad(self) -> None:
        """Forget the gradient: `grad` becomes None (or an array of zeros).

        Example:
            >>> t = Tensor([1.0], requires_grad=True)
            >>> t.sum().backward()
            >>> t.zero_grad()
            >>> t.grad is None
            True
        """
        self.grad = None
