"""Given: the parts of a Tensor that are no lesson.

Nothing here needs to be changed. Two parts are worth reading before module 02:
`TensorBase._from_op`, with which every operation ends, and `TensorBase._operand`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Backward = Callable[[Array], Sequence["Array | None"]]
Axis = int | tuple[int, ...] | None


class TensorBase:
    """Attributes, properties and the operators that Python calls by itself."""

    __slots__ = ("__weakref__", "_backward", "_inputs", "data", "grad", "requires_grad")
    __array_ufunc__ = None  # makes `array + tensor` call Tensor.__radd__

    # False inside `no_grad()`: operations then leave no trace for `backward`.
    tracking: ClassVar[bool] = True
    # What `backward` runs; module 06 puts it here when it is imported.
    engine: ClassVar[Callable[..., None] | None] = None

    data: Array
    grad: Array | None
    requires_grad: bool
    _inputs: tuple[Self, ...]
    _backward: Backward | None

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        tensor = super().__new__(cls)
        tensor.grad, tensor.requires_grad = None, False
        tensor._inputs, tensor._backward = (), None
        return tensor

    @classmethod
    def _from_op(
        cls, data: Any, inputs: Iterable[Self], backward: Backward | None = None
    ) -> Self:
        """Return the result of an operation, without copying `data`.

        The result tracks gradients if one of `inputs` does and tracking is on; only
        then does it remember its inputs, for `backward` to follow.

        Args:
            data: the result's array.
            inputs: the tensors it was computed from.
            backward: gradient of the result -> gradients of the inputs, in order,
                None where there is none. Left out until module 06.
        """
        out = object.__new__(cls)  # what cls.__new__ does, in half the time
        out.data, out.grad = np.asarray(data, dtype=np.float32), None
        out.requires_grad, out._inputs, out._backward = False, (), None
        if cls.tracking:
            inputs = tuple(inputs)
            out.requires_grad = any(t.requires_grad for t in inputs)
            if out.requires_grad:
                out._inputs, out._backward = inputs, backward or _no_backward_yet()
        return out

    @classmethod
    def _operand(cls, x: Any) -> Any:
        """Return `x` itself if it is a Tensor, else a Tensor of it."""
        make: Any = cls
        return x if isinstance(x, cls) else make(x)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    @property
    def size(self) -> int:
        return self.data.size

    @property
    def ndim(self) -> int:
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype[np.float32]:
        return self.data.dtype

    def __repr__(self) -> str:
        tail = ", requires_grad=True" if self.requires_grad else ""
        return f"Tensor({self.data.tolist()}{tail})"

    # What Python calls for `2 + t`, `2 - t`, `2 * t`, `2 / t` and `a @ b`.

    def __radd__(self, other: Any) -> Any:
        return self._operand(other).__add__(self)

    def __rsub__(self, other: Any) -> Any:
        return self._operand(other).__sub__(self)

    def __rmul__(self, other: Any) -> Any:
        return self._operand(other).__mul__(self)

    def __rtruediv__(self, other: Any) -> Any:
        return self._operand(other).__truediv__(self)

    def __matmul__(self, other: Any) -> Any:
        this: Any = self
        return this.matmul(other)

    def backward(self, gradient: Any = None) -> None:
        """Run `tinytorch.autograd.backward`, whose docstring says what must hold."""
        if TensorBase.engine is None:
            import_module("tinytorch.autograd")  # not before it is needed: module 06
        engine: Any = TensorBase.engine
        engine(self, gradient)


def _no_backward_yet() -> Backward:
    """Return a gradient that names the operation it is missing from."""
    frame = inspect.currentframe()
    caller = frame and frame.f_back and frame.f_back.f_back
    name = caller.f_code.co_qualname if caller else "an operation"

    def backward(_grad: Array) -> Sequence[Array]:
        msg = f"TODO module 06: {name} gives Tensor._from_op no gradient yet"
        raise NotImplementedError(msg)

    return backward
