"""Tensors without gradients; `core.autograd.enable_autograd` adds them."""

import numpy as np


class Tensor:
    def __init__(self, data, requires_grad=False):
        if isinstance(data, Tensor):
            data = data.data
        self.data = np.array(data, dtype=np.float32)
        self.requires_grad = requires_grad
        self.grad = None
        self._grad_fn = None

    shape = property(lambda self: self.data.shape)
    size = property(lambda self: self.data.size)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)

    def numpy(self):
        return self.data

    def item(self):
        return self.data.item()

    def __repr__(self):
        return f"Tensor({self.data})"

    def _binary(self, other, op):
        other = other if isinstance(other, Tensor) else Tensor(other)
        try:
            np.broadcast_shapes(self.shape, other.shape)
        except ValueError:
            raise ValueError(f"cannot combine {self.shape} with {other.shape}") from None
        return Tensor(op(self.data, other.data))

    __array_priority__ = 100
    __array_ufunc__ = None

    def __add__(self, other):
        return self._binary(other, np.add)

    def __sub__(self, other):
        return self._binary(other, np.subtract)

    def __mul__(self, other):
        return self._binary(other, np.multiply)

    def __truediv__(self, other):
        return self._binary(other, np.divide)

    def __radd__(self, other):
        return Tensor(other) + self

    def __rsub__(self, other):
        return Tensor(other) - self

    def __rmul__(self, other):
        return Tensor(other) * self

    def __rtruediv__(self, other):
        return Tensor(other) / self

    def __neg__(self):
        return self * -1.0

    def __pow__(self, exponent):
        return Tensor(self.data**exponent)

    def matmul(self, other):
        if not isinstance(other, Tensor):
            raise TypeError(f"matmul needs a Tensor, not {type(other).__name__}")
        a, b = self.data, other.data
        if not a.ndim or not b.ndim or a.shape[-1] != b.shape[-2 if b.ndim > 1 else 0]:
            raise ValueError(f"cannot multiply {a.shape} @ {b.shape}")
        try:
            return Tensor(np.matmul(a, b))
        except ValueError:
            raise ValueError(f"cannot multiply {a.shape} @ {b.shape}") from None

    def __matmul__(self, other):
        return self.matmul(other)

    def reshape(self, *shape):
        if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
            shape = tuple(shape[0])
        try:
            return Tensor(self.data.reshape(shape))
        except ValueError:
            raise ValueError(f"cannot reshape {self.shape} to {shape}") from None

    def transpose(self, dim0=None, dim1=None):
        axes = list(range(self.ndim))
        if dim0 is None and dim1 is None:
            if self.ndim < 2:
                return Tensor(self.data)
            dim0, dim1 = -2, -1
        axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
        return Tensor(self.data.transpose(axes))

    def sum(self, axis=None, keepdims=False):
        return Tensor(self.data.sum(axis=axis, keepdims=keepdims))

    def mean(self, axis=None, keepdims=False):
        return Tensor(self.data.mean(axis=axis, keepdims=keepdims))

    def max(self, axis=None, keepdims=False):
        return Tensor(self.data.max(axis=axis, keepdims=keepdims))

    def exp(self):
        return Tensor(np.exp(self.data))

    def log(self):
        return Tensor(np.log(self.data))

    def sqrt(self):
        return Tensor(np.sqrt(self.data))

    def __getitem__(self, key):
        return Tensor(self.data[key])

    @staticmethod
    def cat(tensors, axis=0):
        return Tensor(np.concatenate([t.data for t in tensors], axis=axis))
