"""Array routines behind the reference's operations; the template does not have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinytorch.base import Array, Axis


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


def restore(x: Array, ndim: int, axis: Axis, keepdims: bool) -> Array:
    """Put back the axes, with size 1, that a reduction from `ndim` axes removed."""
    if keepdims:
        return x
    return x.reshape((1,) * ndim) if axis is None else np.expand_dims(x, axis)
