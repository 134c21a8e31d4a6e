"""Kernels against numpy in float64, for every size of tile."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

SIZE = st.integers(1, 12)


@given(SIZE, SIZE, SIZE, st.integers(1, 15))
def test_all_products_agree(
    package: ModuleType, n: int, k: int, m: int, tile: int
) -> None:
    rng = np.random.default_rng(n + 13 * k + 169 * m)
    a, b = rng.normal(size=(n, k)), rng.normal(size=(k, m))
    ta, tb = package.Tensor(a), package.Tensor(b)

    for got in (
        package.baseline_matmul(ta, tb),
        package.vectorized_matmul(ta, tb),
        package.tiled_matmul(ta, tb, tile),
    ):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got.data, a @ b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["baseline_matmul", "vectorized_matmul", "tiled_matmul"]
)
def test_what_does_not_fit_is_refused(tt: ModuleType, name: str) -> None:
    a, b = tt.Tensor(np.ones((2, 3))), tt.Tensor(np.ones((2, 3)))

    with pytest.raises(ValueError, match=r"\(2, 3\) and \(2, 3\)"):
        getattr(tt, name)(a, b)


@pytest.mark.filterwarnings("error")
def test_fused_gelu_is_the_activation_without_warnings(tt: ModuleType) -> None:
    x = tt.Tensor(np.append(np.linspace(-60, 60, 241), [-1e4, 1e4]))

    got = tt.fused_gelu(x).data

    np.testing.assert_allclose(got, tt.GELU()(x).data, rtol=1e-5, atol=1e-6)
    assert got.dtype == np.float32
