"""Module 09: convolution, layers that know what lies beside what.

You will build, in this file:

    9.1  Conv2d.__init__         weights of a sane size        about 8 lines
    9.2  Conv2d.forward          with its gradient             about 22 lines
    9.3  MaxPool2d.forward       with its gradient             about 18 lines
    9.4  AvgPool2d.forward       with its gradient             about 14 lines
    9.5  BatchNorm2d.__init__    parameters and buffers        about 5 lines
         BatchNorm2d.forward     with its gradient             about 20 lines
    9.6  Flatten.forward                                       1 line

and in dataloader.py:

    9.7  TensorDataset           samples side by side          about 5 lines
    9.8  DataLoader              batches, shuffled or not      about 10 lines
    9.9  transforms              flips and crops               about 15 lines

Images are tensors (n, channels, height, width). From here on an operation and its
gradient are one task: end it with `Tensor._from_op(array, inputs, backward)`.

Loop over the positions inside a window, not over images or pixels: position (i, j) of
all windows at once is one slice of the padded images. `positions` and `in_frame`, at
the end of this file, are given for that.

Run `make test-09` after each task.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinytorch.base import Array
from tinytorch.convolution_kernels import (
    channel_statistics,
    column_sums,
    convolve,
    input_gradient,
    max_pool_2x2,
    max_pool_2x2_gradient,
    normalisation_gradients,
    scale_and_shift,
    to_nchw,
    to_nhwc,
    weight_gradient,
)
from tinytorch.layers import Layer
from tinytorch.tensor import Tensor


class Conv2d(Layer):
    """Slide windows with weights over images: out[m] = sum of weight[m] * window.

    Attributes:
        weight: parameter of shape (out_channels, in_channels, kernel_size,
            kernel_size).
        bias: parameter of shape (out_channels,), or None if `bias=False`.
        kernel_size, stride, padding: numbers, as given.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- as many as PyTorch's
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        """Draw the weight from numpy's global random numbers; set the bias to zero.

        n = in_channels * kernel_size ** 2 numbers meet in one window. Entries of
        `weight` have mean 0 and a standard deviation between 0.5 and 2 times
        1 / sqrt(n). No bias is larger than 1 / sqrt(n). After `numpy.random.seed(0)`
        the same numbers come again. Both are Tensors with `requires_grad=True`.

        Example:
            >>> layer = Conv2d(3, 8, 5)
            >>> layer.weight.shape, layer.bias.shape
            ((8, 3, 5, 5), (8,))
        """
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        scale = np.sqrt(2 / (in_channels * kernel_size**2))  # He et al. 2015
        self.weight = Tensor(np.random.normal(0, scale, shape), requires_grad=True)
        self.bias: Tensor | None = None
        if bias:
            self.bias = Tensor(np.zeros(out_channels), requires_grad=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted sum of each window of x, for each output channel.

        out[n, m, y, z] = bias[m] + sum over c, i, j of
            weight[m, c, i, j] * padded[n, c, y * stride + i, z * stride + j]

        padded is x with `padding` rows and columns of zeros on all four sides. The
        weight is not flipped. Windows that would reach beyond the frame are left out:

        oh = (h + 2 * padding - kernel_size) // stride + 1, and ow alike from w

        Gradients of x, weight and bias, for any stride and padding. x and weight keep
        their data.

        Shapes: x (n, in_channels, h, w) -> (n, out_channels, oh, ow)

        Raises:
            ValueError: x has not four axes or not in_channels channels, or a window is
                larger than the padded image. The message names the shape of x.

        Example:
            >>> layer = Conv2d(1, 1, 2)
            >>> layer.weight.data = np.array([[[[1, 0], [0, 10]]]], dtype=np.float32)
            >>> layer(Tensor([[[[1, 2, 3], [4, 5, 6]]]])).data
            array([[[[51., 62.]]]], dtype=float32)
        """
        stride, padding = self.stride, self.padding
        _output_size(x, self.kernel_size, stride, padding)
        if x.shape[1] != self.weight.shape[1]:
            msg = f"Conv2d: x of shape {x.shape} for a weight of {self.weight.shape}"
            raise ValueError(msg)
        images, windows = to_nhwc(x.data), self.weight.data.transpose(2, 3, 1, 0)
        out = convolve(images, windows, stride, padding)
        if self.bias is not None:
            out += self.bias.data
        inputs = (x, self.weight) if self.bias is None else (x, self.weight, self.bias)

        def backward(grad: Array) -> list[Array | None]:
            g, how = to_nhwc(grad), (stride, padding)
            dx = dw = None
            if x.requires_grad:
                dx = to_nchw(input_gradient(g, windows, x.shape[2:], *how))
            if self.weight.requires_grad:
                dw = weight_gradient(images, g, len(windows), *how)
                dw = dw.transpose(3, 2, 0, 1)
            db = column_sums(g.reshape(-1, g.shape[3]))
            return [dx, dw, db][: len(inputs)]

        return Tensor._from_op(to_nchw(out), inputs, backward)


class Pool2d(Layer):
    """Given: what both poolings share.

    Args:
        kernel_size: side of the square window.
        stride: step from one window to the next; kernel_size if left out.
        padding: rows and columns added on all four sides; at most half kernel_size.
    """

    def __init__(
        self, kernel_size: int, stride: int | None = None, padding: int = 0
    ) -> None:
        self.kernel_size, self.padding = kernel_size, padding
        self.stride = kernel_size if stride is None else stride


class MaxPool2d(Pool2d):
    """Keep the largest number of each window."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the maximum of each window, channel by channel.

        Windows lie as in `Conv2d.forward`, whose formula gives oh and ow; entries in
        the padding never win. The gradient of a maximum goes to the entry that it came
        from; where several are equal, they share it equally or one of them takes it:
        either is right. Gradients of windows that overlap add up. x keeps its data.

        Shapes: x (n, c, h, w) -> (n, c, oh, ow)

        Raises:
            ValueError: x has not four axes, or a window is larger than the padded
                image. The message names the shape of x.

        Example:
            >>> MaxPool2d(2)(Tensor([[[[1, 2, 5, 6], [3, 4, 8, 7]]]]))
            Tensor([[[[4.0, 8.0]]]])
        """
        k, stride, padding = self.kernel_size, self.stride, self.padding
        oh, ow = _output_size(x, k, stride, padding)
        if (k, stride, padding) == (2, 2, 0):
            return _max_pool_2x2(x, oh, ow)
        framed = in_frame(x.data, padding, -np.inf)
        keys = list(positions(k, stride, oh, ow))
        out = framed[keys[0]].copy()
        for key in keys[1:]:
            np.maximum(out, framed[key], out=out)

        def backward(grad: Array) -> list[Array]:
            slope = np.zeros_like(framed)
            waiting = np.ones_like(out, dtype=bool)  # who has not found its entry yet
            for key in keys:
                found = waiting & (framed[key] == out)
                slope[key] += grad * found
                waiting &= ~found
            return [out_of_frame(slope, padding)]

        return Tensor._from_op(out, (x,), backward)


class AvgPool2d(Pool2d):
    """Keep the mean of each window."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of each window, channel by channel.

        Windows lie as in `Conv2d.forward`, whose formula gives oh and ow. The padding
        is zeros, and they count: every window has kernel_size ** 2 entries. The
        gradient of a mean is shared equally by the entries of its window; gradients of
        windows that overlap add up. x keeps its data.

        Shapes: x (n, c, h, w) -> (n, c, oh, ow)

        Raises:
            ValueError: x has not four axes, or a window is larger than the padded
                image. The message names the shape of x.

        Example:
            >>> AvgPool2d(2)(Tensor([[[[1, 2, 5, 6], [3, 4, 8, 7]]]]))
            Tensor([[[[2.5, 6.5]]]])
        """
        k, stride, padding = self.kernel_size, self.stride, self.padding
        oh, ow = _output_size(x, k, stride, padding)
        framed = in_frame(x.data, padding, 0.0)
        keys = list(positions(k, stride, oh, ow))
        share = np.float32(1 / len(keys))
        out = framed[keys[0]] * share
        for key in keys[1:]:
            out += framed[key] * share

        def backward(grad: Array) -> list[Array]:
            slope, part = np.zeros_like(framed), grad * share
            for key in keys:
                slope[key] += part
            return [out_of_frame(slope, padding)]

        return Tensor._from_op(out, (x,), backward)


class BatchNorm2d(Layer):
    """Give each channel mean 0 and variance 1 over the batch, then scale and shift it.

    Attributes:
        gamma, beta: parameters of shape (num_features,): the scale and the shift.
        running_mean, running_var: Tensors of shape (num_features,) without gradient
            tracking: what evaluation uses instead of the batch.
        eps, momentum: numbers, as given.
    """

    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1
    ) -> None:
        """Start with gamma 1, beta 0, running_mean 0 and running_var 1.

        Example:
            >>> layer = BatchNorm2d(2)
            >>> len(layer.parameters()), len(layer.buffers())
            (2, 2)
        """
        self.eps, self.momentum = eps, momentum
        self.gamma = Tensor(np.ones(num_features), requires_grad=True)
        self.beta = Tensor(np.zeros(num_features), requires_grad=True)
        self.running_mean = Tensor(np.zeros(num_features))
        self.running_var = Tensor(np.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return gamma * (x - mean) / sqrt(var + eps) + beta, channel by channel.

        In training, mean and var are those of the channel over the m = n * h * w
        numbers that the batch has of it; var is the mean of (x - mean) ** 2, divided by
        m. Computed from the differences, so that a channel with a mean of 1e4 and a
        deviation of 1 comes out right to 0.05. The running statistics then move:

        running_mean = (1 - momentum) * running_mean + momentum * mean
        running_var = (1 - momentum) * running_var + momentum * var * m / (m - 1)

        In evaluation (`eval()`), mean and var are running_mean and running_var, and
        neither changes. Gradients of x, gamma and beta; in training, mean and var
        depend on x too. x keeps its data. m = 1 in training: left open.

        Shapes: x (n, num_features, h, w) -> the same

        Raises:
            ValueError: x has not four axes or not num_features channels; the message
                names the shape of x.

        Example:
            >>> layer = BatchNorm2d(1, eps=0.0)
            >>> layer(Tensor([[[[1, 3]]]])).data
            array([[[[-1.,  1.]]]], dtype=float32)
            >>> layer.running_mean.data, layer.running_var.data
            (array([0.2], dtype=float32), array([1.1], dtype=float32))
        """
        if x.ndim != 4 or x.shape[1] != self.gamma.size:
            msg = f"BatchNorm2d: x of shape {x.shape} for {self.gamma.size} channels"
            raise ValueError(msg)
        images, training = to_nhwc(x.data), self.training
        mean, var = self.running_mean.data, self.running_var.data
        if training:
            mean, var = channel_statistics(images)
            count = x.size // self.gamma.size
            unbiased = var * np.float32(count / max(count - 1, 1))
            _move(self.running_mean, mean, self.momentum)
            _move(self.running_var, unbiased, self.momentum)
        inverse = 1 / np.sqrt(var + np.float32(self.eps))
        scale = self.gamma.data * inverse
        out = scale_and_shift(images, mean, scale, self.beta.data)

        def backward(grad: Array) -> list[Array]:
            how = (mean, inverse, self.gamma.data, training)
            dx, *rest = normalisation_gradients(images, to_nhwc(grad), *how)
            return [to_nchw(dx), *rest]

        return Tensor._from_op(to_nchw(out), (x, self.gamma, self.beta), backward)


class Flatten(Layer):
    """Lay each sample flat, for the Linear layer that follows."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x with all axes but the first merged into one, in order.

        Shapes: x (n, ...) -> (n, k), k the product of the other sizes

        Example:
            >>> Flatten()(Tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]))
            Tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]])
        """
        return x.reshape(x.shape[0], -1)


def _move(kept: Tensor, new: Array, momentum: float) -> None:
    """Move a running statistic towards that of a batch."""
    share = np.float32(momentum)
    kept.data = (1 - share) * kept.data + share * new


def _max_pool_2x2(x: Tensor, oh: int, ow: int) -> Tensor:
    """Return the maxima of 2 x 2 entries; an odd row or column at the end is cut."""
    images = x.data.transpose(0, 2, 3, 1)[:, : 2 * oh, : 2 * ow]
    out, won = max_pool_2x2(images, x.requires_grad and Tensor.tracking)

    def backward(grad: Array) -> list[Array]:
        slope = max_pool_2x2_gradient(won, to_nhwc(grad))
        if slope.shape[1:3] == x.shape[2:]:
            return [to_nchw(slope)]
        full = np.zeros_like(x.data)
        full[:, :, : 2 * oh, : 2 * ow] = to_nchw(slope)
        return [full]

    return Tensor._from_op(to_nchw(out), (x,), backward)


def _output_size(x: Tensor, kernel: int, stride: int, padding: int) -> tuple[int, int]:
    """Return oh and ow; ValueError unless at least one window fits into an image."""
    if x.ndim != 4 or min(x.shape[2:]) + 2 * padding < kernel:
        msg = f"no window of {kernel} x {kernel} fits into x of shape {x.shape}"
        raise ValueError(msg)
    h, w = ((n + 2 * padding - kernel) // stride + 1 for n in x.shape[2:])
    return h, w


# Given: helpers. All arrays are (n, c, h, w).


def in_frame(x: Array, padding: int, fill: float) -> Array:
    """Given: copy x, with `padding` rows and columns of `fill` on all four sides.

    Example:
        >>> in_frame(np.ones((1, 1, 1, 1), dtype=np.float32), 1, 0.0)[0, 0]
        array([[0., 0., 0.],
               [0., 1., 0.],
               [0., 0., 0.]], dtype=float32)
    """
    n, c, h, w = x.shape
    shape = (n, h + 2 * padding, w + 2 * padding, c)  # channels last
    framed = np.full(shape, fill, dtype=np.float32).transpose(0, 3, 1, 2)
    framed[:, :, padding : padding + h, padding : padding + w] = x
    return framed


def out_of_frame(x: Array, padding: int) -> Array:
    """Given: return x without `padding` rows and columns on all four sides.

    Example:
        >>> out_of_frame(np.ones((1, 2, 5, 6), dtype=np.float32), 2).shape
        (1, 2, 1, 2)
    """
    return x[:, :, padding : x.shape[2] - padding, padding : x.shape[3] - padding]


def positions(
    kernel: int, stride: int, oh: int, ow: int
) -> Iterator[tuple[slice, slice, slice, slice]]:
    """Given: yield one key for each position inside a window, row by row.

    padded[key] is what stands at that position in all oh * ow windows: (n, c, oh, ow).
    A key also serves to write: padded[key] += ... adds at that position.

    Example:
        >>> padded = np.arange(12).reshape(1, 1, 3, 4)
        >>> [padded[key].tolist() for key in positions(2, 1, 2, 1)][0]
        [[[[0], [4]]]]
    """
    every = slice(None)
    for i in range(kernel):
        for j in range(kernel):
            down = slice(i, i + stride * (oh - 1) + 1, stride)
            across = slice(j, j + stride * (ow - 1) + 1, stride)
            yield every, every, down, across
