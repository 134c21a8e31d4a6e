"""Array routines behind the reference's operations; the template does not have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.base import Array, Axis

# glibc gives free memory at the end of the heap back to the system, and the next step
# of training fetches it again, page by page: up to a quarter of a GPT's CPU time. How
# much it keeps grows with the largest block ever freed, up to 32 MiB. So free one here,
# which costs nothing: nobody has written to it.
np.empty(2**25 - 2**16, dtype=np.uint8)


def apply(fn: Callable[[Any, Any], Any], a: Array, b: Array) -> Any:
    """Return fn(a, b); a ValueError of numpy then names both shapes."""
    try:
        return fn(a, b)
    except ValueError:
        msg = f"shapes {a.shape} and {b.shape} do not broadcast"
        raise ValueError(msg) from None


def rows(x: Array) -> Array:
    """Return `x` with all axes but the last merged into one."""
    return x.reshape(-1, x.shape[-1])


def product(a: Array, b: Array) -> Any:
    """Return a @ b; a batch times one matrix is done as one large product."""
    if a.ndim > 2 and b.ndim == 2:
        return (rows(a) @ b).reshape(*a.shape[:-1], b.shape[1])
    return a @ b


def in_order_of(x: Array, grad: Array) -> Array:
    """Return `grad`, of the shape of `x`, with its numbers in memory as those of `x`.

    What the operations before do with both of them is several times as fast then.
    """
    if x.flags.c_contiguous:
        return grad
    ordered = np.empty_like(x)
    ordered[...] = grad
    return ordered


def restore(x: Array, ndim: int, axis: Axis, keepdims: bool) -> Array:
    """Put back the axes, with size 1, that a reduction from `ndim` axes removed."""
    if keepdims:
        return x
    return x.reshape((1,) * ndim) if axis is None else np.expand_dims(x, axis)
