"""Array routines behind spatial.py; the template does not have them.

Images are arrays (n, h, w, channels) here: the numbers of one place lie together, so
that a row of a window is one run of memory and channels are the columns of a matrix.
`to_nhwc` and `to_nchw` change the view; where an operation before left the memory in
this order, nothing is copied. Work goes by a few images at a time, so that what one
pass writes is still in the cache when the next one reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from tinytorch.base import Array

CHUNK = 2**18  # numbers at a time: 1 MiB

Pair = tuple[int, ...]
Place = tuple[slice, slice]
Winners = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def to_nhwc(x: Array) -> Array:
    """Return `x` (n, c, h, w) as an array (n, h, w, c) that is contiguous."""
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1))


def to_nchw(x: Array) -> Array:
    """Return a view (n, c, h, w) of `x` (n, h, w, c)."""
    return x.transpose(0, 3, 1, 2)


def column_sums(rows: Array) -> Array:
    """Return the sum of each column; a matrix product is faster than `sum(axis=0)`."""
    total: Array = np.ones(len(rows), dtype=np.float32) @ rows
    return total


def chunks(count: int, numbers: int) -> Iterator[slice]:
    """Yield slices of 0 .. count; each item has so many numbers."""
    some = max(1, CHUNK // max(1, numbers))
    for start in range(0, count, some):
        yield slice(start, min(start + some, count))


# Convolution


def convolve(x: Array, weight: Array, stride: int, padding: int) -> Array:
    """Return the correlation of images with windows.

    Shapes: x (n, h, w, c), weight (side, side, c, m) -> (n, oh, ow, m)
    """
    frame = _framed(x, padding)
    h, w = ((end - len(weight)) // stride + 1 for end in frame)
    return _correlate(x, weight, (frame, _inside(padding, frame)), (h, w), stride)


def weight_gradient(
    x: Array, grad: Array, side: int, stride: int, padding: int
) -> Array:
    """Return d(loss)/d(weight), (side, side, c, m), for `grad` (n, oh, ow, m)."""
    frame, many = _framed(x, padding), grad.shape[3]
    setting = (frame, _inside(padding, frame))
    total = np.zeros((side * side * x.shape[3], many), dtype=np.float32)
    for images, rows in _windows(x, setting, side, grad.shape[1:3], stride):
        total += rows.T @ grad[images].reshape(-1, many)
    return total.reshape(side, side, x.shape[3], many)


def input_gradient(
    grad: Array, weight: Array, size: Pair, stride: int, padding: int
) -> Array:
    """Return d(loss)/d(x), (n, *size, c): the correlation the other way round.

    An entry of x meets the window's positions in opposite order, so `grad`, spread out
    by the stride in a frame of zeros, is correlated with the flipped weight.
    """
    reach = len(weight) - 1
    frame = (size[0] + reach, size[1] + reach)
    ends = [
        _spread(grad.shape[1 + i], reach - padding, stride, frame[i]) for i in (0, 1)
    ]
    (rows, down), (columns, across) = ends
    flipped = weight[::-1, ::-1].swapaxes(2, 3)
    seen = grad[:, rows, columns]
    return _correlate(seen, flipped, (frame, (down, across)), size, 1)


def _spread(many: int, first: int, stride: int, end: int) -> tuple[slice, slice]:
    """Return which of `many` entries lie in 0 .. end, and where.

    Entry o lies at first + o * stride; those outside saw nothing but padding.
    """
    skip = max(0, -(first // stride))
    stop = min(many, -((first - end) // stride))
    places = slice(first + skip * stride, first + stop * stride, stride)
    return slice(skip, stop), places


def _framed(x: Array, padding: int) -> Pair:
    return x.shape[1] + 2 * padding, x.shape[2] + 2 * padding


def _inside(padding: int, frame: Pair) -> Place:
    return slice(padding, frame[0] - padding), slice(padding, frame[1] - padding)


def _correlate(
    x: Array, weight: Array, setting: tuple[Pair, Place], output: Pair, stride: int
) -> Array:
    many = weight.shape[3]
    matrix = weight.reshape(-1, many)
    out = np.empty((len(x), *output, many), dtype=np.float32)
    for images, rows in _windows(x, setting, len(weight), output, stride):
        np.matmul(rows, matrix, out=out[images].reshape(-1, many))
    return out


def _windows(
    x: Array, setting: tuple[Pair, Place], side: int, output: Pair, stride: int
) -> Iterator[tuple[slice, Array]]:
    """Yield (images, rows): a slice of a few images and the matrix of their windows.

    Each image stands in a frame of zeros (its size, and where). A row of the matrix is
    the window of one output place, (side, side, c) laid flat. The copy is one
    assignment, from a view in which a row of a window is one axis, (side, c), to a
    buffer that is used again for the next images.
    """
    (frame, (down, across)), channels = setting, x.shape[3]
    shape = (*output, side, side * channels)
    slices = list(chunks(len(x), int(np.prod(shape))))
    some = slices[0].stop if slices else 0
    padded = np.zeros((some, *frame, channels), dtype=np.float32)
    image, line, column, number = padded.strides
    strides = (image, stride * line, stride * column, line, number)
    view = as_strided(padded, (some, *shape), strides)
    rows = np.empty((some, *shape), dtype=np.float32)
    for images in slices:
        many = images.stop - images.start
        padded[:many, down, across] = x[images]
        rows[:many] = view[:many]
        yield images, rows[:many].reshape(-1, shape[2] * shape[3])


# Pooling of 2 x 2 places, without overlap


def max_pool_2x2(x: Array, tracked: bool) -> tuple[Array, Winners]:
    """Return the maxima of pairs of rows, then of pairs of columns, and who won.

    Who won is what the gradient needs: where the upper of two rows is not the smaller
    one, and the left one of their two columns. If not `tracked` nobody asks.

    Shapes: x (n, 2 oh, 2 ow, c) -> (n, oh, ow, c), (n, oh, 2 ow, c), (n, oh, ow, c)
    """
    n, h, w, c = x.shape
    out = np.empty((n, h // 2, w // 2, c), dtype=np.float32)
    upper_won = np.empty((n, h // 2, w, c), dtype=bool)
    left_won = np.empty(out.shape, dtype=bool)
    for images in chunks(n, h * w * c):
        upper, lower = x[images, 0::2], x[images, 1::2]
        rows = np.maximum(upper, lower)
        left, right = rows[:, :, 0::2], rows[:, :, 1::2]
        np.maximum(left, right, out=out[images])
        if tracked:
            np.greater_equal(upper, lower, out=upper_won[images])
            np.greater_equal(left, right, out=left_won[images])
    return out, (upper_won, left_won)


def max_pool_2x2_gradient(won: Winners, grad: Array) -> Array:
    """Return d(loss)/d(x): each gradient goes to one entry, the first of equal ones.

    What the first entry of a pair does not get, the second one gets.
    """
    upper_won, left_won = won
    n, oh, w, c = upper_won.shape
    dx = np.empty((n, 2 * oh, w, c), dtype=np.float32)
    for images in chunks(n, dx[:1].size):
        wide = np.empty(upper_won[images].shape, dtype=np.float32)
        left, right = wide[:, :, 0::2], wide[:, :, 1::2]
        np.multiply(grad[images], left_won[images], out=left)
        np.subtract(grad[images], left, out=right)
        np.multiply(wide, upper_won[images], out=dx[images, 0::2])
        np.subtract(wide, dx[images, 0::2], out=dx[images, 1::2])
    return dx


# Batch normalisation


def channel_statistics(x: Array) -> tuple[Array, Array]:
    """Return mean and biased variance of each channel of `x` (n, h, w, c).

    The variance comes from differences to the mean: the mean of squares minus the
    square of the mean loses all digits where the mean is large.
    """
    count = np.float32(np.prod(x.shape[:3]))
    mean = _channel_sums(x, x.shape[3]) / count
    variance = np.zeros_like(mean)
    lines, (means,) = _lines(x, mean)
    for some in chunks(*lines.shape):
        centred = lines[some] - means
        np.multiply(centred, centred, out=centred)
        variance += _channel_sums(centred, mean.size)
    variance /= count
    return mean, variance


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array) -> Array:
    """Return (x - mean) * scale + shift, one number a channel each."""
    lines, (means, scales, shifts) = _lines(x, mean, scale, shift)
    out = np.empty_like(lines)
    for some in chunks(*lines.shape):
        part = np.subtract(lines[some], means, out=out[some])
        part *= scales
        part += shifts
    return out.reshape(x.shape)


def normalisation_gradients(  # noqa: PLR0913, PLR0917 -- the formula has six
    x: Array, grad: Array, mean: Array, inverse: Array, gamma: Array, training: bool
) -> tuple[Array, Array, Array]:
    """Return the gradients of x, gamma and beta; inverse is 1 / sqrt(var + eps).

    With n = (x - mean) * inverse, they are sum(grad * n) for gamma, sum(grad) for beta,
    and gamma * inverse * (grad - mean of grad - n * mean of grad * n) for x; in
    evaluation, where mean and var do not depend on x, gamma * inverse * grad.
    """
    (lines, (means,)), (grads, _) = _lines(x, mean), _lines(grad)
    d_gamma, d_beta = np.zeros_like(mean), _channel_sums(grad, mean.size)
    for some in chunks(*lines.shape):
        part = lines[some] - means
        part *= grads[some]
        d_gamma += _channel_sums(part, mean.size)
    d_gamma *= inverse
    share = np.float32(x.shape[3] / x.size if training else 0)
    numbers = (inverse * d_gamma * share, d_beta * share, gamma * inverse)
    _, (slopes, centres, scales) = _lines(x, *numbers)
    dx = np.empty_like(lines)
    for some in chunks(*lines.shape):
        part = np.subtract(means, lines[some], out=dx[some])
        part *= slopes
        part += grads[some]
        part -= centres
        part *= scales
    return dx.reshape(x.shape), d_gamma, d_beta


def _channel_sums(x: Array, channels: int) -> Array:
    return column_sums(x.reshape(-1, channels))


def _lines(x: Array, *numbers: Array) -> tuple[Array, list[Array]]:
    """Return the lines of images, (n * h, w * c), and numbers a channel, w times over.

    numpy does long rows with fewer interruptions than the short ones of one place.
    """
    width = x.shape[2]
    lines = x.reshape(-1, width * x.shape[3])
    return lines, [np.tile(each, width) for each in numbers]
