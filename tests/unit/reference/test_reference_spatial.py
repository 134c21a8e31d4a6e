"""Convolution, pooling and normalisation against loops in float64, and data loading."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from grader.checks.checklib import gradients

# kernel, stride, padding; the last ones have padding that some windows see alone
GEOMETRIES = [(1, 1, 0), (2, 2, 0), (3, 1, 1), (3, 2, 0), (3, 2, 2), (4, 3, 1)]
WIDE = [(1, 1, 1), (2, 1, 3), (3, 3, 5)]
POOLS = [(2, 2, 0), (2, 1, 0), (3, 2, 1), (3, 3, 0), (4, 2, 2)]


def framed(x: Any, padding: int, fill: float = 0.0) -> Any:
    sides = [(0, 0), (0, 0), (padding, padding), (padding, padding)]
    return np.pad(x, sides, constant_values=fill)


def windows(x: Any, kernel: int, stride: int) -> Any:
    views = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
    return views[:, :, ::stride, ::stride]


def conv(x: Any, w: Any, b: Any, stride: int, padding: int) -> Any:
    found = windows(framed(x, padding), w.shape[2], stride)
    return np.einsum("ncyzij,mcij->nmyz", found, w) + b[:, None, None]


def distinct(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return float32 numbers at least 0.1 apart, so that no maximum is near a tie."""
    size = int(np.prod(shape))
    x = 0.1 * (rng.permutation(size) - size // 2) + 0.03
    return x.reshape(shape).astype(np.float32)


def single(x: Any) -> Any:
    return x.astype(np.float32)


@pytest.mark.parametrize(("k", "s", "p"), [*GEOMETRIES, *WIDE])
def test_convolution_and_its_gradients(
    tt: ModuleType, rng: np.random.Generator, k: int, s: int, p: int
) -> None:
    inputs = [single(rng.normal(size=z)) for z in ((3, 2, 7, 6), (4, 2, k, k), (4,))]

    def fn(x: Any, w: Any, b: Any) -> Any:
        layer = tt.Conv2d(2, 4, k, stride=s, padding=p)
        layer.weight, layer.bias = w, b
        return layer(x)

    x, w, b = inputs
    want = conv(x, w, b, s, p)
    found = gradients(
        tt, fn, lambda x, w, b: conv(x, w, b, s, p), inputs, rng, call=f"{k} {s} {p}"
    )

    got = fn(*(tt.Tensor(x) for x in inputs))
    np.testing.assert_allclose(got.data, want, rtol=1e-4, atol=1e-5)
    assert [a.dtype for a in (got.data, *found)] == [np.float32] * 4


@pytest.mark.parametrize("name", ["MaxPool2d", "AvgPool2d"])
@pytest.mark.parametrize("geometry", POOLS)
def test_pooling_and_its_gradient(
    tt: ModuleType, rng: np.random.Generator, name: str, geometry: tuple[int, int, int]
) -> None:
    k, s, p = geometry
    fill, reduce = (-np.inf, "max") if name == "MaxPool2d" else (0.0, "mean")
    x = distinct(rng, (2, 3, 7, 5))
    layer = getattr(tt, name)(k, stride=s, padding=p)

    def f64(z: Any) -> Any:
        return getattr(windows(framed(z, p, fill), k, s), reduce)((4, 5))

    (found,) = gradients(tt, layer, f64, [x], rng, call=f"{name} {k} {s} {p}")

    out = layer(tt.Tensor(x)).data
    np.testing.assert_allclose(out, f64(x), rtol=1e-5, atol=1e-6)
    assert out.dtype == found.dtype == np.float32


@pytest.mark.parametrize("size", [2, 3])
def test_equal_entries_get_one_gradient(tt: ModuleType, size: int) -> None:
    x = tt.Tensor(np.zeros((1, 2, size, size)), requires_grad=True)

    tt.MaxPool2d(size)(x).sum().backward()

    assert x.grad.sum((2, 3)).tolist() == [[1.0, 1.0]]
    assert x.grad[0, :, 0, 0].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_and_its_gradients(
    tt: ModuleType, rng: np.random.Generator, training: bool
) -> None:
    x = single(rng.normal(size=(3, 2, 4, 5)) * 2 + 1)
    gamma, beta = single(rng.normal(size=2)), single(rng.normal(size=2))
    mean, var = rng.normal(size=2), rng.uniform(0.5, 2, size=2)

    def fn(t: Any, g: Any, b: Any) -> Any:
        layer = tt.BatchNorm2d(2)
        layer.running_mean, layer.running_var = tt.Tensor(mean), tt.Tensor(var)
        layer.gamma, layer.beta = g, b
        layer.train(training)
        return layer(t)

    def f64(z: Any, g: Any, b: Any) -> Any:
        axes = (0, 2, 3)
        m, v = (z.mean(axes), z.var(axes)) if training else (mean, var)
        m, v, g, b = (a[:, None, None] for a in (m, v, g, b))
        return g * (z - m) / np.sqrt(v + 1e-5) + b

    found = gradients(tt, fn, f64, [x, gamma, beta], rng, call="BatchNorm2d")

    out = fn(*(tt.Tensor(a) for a in (x, gamma, beta))).data
    np.testing.assert_allclose(out, f64(x, gamma, beta), rtol=1e-4, atol=1e-5)
    assert [a.dtype for a in (out, *found)] == [np.float32] * 4


def test_running_statistics_are_buffers_in_float32(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    layer, x = tt.BatchNorm2d(3, momentum=0.25), rng.normal(size=(4, 3, 2, 2))
    layer(tt.Tensor(x))

    mean, var = (b.data for b in layer.buffers())

    np.testing.assert_allclose(mean, 0.25 * x.mean((0, 2, 3)), rtol=1e-5)
    want = 0.75 + 0.25 * x.var((0, 2, 3), ddof=1)
    np.testing.assert_allclose(var, want, rtol=1e-5)
    assert mean.dtype == var.dtype == np.float32


def test_chunks_give_what_the_whole_gives(
    tt: ModuleType, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = tt.Conv2d.forward.__globals__["convolve"].__globals__
    x, v = distinct(rng, (5, 3, 6, 6)), single(rng.normal(size=(5, 4, 3, 3)))
    results = []
    for chunk in (2**18, 500, 1):  # all images at once, a few, one
        monkeypatch.setitem(kernels, "CHUNK", chunk)
        np.random.seed(0)  # noqa: NPY002 -- the course's layers draw from there
        layers = [tt.Conv2d(3, 4, 3, padding=1), tt.BatchNorm2d(4), tt.MaxPool2d(2)]
        model, t = tt.Sequential(*layers), tt.Tensor(x, requires_grad=True)
        model(t).backward(v)
        results.append([t.grad, *(p.grad for p in model.parameters())])

    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_channels_stay_last_in_memory_through_a_chain(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    """Each step would otherwise copy the images twice."""
    t = tt.Tensor(rng.normal(size=(2, 3, 8, 8)))
    layers = [tt.Conv2d(3, 4, 3), tt.ReLU(), tt.MaxPool2d(2), tt.BatchNorm2d(4)]
    for layer in (*layers, tt.AvgPool2d(3, stride=1)):
        t = layer(t)

        assert t.data.transpose(0, 2, 3, 1).flags.c_contiguous


@pytest.mark.parametrize("shape", [(3, 6, 6), (1, 2, 6, 6), (1, 3, 2, 6)])
def test_other_shapes_are_refused(tt: ModuleType, shape: tuple[int, ...]) -> None:
    x = tt.Tensor(np.zeros(shape))
    fitting = [tt.MaxPool2d(2), tt.AvgPool2d(2)] if shape[1] == 2 else []
    layers: list[Callable[[Any], Any]] = [tt.Conv2d(3, 4, 3)]
    layers += [] if fitting else [tt.MaxPool2d(3), tt.AvgPool2d(3)]

    for layer in layers:
        with pytest.raises(ValueError, match=str(shape).replace("(", r"\(")[:-1]):
            layer(x)
    assert all(layer(x).shape == (1, 2, 3, 3) for layer in fitting)


def test_loader_gives_each_sample_once_an_epoch(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    x = single(rng.normal(size=(10, 2)))
    data = tt.TensorDataset(tt.Tensor(x), tt.Tensor(np.arange(10)))
    plain, mixed = tt.DataLoader(data, 4), tt.DataLoader(data, 4, shuffle=True)

    ids = [np.concatenate([y.data for _, y in loader]) for loader in (plain, mixed)]
    pairs = [(a.data, b.data.astype(int)) for a, b in itertools.chain(plain, mixed)]

    assert [a.shape[0] for a, _ in plain] == [4, 4, 2]
    assert len(plain) == len(mixed) == 3
    assert ids[0].tolist() == sorted(ids[1].tolist()) == list(range(10))
    assert all((a == x[b]).all() for a, b in pairs)


def test_loader_stacks_samples_of_any_dataset(tt: ModuleType) -> None:
    class Squares(tt.Dataset):  # type: ignore[misc,name-defined]
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> tuple[Any, ...]:
            return tt.Tensor([index, 0]), np.float64(index**2), index

    *_, (a, b, c) = tt.DataLoader(Squares(), batch_size=2)

    assert (a.data.tolist(), b.data.tolist(), c.data.tolist()) == ([[2, 0]], [4], [2])


def test_transforms_take_images_and_batches(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(6, 3, 4, 5))
    flip, crop = tt.RandomHorizontalFlip(1.0), tt.RandomCrop(3, padding=1)
    both = tt.Compose([flip, crop])

    assert (flip(tt.Tensor(x)).data == single(x[..., ::-1])).all()
    assert both(tt.Tensor(x)).shape == (6, 3, 3, 3)
    assert both(tt.Tensor(x[0])).shape == (3, 3, 3)
    assert both(tt.Tensor(x[0, 0])).shape == (3, 3)
    with pytest.raises(ValueError, match=r"\(6, 3, 4, 5\)"):
        tt.RandomCrop(7, padding=1)(tt.Tensor(x))
    with pytest.raises(ValueError, match=r"\(6, 3, 4, 5\).*\(3, 4, 5\)"):
        tt.TensorDataset(tt.Tensor(x), tt.Tensor(x[0]))
