"""Convolution, pooling and normalisation follow PyTorch, where it is installed."""

from __future__ import annotations

import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch: Any = pytest.importorskip("torch")

RTOL, ATOL = 1e-4, 1e-4  # float32 sums in another order
SIZES = [(5, 6), (8, 9)]
GEOMETRIES = list(itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2)))


def compare(
    ours: Any, theirs: Any, x: np.ndarray, pairs: list[Any], tt: ModuleType
) -> None:
    """Compare outputs and all gradients for one random gradient of the output."""
    a, b = tt.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    out, expected = ours(a), theirs(b)
    v = np.random.default_rng(1).normal(size=out.shape).astype(np.float32)
    out.backward(v)
    expected.backward(torch.tensor(v))

    want = expected.detach().numpy()
    np.testing.assert_allclose(out.data, want, rtol=RTOL, atol=ATOL)
    for mine, other in [(a, b), *pairs]:
        np.testing.assert_allclose(
            mine.grad, other.grad.numpy(), rtol=RTOL, atol=10 * ATOL
        )


@pytest.mark.parametrize(("k", "s", "p"), GEOMETRIES)
def test_convolution_and_pooling(
    tt: ModuleType, rng: np.random.Generator, k: int, s: int, p: int
) -> None:
    functional = torch.nn.functional
    for h, w in SIZES:
        x = rng.normal(size=(3, 2, h, w)).astype(np.float32)
        layer = tt.Conv2d(2, 4, k, stride=s, padding=p)
        theirs = torch.nn.Conv2d(2, 4, k, stride=s, padding=p)
        pairs = [(layer.weight, theirs.weight), (layer.bias, theirs.bias)]
        with torch.no_grad():
            for mine, other in pairs:
                other.copy_(torch.tensor(mine.data))
        compare(layer, theirs, x, pairs, tt)
        if p <= k // 2:
            pools = (tt.MaxPool2d, functional.max_pool2d)
            compare(pools[0](k, s, p), lambda t, f=pools[1]: f(t, k, s, p), x, [], tt)
            pools = (tt.AvgPool2d, functional.avg_pool2d)
            compare(pools[0](k, s, p), lambda t, f=pools[1]: f(t, k, s, p), x, [], tt)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm(
    tt: ModuleType, rng: np.random.Generator, *, training: bool
) -> None:
    ours, theirs = tt.BatchNorm2d(2), torch.nn.BatchNorm2d(2)
    x, other = rng.normal(1, 2, size=(2, 4, 2, 4, 5)).astype(np.float32)
    for batch in (x, other):
        ours(tt.Tensor(batch))
        theirs(torch.tensor(batch))
    ours.train(training)
    theirs.train(training)

    compare(
        ours, theirs, x, [(ours.gamma, theirs.weight), (ours.beta, theirs.bias)], tt
    )

    want = (theirs.running_mean, theirs.running_var)
    for mine, expected in zip(ours.buffers(), want, strict=True):
        np.testing.assert_allclose(mine.data, expected.numpy(), rtol=RTOL)
