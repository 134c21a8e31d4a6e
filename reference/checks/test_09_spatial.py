"""Hidden checks of module 09: convolution, pooling, normalisation and data loading.

What is expected is worked out here in float64 numpy, window by window.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest

from grader.checks import (
    cpu_limit,
    gradients,
    holds,
    is_tensor,
    needs,
    points,
    raises,
    same,
    set_data,
    spec,
    task,
    value,
)
from grader.checks.remote import remote_source

CONV = "spatial::conv_sums_each_window"
MAX = "spatial::max_pool_keeps_the_largest"
AVERAGE = "spatial::average_pool_keeps_the_mean"
NORM = "spatial::batch_norm_normalises_each_channel"
RUNNING = "spatial::batch_norm_running_statistics_move"
ROWS = "spatial::dataset_samples_are_rows"
LOADER = "spatial::loader_keeps_the_order"
GRADIENT = "autograd::used_twice_accumulates"


def framed(x, padding, fill=0.0):
    """Return x with `padding` rows and columns of `fill` around each image."""
    return np.pad(x, [(0, 0)] * 2 + [(padding, padding)] * 2, constant_values=fill)


def windows(x, kernel, stride=1):
    """Return all windows of x (n, c, h, w): (n, c, oh, ow, kernel, kernel)."""
    views = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return views[:, :, ::stride, ::stride]


def conv(x, w, b=0.0, stride=1, padding=0):
    """Return the correlation of x (n, c, h, w) with w (m, c, k, k), b added."""
    found = windows(framed(x, padding), w.shape[2], stride)
    return np.einsum("ncyzij,mcij->nmyz", found, w) + np.reshape(b, (-1, 1, 1))


def conv_layer(package, w, b=None, **how):
    """Return a Conv2d of `package` that holds the given weight and bias."""
    m, c, k, _ = w.shape
    layer = package.Conv2d(c, m, k, bias=b is not None, **how)
    set_data(layer.weight, w)
    if b is not None:
        set_data(layer.bias, b)
    return layer


def upstream(rng, shape):
    """Return the random upstream gradient that `gradients` is about to draw."""
    return copy.deepcopy(rng).normal(size=shape)


def distinct(rng, shape):
    """Return numbers of both signs that differ by 0.1 at least: no kink is near."""
    size = int(np.prod(shape))
    return (0.1 * (rng.permutation(size) - size // 2) + 0.03).reshape(shape)


# Conv2d


@needs("layers::linear_parameters_are_weight_and_bias")
@task("9.1")
@spec("Conv2d", "weight: parameter of shape (out_channels, in_channels, kernel_size,")
def test_conv_parameters_are_weight_and_bias(tt, rng):
    """The weight is (out, in, k, k), the bias (out,), and both are parameters."""
    c, k = int(rng.integers(2, 5)), int(rng.integers(5, 8))
    m = c + int(rng.integers(3, 6))
    layer, call = tt.Conv2d(c, m, k), f"Conv2d({c}, {m}, {k})"
    wrong = {"(in, out, k, k)": (c, m, k, k), "channels last": (m, k, k, c)}
    weight, bias = tuple(layer.weight.shape), tuple(layer.bias.shape)
    hint = "One window of all input channels for each output channel."
    same(weight, (m, c, k, k), call=f"{call}.weight.shape", misconceptions=wrong)
    same(bias, (m,), call=f"{call}.bias.shape", hint=hint)
    found = sorted(value(p).ndim for p in layer.parameters())
    expected = "weight and bias"
    call = f"{call}.parameters()"
    holds(found == [1, 4], call=call, expected=expected, got=f"axes {found}")


@needs(CONV)
@task("9.1")
@spec("Conv2d", "or None if `bias=False`.")
def test_conv_without_bias(tt, rng):
    """Conv2d(..., bias=False) has one parameter and adds nothing."""
    x, w = rng.normal(size=(1, 2, 4, 4)), rng.normal(size=(3, 2, 2, 2))
    layer, call = conv_layer(tt, w), "Conv2d(2, 3, 2, bias=False)"
    same(layer(tt.Tensor(x)), tt.Tensor(conv(x, w)), call=f"{call}(x)", tol="reduction")
    count = len(layer.parameters())
    holds(count == 1, call=call, expected="one parameter", got=f"{count}")


@points(2)
@needs("spatial::conv_parameters_are_weight_and_bias")
@task("9.1")
@spec("Conv2d.__init__", "a standard deviation between 0.5 and 2 times 1 / sqrt(n)")
def test_conv_initial_weights_keep_the_size_of_signals(tt):
    """Initial weights are random, centred, and smaller for larger windows."""
    for c, k in ((16, 3), (4, 11)):
        layer, unit = tt.Conv2d(c, 32, k), (c * k * k) ** -0.5
        w, call = value(layer.weight), f"Conv2d({c}, 32, {k}).weight"
        holds(
            0.5 * unit <= w.std() <= 2 * unit,
            call=call,
            expected=f"standard deviation from {0.5 * unit:.3g} to {2 * unit:.3g}",
            got=f"{w.std():.3g}",
            hint="in_channels * kernel_size ** 2 numbers meet in one window.",
        )
        centred = abs(w.mean()) <= 0.1 * w.std()  # its deviation is 0.015 std at most
        holds(centred, call=call, expected="mean near 0", got=f"{w.mean():.3g}")
        most, call = np.abs(value(layer.bias)).max(), f"Conv2d({c}, 32, {k}).bias"
        small = most <= 1.001 * unit
        holds(small, call=call, expected=f"{unit:.3g} at most", got=f"{most:.3g}")


def _seeded(tt, seed):
    """Return the weights of three layers, the first and last from one seed."""
    np.random.seed(seed)
    first, second = tt.Conv2d(2, 3, 3).weight.data, tt.Conv2d(2, 3, 3).weight.data
    np.random.seed(seed)
    return [first, second, tt.Conv2d(2, 3, 3).weight.data]


@needs("spatial::conv_parameters_are_weight_and_bias")
@task("9.1")
@spec("Conv2d.__init__", "After `numpy.random.seed(0)` the same numbers come again.")
def test_conv_initial_weights_follow_the_seed_of_numpy(tt, rng):
    """Layers differ, and the same numpy.random.seed gives the same weights."""
    first, second, again = remote_source(tt, _seeded, seed=int(rng.integers(2**31)))
    call = "np.random.seed(s); Conv2d(2, 3, 3), both twice"
    hint = "Draw from np.random's own functions, not from default_rng()."
    same(again, first, call=call, tol="exact", hint=hint)
    differ = not np.allclose(first, second)
    call = "weights of two Conv2d(2, 3, 3)"
    holds(differ, call=call, expected="different ones", got="the same twice")


@points(3)
@needs("tensor")
@task("9.2")
@spec(
    "Conv2d.forward",
    "Return the weighted sum of each window of x, for each output channel.",
)
def test_conv_sums_each_window(tt, rng):
    """Conv2d sums weight * window over all input channels and adds the bias once."""
    x, w = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(4, 3, 3, 3))
    b = 1 + rng.random(4)
    same(
        conv_layer(tt, w, b)(tt.Tensor(x)),
        tt.Tensor(conv(x, w, b)),
        call="Conv2d(3, 4, 3)(x), x (2, 3, 5, 6)",
        tol="reduction",
        hint="Add up weight[:, :, i, j] times the slice at (i, j), then the bias.",
        misconceptions={
            "the weight flipped": lambda: conv(x, w[..., ::-1, ::-1], b),
            "the window transposed": lambda: conv(x, w.swapaxes(2, 3), b),
            "the bias left out": lambda: conv(x, w),
            "the bias added for every position in the window": conv(x, w, 9 * b),
            "the bias added for every channel": conv(x, w, 3 * b),
            "the first channel only": lambda: conv(x[:, :1], w[:, :1], b),
            "the mean, not the sum": lambda: conv(x, w / 9, b),
        },
    )


SIZES = (((7, 5), 3, 1, 0), ((5, 8), 3, 1, 2), ((8, 9), 3, 2, 0), ((11, 8), 4, 2, 3))


@points(2)
@needs(CONV)
@task("9.2")
@spec("Conv2d.forward", "oh = (h + 2 * padding - kernel_size) // stride + 1")
def test_conv_output_size(tt, rng):
    """Conv2d leaves out the windows that would reach beyond the frame."""
    for (h, w), k, s, p in SIZES:
        layer = tt.Conv2d(2, 3, k, stride=s, padding=p)
        spare = np.array([h, w]) + 2 * p - k  # places beside the first one
        want = (1, 3, *(spare // s + 1))
        wrong = {
            "one window too few": (1, 3, *(spare // s)),
            "rounded up": (1, 3, *(-(-spare // s) + 1)),
            "the padding counted once": (1, 3, *((spare - p) // s + 1)),
            "the stride left out": (1, 3, *(spare + 1)),
        }
        same(
            tuple(layer(tt.Tensor(rng.normal(size=(1, 2, h, w)))).shape),
            want,
            call=f"Conv2d(2, 3, {k}, {s}, {p})(x).shape, x (1, 2, {h}, {w})",
            tol="exact",
            hint="Places where the window's corner may stand: 0, stride, ...",
            misconceptions={m: v for m, v in wrong.items() if v != want},
        )


@points(2)
@needs(CONV)
@task("9.2")
@spec("Conv2d.forward", "padded[n, c, y * stride + i, z * stride + j]")
def test_conv_strides(tt, rng):
    """With a stride the windows stand further apart, in both directions."""
    x, w, b = (rng.normal(size=s) for s in ((2, 2, 7, 8), (3, 2, 3, 3), 3))
    every = conv(x, w, b)
    same(
        conv_layer(tt, w, b, stride=2)(tt.Tensor(x)),
        tt.Tensor(conv(x, w, b, stride=2)),
        call="Conv2d(2, 3, 3, stride=2)(x), x (2, 2, 7, 8)",
        tol="reduction",
        hint="Slices with a step: padded[:, :, i : ... : stride, j : ... : stride].",
        misconceptions={
            "neighbouring windows, the first ones only": every[:, :, :3, :3],
        },
    )


@points(2)
@needs(CONV)
@task("9.2")
@spec("Conv2d.forward", "`padding` rows and columns of zeros on all four sides.")
def test_conv_pads_with_zeros(tt, rng):
    """Padding puts zeros on all four sides of every image."""
    x, w, b = (rng.normal(size=s) for s in ((2, 2, 4, 5), (3, 2, 3, 3), 3))
    sides = [(0, 0), (0, 0), (2, 2), (2, 2)]
    same(
        conv_layer(tt, w, b, padding=2)(tt.Tensor(x)),
        tt.Tensor(conv(x, w, b, padding=2)),
        call="Conv2d(2, 3, 3, padding=2)(x), x (2, 2, 4, 5)",
        tol="reduction",
        hint="in_frame(x.data, padding, 0.0) is given.",
        misconceptions={
            "the edge repeated": lambda: conv(np.pad(x, sides, mode="edge"), w, b),
            "the image mirrored": lambda: conv(np.pad(x, sides, mode="reflect"), w, b),
            "zeros on two sides only": lambda: conv(
                np.pad(x, [(0, 0), (0, 0), (4, 0), (4, 0)]), w, b
            ),
        },
    )


@needs("spatial::conv_strides", "spatial::conv_pads_with_zeros")
@task("9.2")
@spec("Conv2d.forward", "padded[n, c, y * stride + i, z * stride + j]")
def test_conv_strides_over_padding(tt, rng):
    """Stride and padding work together, also where the last column is left over."""
    x, w, b = (rng.normal(size=s) for s in ((2, 2, 6, 7), (3, 2, 4, 4), 3))
    same(
        conv_layer(tt, w, b, stride=3, padding=1)(tt.Tensor(x)),
        tt.Tensor(conv(x, w, b, stride=3, padding=1)),
        call="Conv2d(2, 3, 4, stride=3, padding=1)(x), x (2, 2, 6, 7)",
        tol="reduction",
        hint="The first window starts in the padding, at -1.",
    )


CONV_GRADIENTS = {  # (h, w), kernel_size, stride, padding
    "plain": (((5, 6), 3, 1, 0),),
    "padding": (((6, 5), 3, 1, 2),),
    "stride": (((6, 5), 3, 2, 0), ((5, 8), 2, 3, 3)),
}


def wrong_conv_gradients(x, w, v, stride, padding):
    """Return the gradients of x, w and b that known mistakes give."""
    k, wide = w.shape[2], framed(x, padding)
    h, b = slice(padding, padding + x.shape[2]), slice(padding, padding + x.shape[3])
    last, total, turned = (np.zeros_like(wide) for _ in range(3))
    for i in range(k):
        for j in range(k):
            down = slice(i, i + stride * (v.shape[2] - 1) + 1, stride)
            across = slice(j, j + stride * (v.shape[3] - 1) + 1, stride)
            part = np.einsum("nmyz,mc->ncyz", v, w[:, :, i, j])
            last[:, :, down, across] = part
            total[:, :, down, across] += part
            part = np.einsum("nmyz,mc->ncyz", v, w[:, :, k - 1 - i, k - 1 - j])
            turned[:, :, down, across] += part
    found = windows(wide, k, stride)
    dw = np.einsum("nmyz,ncyzij->mcij", v, found)
    db, dx = v.sum((0, 2, 3)), total[:, :, h, b]
    return {
        "overlapping windows overwritten, not added up": [last[:, :, h, b], dw, db],
        "the weight flipped": [turned[:, :, h, b], dw[..., ::-1, ::-1], db],
        "the mean over the batch": [dx / len(x), dw / len(x), db / len(x)],
        "the mean over all windows": [dx, dw, v.mean((0, 2, 3))],
        "the first image only": [0.0, dw, v[0].sum((1, 2))],
    }


@pytest.mark.parametrize("case", list(CONV_GRADIENTS))
@points(2)
@needs(CONV, "spatial::conv_strides", "spatial::conv_pads_with_zeros", GRADIENT)
@task("9.2")
@spec("Conv2d.forward", "Gradients of x, weight and bias, for any stride and padding.")
def test_conv_gradient(tt, rng, case):
    """The gradients of x, weight and bias add up over all windows."""
    for size, k, *how in CONV_GRADIENTS[case]:
        conv_gradient(tt, rng, size, k, how)


def conv_gradient(tt, rng, size, k, how):
    """Check the gradients of one Conv2d with this stride and padding."""
    s, p = how
    inputs = [rng.normal(size=z) for z in ((2, 2, *size), (3, 2, k, k), 3)]

    def fn(x, w, b):
        layer = tt.Conv2d(2, 3, k, stride=s, padding=p)
        layer.weight, layer.bias = w, b
        return layer(x)

    def f64(x, w, b):
        return conv(x, w, b, s, p)

    v = upstream(rng, f64(*inputs).shape)
    gradients(
        tt,
        fn,
        f64,
        inputs,
        rng,
        call=f"Conv2d(2, 3, {k}, stride={s}, padding={p})(x).backward(g)",
        hint="dw[:, :, i, j] = g times its slice; dx's slice += g times w[:, :, i, j].",
        misconceptions=wrong_conv_gradients(*inputs[:2], v, s, p),
    )


@needs("spatial::conv_gradient")
@task("9.2")
@spec("Conv2d.forward", "Gradients of x, weight and bias, for any stride and padding.")
def test_conv_gradient_of_untracked_images(tt, rng):
    """The first layer of a model: images want no gradient, weight and bias do."""
    x, w, b = (rng.normal(size=s) for s in ((2, 2, 4, 4), (3, 2, 3, 3), 3))
    layer, v = conv_layer(tt, w, b, padding=1), rng.normal(size=(2, 3, 4, 4))
    layer(tt.Tensor(x)).backward(np.float32(v))
    call = "Conv2d(2, 3, 3, padding=1)(x).backward(g), x untracked"
    found = windows(framed(x, 1), 3)
    dw = np.float32(np.einsum("nmyz,ncyzij->mcij", v, found))
    same(layer.weight.grad, dw, call=f"{call}: weight.grad", tol="gradient")
    db = np.float32(v.sum((0, 2, 3)))
    same(layer.bias.grad, db, call=f"{call}: bias.grad", tol="gradient")


@needs(CONV)
@task("9.2")
@spec("Conv2d.forward", "ValueError: x has not four axes or not in_channels channels")
def test_conv_refuses_other_shapes(tt, rng):
    """One image without batch axis, other channels, too small: ValueError names it."""
    c = int(rng.integers(3, 6))
    for shape in ((2, 5, 5), (1, c, 5, 5), (1, 2, 2, 6)):
        x = tt.Tensor(rng.normal(size=shape))
        call = f"Conv2d(2, 3, 5, padding=1)(x), x {shape}"
        hint = "Look at x.ndim, x.shape[1] and the sizes before you compute."
        layer = tt.Conv2d(2, 3, 5, padding=1)
        raises(ValueError, layer, x, call=call, mentions=[shape], hint=hint)


# Pooling


@points(2)
@needs("tensor")
@task("9.3")
@spec("MaxPool2d.forward", "Return the maximum of each window, channel by channel.")
def test_max_pool_keeps_the_largest(tt, rng):
    """MaxPool2d(k) keeps the maximum of each block of k x k."""
    x = distinct(rng, (2, 3, 6, 12))
    for k in (2, 3):
        blocks = windows(x, k, k)
        same(
            tt.MaxPool2d(k)(tt.Tensor(x)),
            tt.Tensor(blocks.max((4, 5))),
            call=f"MaxPool2d({k})(x), x (2, 3, 6, 12)",
            hint="np.maximum of the slices at all positions; windows do not overlap.",
            misconceptions={
                "stride 1": windows(x, k).max((4, 5)),
                "the mean": blocks.mean((4, 5)),
                "the first entry of each window": blocks[..., 0, 0],
                "the largest magnitude": np.abs(blocks).max((4, 5)),
                "the maximum over all channels": np.broadcast_to(
                    blocks.max((1, 4, 5))[:, None], blocks.shape[:4]
                ),
            },
        )


# kernel_size, stride, padding
POOLS = ((3, 2, 0), (2, 1, 0), (3, 2, 1), (2, 2, 0), (2, 2, 1), (2, 3, 0))


@points(3)
@needs(MAX)
@task("9.3")
@spec("MaxPool2d.forward", "Windows lie as in `Conv2d.forward`")
def test_max_pool_windows(tt, rng):
    """MaxPool2d takes any stride and padding; what is left over is dropped."""
    x = distinct(rng, (2, 2, 7, 5))
    t = tt.Tensor(x)
    for k, s, p in POOLS:
        same(
            tt.MaxPool2d(k, stride=s, padding=p)(t),
            tt.Tensor(windows(framed(x, p, -np.inf), k, s).max((4, 5))),
            call=f"MaxPool2d({k}, stride={s}, padding={p})(x), x (2, 2, 7, 5)",
            hint="oh = (h + 2 * padding - kernel_size) // stride + 1.",
        )


@needs("spatial::max_pool_windows")
@task("9.3")
@spec("MaxPool2d.forward", "entries in the padding never win.")
def test_max_pool_padding_never_wins(tt, rng):
    """The padding of MaxPool2d is smaller than every number."""
    x = -1 - distinct(rng, (1, 2, 4, 4)) ** 2
    same(
        tt.MaxPool2d(3, stride=1, padding=1)(tt.Tensor(x)),
        tt.Tensor(windows(framed(x, 1, -np.inf), 3).max((4, 5))),
        call="MaxPool2d(3, stride=1, padding=1)(x), all of x below 0",
        hint="Pad with -np.inf, not with 0.",
        misconceptions={"padded with zeros": windows(framed(x, 1), 3).max((4, 5))},
    )


MAX_GRADIENTS = {"blocks": ((2, 2, 0),), "windows": ((3, 1, 0), (3, 2, 1))}


@pytest.mark.parametrize("case", list(MAX_GRADIENTS))
@points(2)
@needs(MAX, "spatial::max_pool_windows", GRADIENT)
@task("9.3")
@spec(
    "MaxPool2d.forward",
    "The gradient of a maximum goes to the entry that it came from",
)
def test_max_pool_gradient(tt, rng, case):
    """The gradient goes to each window's largest entry; overlaps add up."""
    for how in MAX_GRADIENTS[case]:
        max_pool_gradient(tt, rng, *how)


def max_pool_gradient(tt, rng, k, s, p):
    """Check the gradient of one MaxPool2d."""

    def f64(x):
        return windows(framed(x, p, -np.inf), k, s).max((4, 5))

    x = distinct(rng, (2, 2, 5, 7))
    v = upstream(rng, f64(x).shape)
    last, every = (np.zeros_like(framed(x, p)) for _ in range(2))
    for y, z in reversed(list(np.ndindex(v.shape[2:]))):  # as a loop over positions
        block = np.s_[:, :, y * s : y * s + k, z * s : z * s + k]
        top = framed(x, p, -np.inf)[block] == f64(x)[:, :, y, z, None, None]
        every[block] += v[:, :, y, z, None, None]
        last[block] = np.where(top, v[:, :, y, z, None, None], last[block])
    inner = np.s_[:, :, p : p + 5, p : p + 7]
    overlaps = s < k
    gradients(
        tt,
        tt.MaxPool2d(k, stride=s, padding=p),
        f64,
        [x],
        rng,
        call=f"MaxPool2d({k}, stride={s}, padding={p})(x).backward(g)",
        hint="Compare each slice with the maxima; add g there.",
        misconceptions={
            "the gradient to every entry": [every[inner]],
            "shared by all entries": [every[inner] / k**2],
        }
        | ({"overlapping windows not added up": [last[inner]]} if overlaps else {}),
    )


@needs("spatial::max_pool_gradient_blocks")
@task("9.3")
@spec("MaxPool2d.forward", "where several are equal, they share it equally or one of")
def test_max_pool_gradient_of_ties(tt, rng):
    """Equal entries of a window get the gradient once, shared or not."""
    for size in (2, 3):
        x = tt.Tensor(np.full((2, 1, size, 2 * size), 0.5), requires_grad=True)
        v = (1 + rng.random((2, 1, 1, 2))).astype(np.float32)
        tt.MaxPool2d(size)(x).backward(v)
        same(
            windows(value(x.grad), size, size).sum((4, 5)),
            v,
            call=f"MaxPool2d({size})(x).backward(g): sum of x.grad a window, x equal",
            tol="gradient",
            hint="The entries equal to the maximum must not get g each.",
            misconceptions={"all of it to each of them": size**2 * v},
        )


@points(2)
@needs("tensor")
@task("9.4")
@spec("AvgPool2d.forward", "Return the mean of each window, channel by channel.")
def test_average_pool_keeps_the_mean(tt, rng):
    """AvgPool2d takes the mean of each window, with any stride."""
    x = rng.normal(size=(2, 3, 6, 7))
    for k, s in ((2, None), (3, 1), (2, 3)):
        blocks = windows(x, k, s or k)
        same(
            tt.AvgPool2d(k, stride=s)(tt.Tensor(x)),
            tt.Tensor(blocks.mean((4, 5))),
            call=f"AvgPool2d({k}, stride={s})(x), x (2, 3, 6, 7)",
            tol="reduction",
            hint="Add up the slices of all positions, divide by kernel_size ** 2.",
            misconceptions={
                "the sum": blocks.sum((4, 5)),
                "divided by kernel_size": blocks.sum((4, 5)) / k,
                "the maximum": blocks.max((4, 5)),
            },
        )


@needs(AVERAGE)
@task("9.4")
@spec("AvgPool2d.forward", "they count: every window has kernel_size ** 2 entries.")
def test_average_pool_counts_padding(tt, rng):
    """Zeros of the padding count in the mean."""
    x = 1 + rng.random((1, 2, 4, 5))
    total = windows(framed(x, 1), 3, 2).sum((4, 5))
    inside = windows(framed(np.ones_like(x), 1), 3, 2).sum((4, 5))
    same(
        tt.AvgPool2d(3, stride=2, padding=1)(tt.Tensor(x)),
        tt.Tensor(total / 9),
        call="AvgPool2d(3, stride=2, padding=1)(x), x (1, 2, 4, 5)",
        tol="reduction",
        hint="Divide by 9 everywhere.",
        misconceptions={"the padding not counted": total / inside},
    )


@points(2)
@needs(AVERAGE, "spatial::average_pool_counts_padding", GRADIENT)
@task("9.4")
@spec(
    "AvgPool2d.forward",
    "The gradient of a mean is shared equally by the entries of its window",
)
def test_average_pool_gradient(tt, rng):
    """The gradient is shared by the entries of a window; overlaps add up."""
    for how in (how for case in MAX_GRADIENTS.values() for how in case):
        average_pool_gradient(tt, rng, *how)


def average_pool_gradient(tt, rng, k, s, p):
    """Check the gradient of one AvgPool2d."""

    def f64(x):
        return windows(framed(x, p), k, s).mean((4, 5))

    x = rng.normal(size=(2, 2, 5, 6))
    v = upstream(rng, f64(x).shape)
    total = np.zeros_like(framed(x, p))
    for y, z in np.ndindex(v.shape[2:]):
        block = np.s_[:, :, y * s : y * s + k, z * s : z * s + k]
        total[block] += v[:, :, y, z, None, None]
    gradients(
        tt,
        tt.AvgPool2d(k, stride=s, padding=p),
        f64,
        [x],
        rng,
        call=f"AvgPool2d({k}, stride={s}, padding={p})(x).backward(g)",
        hint="Add g / kernel_size ** 2 to the slice of every position.",
        misconceptions={
            "the whole gradient to each": [total[:, :, p : p + 5, p : p + 6]]
        },
    )


@needs(MAX, AVERAGE)
@task("9.3")
@spec("MaxPool2d.forward", "ValueError: x has not four axes, or a window is larger")
def test_pools_refuse_other_shapes(tt, rng):
    """An image without batch axis, or a smaller one, raises ValueError naming it."""
    for shape in ((3, 6, 6), (1, 2, 2, 6)):
        x = tt.Tensor(rng.normal(size=shape))
        for name, pool in (("MaxPool2d", tt.MaxPool2d(3)), ("Avg", tt.AvgPool2d(3))):
            call = f"{name}(3)(x), x {shape}"
            raises(ValueError, pool, x, call=call, mentions=[shape])


# BatchNorm2d


def norm(x, gamma, beta, eps, axes=(0, 2, 3)):
    """Return x normalised over `axes`, scaled and shifted channel by channel."""
    gamma, beta = gamma.reshape(1, -1, 1, 1), beta.reshape(1, -1, 1, 1)
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def norm_layer(tt, gamma, beta, **how):
    """Return a BatchNorm2d that holds the given scale and shift."""
    layer = tt.BatchNorm2d(len(gamma), **how)
    set_data(layer.gamma, gamma)
    set_data(layer.beta, beta)
    return layer


def problem(rng, shape=(3, 4, 2, 3)):
    """Return images whose channels differ in mean and scale, gamma and beta."""
    c = shape[1]
    means, scales = rng.normal(size=(c, 1, 1)), rng.uniform(0.5, 2, size=(c, 1, 1))
    x = means + scales * rng.normal(size=shape)
    return x, rng.uniform(0.5, 2, size=c), rng.normal(size=c)


@needs("tensor")
@task("9.5")
@spec("BatchNorm2d.__init__", "Start with gamma 1, beta 0, running_mean 0 and")
def test_batch_norm_starts_neutral(tt, rng):
    """Gamma is 1, beta 0, the running statistics are 0 and 1; two are parameters."""
    n = int(rng.integers(2, 7))
    layer, call = tt.BatchNorm2d(n), f"BatchNorm2d({n})"
    starts = {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0, "running_var": 1.0}
    for name, start in starts.items():
        want = np.full(n, start, np.float32)
        same(getattr(layer, name), want, call=f"{call}.{name}", tol="exact")
    count = len(layer.parameters())
    expected = "2: gamma and beta"
    hint = "The running statistics are not trained: no requires_grad."
    call = f"len({call}.parameters())"
    holds(count == 2, call=call, expected=expected, got=f"{count}", hint=hint)
    same(layer.momentum, 0.1, call=f"BatchNorm2d({n}).momentum")


@points(3)
@needs("spatial::batch_norm_starts_neutral")
@task("9.5")
@spec("BatchNorm2d.forward", "Return gamma * (x - mean) / sqrt(var + eps) + beta")
def test_batch_norm_normalises_each_channel(tt, rng):
    """In training every channel is normalised over batch, height and width."""
    x, gamma, beta = problem(rng)
    axes = (0, 2, 3)
    spread = np.sqrt(x.var(axes, keepdims=True))
    wide, high = gamma.reshape(-1, 1, 1), beta.reshape(-1, 1, 1)
    unbiased = np.sqrt(x.var(axes, ddof=1, keepdims=True) + 0.1)
    centred = x - x.mean(axes, keepdims=True)
    same(
        norm_layer(tt, gamma, beta, eps=0.1)(tt.Tensor(x)),
        tt.Tensor(norm(x, gamma, beta, 0.1)),
        call="BatchNorm2d(4, eps=0.1)(x), x (3, 4, 2, 3)",
        tol="reduction",
        hint="Mean and variance over the axes 0, 2 and 3, with keepdims.",
        misconceptions={
            "the variance divided by m - 1": wide * centred / unbiased + high,
            "eps added outside the root": wide * centred / (spread + 0.1) + high,
            "each image normalised by itself": norm(x, gamma, beta, 0.1, (2, 3)),
            "normalised over the batch alone": norm(x, gamma, beta, 0.1, (0,)),
            "all channels normalised together": norm(x, gamma, beta, 0.1, (0, 1, 2, 3)),
            "not scaled and shifted": centred / np.sqrt(spread**2 + 0.1),
            "eps ignored": wide * centred / spread + high,
            "divided by the variance": wide * centred / (spread**2 + 0.1) + high,
        },
    )


@points(2)
@needs(NORM)
@task("9.5")
@spec(
    "BatchNorm2d.forward",
    "running_mean = (1 - momentum) * running_mean + momentum * mean",
)
def test_batch_norm_running_statistics_move(tt, rng):
    """Training moves the running statistics, by momentum, to the unbiased ones."""
    (x, gamma, beta), (y, _, _) = problem(rng), problem(rng, (2, 4, 1, 1))
    layer = norm_layer(tt, gamma, beta, momentum=0.3)
    layer(tt.Tensor(x))
    layer(tt.Tensor(y))

    def moved(start, first, second, share=0.3):
        once = (1 - share) * start + share * first
        return np.float32((1 - share) * once + share * second)

    axes = (0, 2, 3)
    means, plain = (x.mean(axes), y.mean(axes)), (x.var(axes), y.var(axes))
    unbiased = (x.var(axes, ddof=1), y.var(axes, ddof=1))
    how = {"tol": "reduction", "hint": "Keep 1 - momentum of the old value."}
    call = "BatchNorm2d(4, momentum=0.3) after two batches"
    wrong = {
        "momentum and 1 - momentum exchanged": moved(0.0, *means, 0.7),
        "the last batch's alone": np.float32(means[1]),
    }
    want = moved(0.0, *means)
    got = layer.running_mean
    same(got, want, call=f"{call}: running_mean", misconceptions=wrong, **how)
    wrong = {
        "the biased variance": moved(1.0, *plain),
        "momentum and 1 - momentum exchanged": moved(1.0, *unbiased, 0.7),
        "started from 0": moved(0.0, *unbiased),
        "standard deviations": moved(1.0, *(np.sqrt(v) for v in unbiased)),
    }
    want = moved(1.0, *unbiased)
    got = layer.running_var
    same(got, want, call=f"{call}: running_var", misconceptions=wrong, **how)


@points(2)
@needs(NORM)
@task("9.5")
@spec("BatchNorm2d.forward", "mean and var are running_mean and running_var")
def test_batch_norm_evaluates_with_running_statistics(tt, rng):
    """After eval() the running statistics are used, and stay as they are."""
    x, gamma, beta = problem(rng)
    mean, var = rng.normal(size=4), rng.uniform(0.5, 2, size=4)
    layer = norm_layer(tt, gamma, beta)
    set_data(layer.running_mean, mean)
    set_data(layer.running_var, var)
    layer.eval()
    wide, high, middle, spread = (a.reshape(-1, 1, 1) for a in (gamma, beta, mean, var))
    call = "BatchNorm2d(4) after eval()"
    same(
        layer(tt.Tensor(x)),
        tt.Tensor(wide * (x - middle) / np.sqrt(spread + 1e-5) + high),
        call=f"{call}: layer(x)",
        tol="reduction",
        hint="eval() sets self.training to False.",
        misconceptions={
            "the batch's own statistics": norm(x, gamma, beta, 1e-5),
            "running_var taken for a deviation": wide * (x - middle) / spread + high,
        },
    )
    kept = {"running_mean": mean, "running_var": var}
    for name, want in kept.items():
        got = getattr(layer, name)
        same(got, np.float32(want), call=f"{call}, layer(x): {name}", tol="exact")


@points(2)
@needs(NORM, GRADIENT)
@task("9.5")
@spec("BatchNorm2d.forward", "in training, mean and var depend on x too.")
def test_batch_norm_gradient(tt, rng):
    """In training the gradient of x passes through mean and variance as well."""
    x, gamma, beta = problem(rng)

    def fn(t, scale, shift):
        layer = tt.BatchNorm2d(4, eps=0.1)
        layer.gamma, layer.beta = scale, shift
        return layer(t)

    def f64(z, scale, shift):
        return norm(z, scale, shift, 0.1)

    v, axes = upstream(rng, x.shape), (0, 2, 3)
    inverse = 1 / np.sqrt(x.var(axes, keepdims=True) + 0.1)
    hat = (x - x.mean(axes, keepdims=True)) * inverse
    scaled = v * gamma.reshape(-1, 1, 1) * inverse
    rest = [(v * hat).sum(axes), v.sum(axes)]
    gradients(
        tt,
        fn,
        f64,
        [x, gamma, beta],
        rng,
        call="BatchNorm2d(4, eps=0.1)(x).backward(g), x (3, 4, 2, 3)",
        hint="dx = gamma / sqrt(var + eps) * (g - mean(g) - x_hat * mean(g * x_hat)).",
        misconceptions={
            "mean and variance taken for constants": [scaled, *rest],
            "the variance taken for a constant": [
                scaled - scaled.mean(axes, keepdims=True),
                *rest,
            ],
            "the mean, not the sum, for gamma and beta": [
                0.0,
                (v * hat).mean(axes),
                v.mean(axes),
            ],
            "g times x, not times x_hat, for gamma": [
                0.0,
                (v * x).sum(axes),
                rest[1],
            ],
        },
    )


@needs("spatial::batch_norm_evaluates_with_running_statistics", GRADIENT)
@task("9.5")
@spec("BatchNorm2d.forward", "Gradients of x, gamma and beta")
def test_batch_norm_gradient_in_evaluation(tt, rng):
    """In evaluation the statistics are constants, for the gradient too."""
    x, gamma, beta = problem(rng)
    mean, var = rng.normal(size=4), rng.uniform(0.5, 2, size=4)

    def fn(t, scale, shift):
        layer = tt.BatchNorm2d(4)
        set_data(layer.running_mean, mean)
        set_data(layer.running_var, var)
        layer.gamma, layer.beta = scale, shift
        layer.eval()
        return layer(t)

    def f64(z, scale, shift):
        wide, high, m, s = (a.reshape(-1, 1, 1) for a in (scale, shift, mean, var))
        return wide * (z - m) / np.sqrt(s + 1e-5) + high

    call = "BatchNorm2d(4)(x).backward(g) after eval(), x (3, 4, 2, 3)"
    hint = "dx = g * gamma / sqrt(running_var + eps), nothing more."
    v = upstream(rng, x.shape)
    root = np.sqrt(var + 1e-5).reshape(-1, 1, 1)
    hat, axes = (x - mean.reshape(-1, 1, 1)) / root, (0, 2, 3)
    share = (v * hat).mean(axes, keepdims=True)
    dx = (
        (v - v.mean(axes, keepdims=True) - hat * share) * gamma.reshape(-1, 1, 1) / root
    )
    wrong = {"the gradient for training": [dx, (v * hat).sum(axes), v.sum(axes)]}
    inputs = [x, gamma, beta]
    gradients(tt, fn, f64, inputs, rng, call=call, hint=hint, misconceptions=wrong)


@needs(NORM)
@task("9.5")
@spec("BatchNorm2d.forward", "a channel with a mean of 1e4 and a deviation of 1 comes")
def test_batch_norm_survives_a_large_mean(tt, rng):
    """The variance of numbers near 1e4 keeps its digits."""
    x = (1e4 + rng.normal(size=(4, 2, 4, 4))).astype(np.float32)
    ones = np.ones(2)
    out = value(norm_layer(tt, ones, ones * 0)(tt.Tensor(x)))
    error = np.abs(out - norm(x.astype(float), ones, ones * 0, 1e-5)).max()
    holds(
        error <= 0.05,
        call="BatchNorm2d(2)(x), x 10000 and a bit",
        expected="normalised numbers, right to 0.05",
        got="nan" if np.isnan(error) else f"off by {error:.2g}",
        hint="mean(x^2) - mean^2 loses all digits: take the mean of (x - mean)^2.",
    )


@needs(NORM)
@task("9.5")
@spec("BatchNorm2d.forward", "ValueError: x has not four axes or not num_features")
def test_batch_norm_refuses_other_shapes(tt, rng):
    """Without batch axis, or with other channels: ValueError names the shape."""
    for shape in ((4, 5, 5), (4, 3), (2, 1, 5, 5)):
        x = tt.Tensor(rng.normal(size=shape))
        call = f"BatchNorm2d(4)(x), x {shape}"
        hint = "One channel would broadcast silently: compare the sizes."
        layer = tt.BatchNorm2d(4)
        raises(ValueError, layer, x, call=call, mentions=[shape], hint=hint)


# Flatten, and all layers together


@needs("tensor::reshape_keeps_the_order_of_entries")
@task("9.6")
@spec("Flatten.forward", "Return x with all axes but the first merged into one")
def test_flatten_keeps_the_batch(tt, rng):
    """Flatten merges all axes but the first, in order, and hands gradients back."""
    x, v = rng.normal(size=(3, 2, 4, 5)), rng.normal(size=(3, 40)).astype(np.float32)
    t = tt.Tensor(x, requires_grad=True)
    out = tt.Flatten()(t)
    call = "Flatten()(x), x (3, 2, 4, 5)"
    wrong = {
        "channels last": x.transpose(0, 2, 3, 1).reshape(3, 40),
        "the batch merged as well": x.reshape(-1),
    }
    same(out, tt.Tensor(x.reshape(3, 40)), call=call, misconceptions=wrong)
    out.backward(v)
    same(t.grad, v.reshape(x.shape), call=f"{call}: x.grad", tol="gradient")


LAYERS = {
    "Conv2d": (2, 3, 3, 1, 1),
    "MaxPool2d": (2,),
    "AvgPool2d": (2,),
    "BatchNorm2d": (2,),
}


@needs(CONV, MAX, AVERAGE, NORM)
@task("9.5")
@spec("BatchNorm2d.forward", "x keeps its data.")
def test_inputs_keep_their_data(tt, rng):
    """Forward and backward change neither the input nor the parameters."""
    x = rng.normal(size=(2, 2, 4, 4)).astype(np.float32)
    for name, arguments in LAYERS.items():
        layer, t = getattr(tt, name)(*arguments), tt.Tensor(x, requires_grad=True)
        kept = [(t, x), *((p, value(p)) for p in layer.parameters())]
        layer(t).sum().backward()
        for a, before in kept:
            call = f"{name}{arguments}(x).sum().backward(): data afterwards"
            hint = "`-=`, `*=` and `out=` write into the array that x holds."
            same(a.data, before, call=call, tol="exact", hint=hint)


def _large(tt, x, v):
    """Return the statistics and gradients of two layers for many numbers."""
    wide, many = (np.tile(a, (7, 1, 1, 1)) for a in (x, v))
    norm = tt.BatchNorm2d(2, momentum=0.5)
    norm(tt.Tensor(wide)).backward(many)
    slopes = []
    for n, k in ((3, 3), (1, 5)):
        layer, end = tt.Conv2d(2, 1, k, bias=False), 84 - k + 1
        layer(tt.Tensor(x[:n])).backward(v[:n, :1, :end, :end])
        slopes.append(layer.weight.grad)
    statistics = [norm.running_mean.data, norm.running_var.data]
    return [*statistics, norm.gamma.grad, norm.beta.grad, *slopes]


@needs("spatial::conv_gradient_plain", "spatial::batch_norm_gradient")
@task("9.5")
@spec("BatchNorm2d.forward", "mean and var are those of the channel over the m = n * h")
def test_large_images(tt, rng):
    """Sums over 100,000 numbers and more are sums over all of them."""
    x, v = (rng.normal(size=(3, 2, 84, 84)).astype(np.float32) for _ in range(2))
    mean, var, d_gamma, d_beta, *slopes = remote_source(tt, _large, x=x, v=v)
    axes, wide = (0, 2, 3), x.astype(float)
    call = "BatchNorm2d(2, momentum=0.5)(x), x (21, 2, 84, 84)"
    same(mean, np.float32(0.5 * wide.mean(axes)), call=f"{call}: mean", tol="gradient")
    m = 7 * x[:, 0].size
    expected = np.float32(0.5 + 0.5 * wide.var(axes) * m / (m - 1))
    same(var, expected, call=f"{call}: running_var", tol="gradient")
    root = np.sqrt(wide.var(axes, keepdims=True) + 1e-5)
    hat = (wide - wide.mean(axes, keepdims=True)) / root
    for got, part, name in ((d_gamma, v * hat, "gamma"), (d_beta, v, "beta")):
        total, most = 7 * part.sum(axes), np.sqrt(m)  # a sum of m random numbers
        same(got / most, total / most, call=f"{call}: {name}.grad", tol="gradient")
    for got, (n, k) in zip(slopes, ((3, 3), (1, 5)), strict=True):
        end = 84 - k + 1
        found = windows(x[:n], k).transpose(1, 4, 5, 0, 2, 3)
        want = (found * v[:n, 0, :end, :end]).sum((3, 4, 5), dtype=np.float64)[None]
        call = f"Conv2d(2, 1, {k})(x).backward(g), x ({n}, 2, 84, 84): weight.grad/100"
        same(got / 100, np.float32(want / 100), call=call, tol="gradient")


def _bars(tt, x, y, steps, rate):
    """Train a small network by plain gradient descent; return first and last loss."""
    np.random.seed(1)
    model = tt.Sequential(
        tt.Conv2d(1, 4, 3, padding=1),
        tt.BatchNorm2d(4),
        tt.ReLU(),
        tt.MaxPool2d(2),
        tt.Flatten(),
        tt.Linear(4 * 9, 1),
    )
    images, wanted, losses = tt.Tensor(x), tt.Tensor(y), []
    for _ in range(steps):
        for p in model.parameters():
            p.zero_grad()
        error = model(images) - wanted
        loss = (error * error).mean()
        loss.backward()
        for p in model.parameters():
            p.data = p.data - np.float32(rate) * p.grad
        losses.append(float(loss.data))
    model.eval()
    return [losses[0], losses[-1], model(images).data]


@points(3)
@cpu_limit(5)
@needs(
    "spatial::conv_gradient",
    "spatial::max_pool_gradient_blocks",
    "spatial::batch_norm_gradient",
    "spatial::flatten_keeps_the_batch",
    "layers::sequential_calls_its_layers_in_order",
)
@task("9.2")
@spec("Conv2d", "Slide windows with weights over images")
def test_learns_bars(tt, rng):
    """A small network learns to tell lying bars from standing ones."""
    x = 0.1 * rng.normal(size=(48, 1, 6, 6))
    y = np.where(np.arange(48) % 2, 1.0, -1.0)[:, None]
    for image, side, at in zip(x[:, 0], y[:, 0], rng.integers(0, 6, 48), strict=True):
        image[(at, slice(None)) if side > 0 else (slice(None), at)] += 1
    first, last, answers = remote_source(tt, _bars, x=x, y=y, steps=40, rate=0.05)
    right = float((np.sign(answers) == y).mean())
    holds(
        last < first / 4 and right >= 0.9,
        call="40 steps of Conv2d, BatchNorm2d, ReLU, MaxPool2d, Flatten, Linear",
        expected="a quarter of the loss at most, and 90 % right after eval()",
        got=f"loss {first:.3g} to {last:.3g}, {right:.0%} right",
        hint="If single gradients are right, look at train() and eval().",
    )


# Data


@needs("tensor::indexing_selects_as_numpy_does")
@task("9.7")
@spec("TensorDataset.__getitem__", "a tuple of row `index` of each tensor.")
def test_dataset_samples_are_rows(tt, rng):
    """TensorDataset has one sample a row, a tuple with a part of each tensor."""
    n = int(rng.integers(4, 9))
    x, y = rng.normal(size=(n, 2, 3)), rng.normal(size=n)
    data = tt.TensorDataset(tt.Tensor(x), tt.Tensor(y))
    call = f"TensorDataset(x, y), x ({n}, 2, 3), y ({n},)"
    same(len(data), n, call=f"len({call})", misconceptions={"the tensors counted": 2})
    sample = data[n - 2]
    pair = isinstance(sample, tuple) and len(sample) == 2
    holds(pair, call=f"{call}[{n - 2}]", expected="a tuple of 2", got=sample)
    for got, want in zip(sample, (x, y), strict=True):
        same(got, tt.Tensor(want[n - 2]), call=f"{call}[{n - 2}]")


@needs(ROWS)
@task("9.7")
@spec("TensorDataset.__init__", "ValueError: there is none, or they differ in their")
def test_dataset_refuses_other_lengths(tt, rng):
    """Tensors of different length raise ValueError naming the shapes."""
    x, y = tt.Tensor(rng.normal(size=(5, 2))), tt.Tensor(rng.normal(size=4))
    call = "TensorDataset(x, y), x (5, 2), y (4,)"
    hint = "Every sample needs a row in each tensor."
    mentions = [(5, 2), (4,)]
    raises(ValueError, tt.TensorDataset, x, y, call=call, mentions=mentions, hint=hint)
    raises(ValueError, tt.TensorDataset, call="TensorDataset()")


def _sample(dataset, index):
    return dataset[index]


@needs(ROWS)
@task("9.7")
@spec("TensorDataset.__getitem__", "IndexError: there is no such sample.")
def test_dataset_ends(tt, rng):
    """A sample beyond the last one raises IndexError."""
    n = int(rng.integers(3, 7))
    data = tt.TensorDataset(tt.Tensor(rng.normal(size=(n, 2))))
    call = f"TensorDataset(x)[{n}], x ({n}, 2)"
    raises(IndexError, _sample, data, n, call=call)


def batches(loader):
    """Return what one epoch of `loader` gives, as lists of arrays."""
    found = []
    for batch in loader:
        call, expected = "a batch of a DataLoader", "a tuple of 2 Tensors"
        pair = isinstance(batch, tuple) and all(is_tensor(part) for part in batch)
        holds(pair and len(batch) == 2, call=call, expected=expected, got=batch)
        found.append([value(part) for part in batch])
    return found


@points(2)
@needs(ROWS)
@task("9.8")
@spec("DataLoader.__iter__", "Without `shuffle` the samples come in their order")
def test_loader_keeps_the_order(tt, rng):
    """Batches come in order, the last one smaller, and so again in every epoch."""
    x, y = rng.normal(size=(8, 2, 2)), rng.integers(0, 5, size=8)
    loader = tt.DataLoader(tt.TensorDataset(tt.Tensor(x), tt.Tensor(y)), batch_size=3)
    for epoch in ("first", "second"):
        found = batches(loader)
        call = (
            f"DataLoader(TensorDataset(x, y), batch_size=3), {epoch} epoch, 8 samples"
        )
        same(
            tuple(len(batch[0]) for batch in found),
            (3, 3, 2),
            call=f"{call}: sizes",
            tol="exact",
            hint="range(0, count, batch_size) starts all of them.",
            misconceptions={"the last batch dropped": (3, 3)},
        )
        for i, want in enumerate((x, y)):
            got = np.concatenate([batch[i] for batch in found])
            wrong = {
                "batches overlap": np.concatenate([want[k : k + 3] for k in range(3)])
            }
            same(got, want.astype("f4"), call=f"{call}: part {i}", misconceptions=wrong)


@needs("tensor")
@task("9.8")
@spec("DataLoader.__len__", "Return the number of batches an epoch, a smaller last one")
def test_loader_length_counts_batches(tt, rng):
    """len(loader) counts batches, the smaller last one included."""
    for n, size in ((7, 3), (6, 3), (2, 5)):
        data = tt.TensorDataset(tt.Tensor(rng.normal(size=(n, 2))))
        call = f"len(DataLoader(dataset of {n}, batch_size={size}))"
        wrong = {"the samples counted": n, "rounded down": n // size}
        if n % size == 0:
            wrong = {"one batch too many": n // size + 1}
        got = len(tt.DataLoader(data, batch_size=size))
        same(got, -(-n // size), call=call, misconceptions=wrong)


@points(2)
@needs(LOADER)
@task("9.8")
@spec("DataLoader.__iter__", "drawn afresh at the start of every epoch")
def test_loader_shuffles(tt, rng):
    """Shuffled, each sample comes once an epoch with its label, in a new order."""
    x = rng.permutation(40).astype(np.float32)
    data = tt.TensorDataset(tt.Tensor(x), tt.Tensor(2 * x + 1))
    loader = tt.DataLoader(data, batch_size=16, shuffle=True)
    call, orders = "DataLoader(TensorDataset(x, y), 16, shuffle=True)", []
    for _ in range(2):
        found = batches(loader)
        xs, ys = (np.concatenate([batch[i] for batch in found]) for i in (0, 1))
        hint = "Cut one permutation of all samples into pieces."
        same(np.sort(xs), np.arange(40.0), call=f"{call}: x sorted", hint=hint)
        hint = "Use the same order for all tensors."
        same(ys, 2 * xs + 1, call=f"{call}: y, 2 x + 1", hint=hint)
        orders.append(xs)
    moved = not np.array_equal(orders[0], x)
    holds(moved, call=call, expected="another order than the dataset's", got="the same")
    fresh = not np.array_equal(*orders)
    hint = "Draw the order in __iter__, not in __init__."
    call = f"{call}, two epochs"
    holds(fresh, call=call, expected="two orders", got="the same twice", hint=hint)


def _orders(tt, seed, count):
    """Return the order of a shuffled epoch, twice from one seed."""
    loader = tt.DataLoader(tt.TensorDataset(tt.Tensor(np.arange(count))), 7, True)
    orders = []
    for _ in range(2):
        np.random.seed(seed)
        orders.append(np.concatenate([batch[0].data for batch in loader]))
    return orders


@needs("spatial::loader_shuffles")
@task("9.8")
@spec("DataLoader.__iter__", "from numpy's global random numbers.")
def test_loader_follows_the_seed_of_numpy(tt, rng):
    """The same numpy.random.seed gives the same order."""
    first, again = remote_source(tt, _orders, seed=int(rng.integers(2**31)), count=30)
    call = "np.random.seed(s); one shuffled epoch, twice"
    hint = "np.random.permutation, not random.shuffle or default_rng()."
    same(again, first, call=call, tol="exact", hint=hint)


def _own_dataset(tt, table, size):
    """Return the batches of a dataset of its own class."""

    class Table(tt.Dataset):
        def __len__(self):
            return len(table)

        def __getitem__(self, index):
            if not 0 <= index < len(table):
                raise IndexError(index)
            return table[index], tt.Tensor([index, 1.0]), float(index)

    return [[part.data for part in batch] for batch in tt.DataLoader(Table(), size)]


@needs(LOADER)
@task("9.8")
@spec("DataLoader.__iter__", "each part is a Tensor that stacks the samples' parts")
def test_loader_takes_any_dataset(tt, rng):
    """A subclass of Dataset may give arrays, tensors and numbers, sample by sample."""
    table = rng.normal(size=(5, 2, 3)).astype(np.float32)
    found = remote_source(tt, _own_dataset, table=table, size=2)
    call = "DataLoader(dataset, 2), dataset[i] = (array (2, 3), Tensor (2,), number)"
    index = np.arange(5, dtype=np.float32)
    parts = (table, np.stack([index, np.ones(5)], axis=1), index)
    hint = "Ask dataset[i] for each i, then stack part by part."
    for i, want in enumerate(parts):
        got = np.concatenate([np.asarray(batch[i]) for batch in found])
        same(got, np.float32(want), call=f"{call}: part {i}", hint=hint)


# Transforms


def _repeated(tt, name, arguments, x, times):
    """Return what a transform makes of `x`, again and again."""
    transform = getattr(tt, name)(*arguments)
    return [transform(tt.Tensor(x)).data for _ in range(times)]


@needs("tensor")
@task("9.9")
@spec("RandomHorizontalFlip.__call__", "Return x with its last axis reversed")
def test_flip_reverses_the_last_axis(tt, rng):
    """RandomHorizontalFlip exchanges left and right; with p = 0 it does nothing."""
    for shape in ((4, 5), (3, 4, 5), (2, 3, 4, 5)):
        x = rng.normal(size=shape)
        call = f"RandomHorizontalFlip(p)(x), x {shape}"
        wrong = {
            "upside down": x[..., ::-1, :],
            "turned by half": x[..., ::-1, ::-1],
            "not mirrored": x,
        }
        got = tt.RandomHorizontalFlip(1.0)(tt.Tensor(x))
        want = tt.Tensor(x[..., ::-1])
        same(got, want, call=f"{call}, p = 1", misconceptions=wrong)
        got = tt.RandomHorizontalFlip(0.0)(tt.Tensor(x))
        same(got, tt.Tensor(x), call=f"{call}, p = 0")


@needs("spatial::flip_reverses_the_last_axis")
@task("9.9")
@spec("RandomHorizontalFlip.__call__", "(channels, h, w) is mirrored as a whole.")
def test_flip_mirrors_an_image_as_a_whole(tt, rng):
    """One image is mirrored in all channels or in none, now and then."""
    x = rng.normal(size=(3, 2, 4)).astype(np.float32)
    arguments = {"name": "RandomHorizontalFlip", "arguments": [], "x": x}
    found = remote_source(tt, _repeated, **arguments, times=30)
    call = "RandomHorizontalFlip()(x), x (3, 2, 4), 30 times"
    mirrored = [np.allclose(got, x[..., ::-1]) for got in found]
    whole = all(m or np.allclose(g, x) for m, g in zip(mirrored, found, strict=True))
    holds(whole, call=call, expected="x or its mirror image", got="a mixture")
    both = 0 < sum(mirrored) < 30  # else with probability 2e-9
    got = f"mirrored {sum(mirrored)} times"
    hint = "Draw a random number in every call."
    holds(both, call=call, expected="some mirrored, some not", got=got, hint=hint)


@needs("spatial::flip_reverses_the_last_axis")
@task("9.9")
@spec("RandomHorizontalFlip.__call__", "each image is mirrored or not by itself.")
def test_flip_decides_for_each_image_of_a_batch(tt, rng):
    """Of a batch, a share p of the images is mirrored."""
    p, x = float(rng.choice([0.25, 0.75])), rng.normal(size=(400, 1, 2, 3))
    out = value(tt.RandomHorizontalFlip(p)(tt.Tensor(x)))
    mirrored = np.isclose(out, x[..., ::-1], atol=1e-6).all((1, 2, 3))
    same_as_before = np.isclose(out, x, atol=1e-6).all((1, 2, 3))
    call = f"RandomHorizontalFlip({p})(x), x (400, 1, 2, 3)"
    whole = bool((mirrored | same_as_before).all())
    holds(whole, call=call, expected="images or their mirror images", got="others")
    share = float(mirrored.mean())
    holds(
        abs(share - p) < 0.13,  # six standard deviations
        call=call,
        expected=f"about {p:.0%} mirrored",
        got=f"{share:.0%}",
        hint="One random number for each image; mirrored where it is below p.",
    )


def places(out, padded):
    """Return where each cut of `out` (n, c, s, s) lies in `padded`, None if nowhere."""
    side = out.shape[-1]
    spots = [
        (y, z)
        for y in range(padded.shape[2] - side + 1)
        for z in range(padded.shape[3] - side + 1)
    ]
    cuts = np.stack([padded[..., y : y + side, z : z + side] for y, z in spots])
    equal = np.isclose(cuts, out[None], atol=1e-6).all((2, 3, 4))
    return [spots[e.argmax()] if e.any() else None for e in equal.T]


@points(2)
@needs("tensor")
@task("9.9")
@spec("RandomCrop.__call__", "Every place where the square fits is equally likely")
def test_crop_reaches_every_place(tt, rng):
    """RandomCrop cuts each image of a batch at a place of its own, any place."""
    n, p = 500, 1
    x = 1 + rng.random((n, 2, 4, 5))
    out = value(tt.RandomCrop(3, padding=p)(tt.Tensor(x)))
    call = f"RandomCrop(3, padding=1)(x), x ({n}, 2, 4, 5)"
    same(out.shape, (n, 2, 3, 3), call=f"{call}: shape", tol="exact")
    found = places(out, framed(x, p))
    inside = all(place is not None for place in found)
    hint = "Pad the last two axes with zeros, then slice."
    expected = "3 x 3 neighbouring places of the padded image"
    holds(inside, call=call, expected=expected, got="other numbers", hint=hint)
    reached = len(set(found))  # one of the 20 is missed with probability 2e-10
    hint = "The upper end of np.random.randint is left out; draw both axes."
    expected = "all 20 places reached"
    holds(reached == 20, call=call, expected=expected, got=f"{reached}", hint=hint)


@needs("spatial::crop_reaches_every_place")
@task("9.9")
@spec("RandomCrop.__call__", "One image (h, w) or (channels, h, w) is cut as a whole")
def test_crop_cuts_an_image_as_a_whole(tt, rng):
    """All channels of one image are cut at the same place, by 4 unless told."""
    x = (1 + rng.random((3, 5, 5))).astype(np.float32)
    arguments = {"name": "RandomCrop", "arguments": [5], "x": x}
    found = np.stack(remote_source(tt, _repeated, **arguments, times=40))
    call = "RandomCrop(5)(x), x (3, 5, 5), 40 times"
    same(found.shape, (40, 3, 5, 5), call=f"{call}: shape", tol="exact")
    cuts = places(found, np.repeat(framed(x[None], 4), 40, axis=0))
    whole = all(place is not None for place in cuts)
    holds(whole, call=call, expected="one place for all channels", got="several")
    varied = len(set(cuts)) > 8  # about 32 of 81
    got = f"{len(set(cuts))} places"
    hint = "padding is 4 unless given; draw in every call."
    holds(varied, call=call, expected="many places", got=got, hint=hint)


@needs("spatial::crop_reaches_every_place")
@task("9.9")
@spec("RandomCrop.__call__", "ValueError: the square is larger than the padded image")
def test_crop_refuses_small_images(tt, rng):
    """A square that does not fit raises ValueError naming the shape."""
    x = tt.Tensor(rng.normal(size=(2, 3, 6)))
    call = "RandomCrop(6, padding=1)(x), x (2, 3, 6)"
    crop = tt.RandomCrop(6, padding=1)
    raises(ValueError, crop, x, call=call, mentions=[(2, 3, 6)])
    x = rng.normal(size=(2, 4, 6))  # the square fits, at one place from top to bottom
    got = tuple(crop(tt.Tensor(x)).shape)
    same(got, (2, 6, 6), call="RandomCrop(6, padding=1)(x).shape, x (2, 4, 6)")


def _steps(tt, x):
    """Return what Compose makes of x with steps that do not commute."""
    composed = tt.Compose([lambda t: t + 1, lambda t: t * 10])
    return [composed(tt.Tensor(x)).data, tt.Compose([])(tt.Tensor(x)).data]


@needs("tensor::arithmetic_broadcasts_add")
@task("9.9")
@spec("Compose.__call__", "each being fed the one before it.")
def test_compose_goes_in_order(tt, rng):
    """Compose applies its transforms one after the other, in order."""
    x = rng.normal(size=3)
    got, nothing = remote_source(tt, _steps, x=x)
    wrong = {"the order reversed": 10 * x + 1, "the last one only": 10 * x}
    call = "Compose([t + 1, t * 10])(x)"
    same(got, np.float32(10 * (x + 1)), call=call, misconceptions=wrong)
    same(nothing, np.float32(x), call="Compose([])(x)")
