"""Module 15: acceleration, the same numbers in less time.

You will build:

    15.1  vectorized_matmul   one call instead of three loops   about 5 lines
    15.2  tiled_matmul        block by block                    about 12 lines
    15.3  fused_gelu          few passes, little memory         about 6 lines

`baseline_matmul`, the loop to be compared with, is given. All functions take Tensors
and return new ones; they are for inference, and whether the results track gradients is
left open.

Run `make test-15` after each task. Measure, do not guess: `python -m timeit`.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

import numpy as np

from tinytorch.tensor import Tensor


def baseline_matmul(a: Tensor, b: Tensor) -> Tensor:
    """Given: return the matrix product by its definition, one number at a time.

    It takes about a millionth of a second for each of the n * k * m products; numpy
    takes about a ten-thousandth of that.

    Shapes: a (n, k), b (k, m) -> (n, m)

    Example:
        >>> baseline_matmul(Tensor([[1, 2]]), Tensor([[3], [4]]))
        Tensor([[11.0]])
    """
    _check_shapes(a, b)
    (n, k), m = a.shape, b.shape[1]
    out = np.zeros((n, m), dtype=np.float32)
    for i in range(n):
        for j in range(m):
            for inner in range(k):
                out[i, j] += a.data[i, inner] * b.data[inner, j]
    return Tensor(out)


def vectorized_matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return the matrix product of two matrices, by one call of numpy.

    out[i, j] = sum over k of a[i, k] * b[k, j]

    At least ten times as fast as `baseline_matmul` for matrices of 64 rows and
    columns, and a product of two matrices (512, 512) in much less than a second. a and
    b stay as they are.

    Shapes: a (n, k), b (k, m) -> (n, m)

    Raises:
        ValueError: the inner sizes differ; the message names both shapes.

    Example:
        >>> vectorized_matmul(Tensor([[1, 2]]), Tensor([[3], [4]]))
        Tensor([[11.0]])
    """
    _check_shapes(a, b)
    return Tensor._from_op(a.data @ b.data, ())


def tiled_matmul(a: Tensor, b: Tensor, tile_size: int = 64) -> Tensor:
    """Return the matrix product, computed from blocks of tile_size rows and columns.

    The blocks that are worked on fit into the processor's cache, however large the
    matrices are. A block of the result is the sum of the products of blocks:

        out[I, J] = sum over K of a[I, K] @ b[K, J]

    where I, J and K are runs of tile_size numbers, the last one of each perhaps
    shorter: no size has to be a multiple of tile_size. numpy multiplies the blocks, so
    that (512, 512) matrices with tiles of 64 take much less than a second. a and b
    stay as they are.

    Shapes: a (n, k), b (k, m) -> (n, m)

    Raises:
        ValueError: the inner sizes differ; the message names both shapes. Or tile_size
            is smaller than 1; the message names it.

    Example:
        >>> a = Tensor([[1, 2, 3]])
        >>> tiled_matmul(a, Tensor([[1], [1], [1]]), tile_size=2)
        Tensor([[6.0]])
    """
    _check_shapes(a, b)
    if tile_size < 1:
        msg = f"tile_size must be at least 1, not {tile_size}"
        raise ValueError(msg)
    (n, k), m, t = a.shape, b.shape[1], tile_size
    out = np.zeros((n, m), dtype=np.float32)
    for i in range(0, n, t):
        for j in range(0, m, t):
            block = out[i : i + t, j : j + t]
            for inner in range(0, k, t):
                left = a.data[i : i + t, inner : inner + t]
                block += left @ b.data[inner : inner + t, j : j + t]
    return Tensor._from_op(out, ())


def fused_gelu(x: Tensor) -> Tensor:
    """Return GELU of each entry: x * sigmoid(1.702 x).

    The forms with erf or tanh count as right too: a result within 2.5e-2 of any of the
    three passes. Finite, and without overflow, for |x| up to 1e4: float32 has no room
    for exp(89).

    Every operation on a whole array makes a new array and reads and writes all of the
    memory again. Fused means: work in place, through `out=`, or piece by piece. Beside
    x at most two arrays of the size of x may exist at any time, the result included.
    x stays as it is.

    Shapes: x (...) -> (...)

    Example:
        >>> fused_gelu(Tensor([0.0, 1e4]))
        Tensor([0.0, 10000.0])
    """
    out = np.multiply(x.data, np.float32(0.851))
    np.tanh(out, out=out)  # 2 sigmoid(1.702 x) - 1, without exp, which may overflow
    out += 1
    out *= x.data
    out *= np.float32(0.5)
    return Tensor._from_op(out, ())


# Given: helpers.


def _check_shapes(a: Tensor, b: Tensor) -> None:
    """Given: raise ValueError, naming both shapes, unless a @ b is defined."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        msg = f"matmul: shapes {a.shape} and {b.shape} do not fit"
        raise ValueError(msg)
