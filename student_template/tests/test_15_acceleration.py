"""Module 15: acceleration."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from checklib import holds, raises, same


@pytest.mark.parametrize("name", ["vectorized_matmul", "tiled_matmul"])
def test_15_1_a_product_of_matrices(tt, name):
    a, b = tt.Tensor([[1, 2, 3], [4, 5, 6]]), tt.Tensor([[1, 0], [0, 1], [1, 1]])
    got = getattr(tt, name)(a, b)
    same(got, tt.Tensor([[4, 5], [10, 11]]), call=f"{name}((2, 3), (3, 2))")


@pytest.mark.parametrize("name", ["vectorized_matmul", "tiled_matmul"])
def test_15_1_shapes_must_fit(tt, name):
    a, b = tt.Tensor(np.ones((2, 3))), tt.Tensor(np.ones((2, 4)))
    call = f"{name}(a, b), a (2, 3), b (2, 4)"
    raises(ValueError, getattr(tt, name), a, b, call=call, mentions=[(2, 3), (2, 4)])


@pytest.mark.parametrize("name", ["vectorized_matmul", "tiled_matmul"])
def test_15_1_faster_than_the_loop(tt, name):
    a, start = tt.Tensor(np.ones((64, 64))), time.process_time()
    tt.baseline_matmul(a, a)
    loop, start = time.process_time() - start, time.process_time()
    getattr(tt, name)(a, a)
    spent, call = time.process_time() - start, f"CPU time of {name}, (64, 64)"
    want, got = f"at most {loop / 10:.3f} s", f"{spent:.3f} s"
    holds(spent < loop / 10, call=call, expected=want, got=got)


@pytest.mark.parametrize("tile", [1, 2, 3, 100])
def test_15_2_tiles_need_not_fit(tt, tile):
    a, b = np.arange(20.0).reshape(4, 5), np.arange(15.0).reshape(5, 3)
    got = tt.tiled_matmul(tt.Tensor(a), tt.Tensor(b), tile_size=tile)
    same(got, tt.Tensor(a @ b), call=f"tiled_matmul((4, 5), (5, 3), tile_size={tile})")


def test_15_2_tiles_have_a_size(tt):
    a = tt.Tensor([[1.0]])
    call = "tiled_matmul(a, a, tile_size=0)"
    raises(ValueError, tt.tiled_matmul, a, a, 0, call=call, mentions=[0])


def test_15_3_gelu_is_the_activation(tt):
    got = tt.fused_gelu(tt.Tensor([-1.0, 0.0, 1.0, 3.0]))
    want = tt.Tensor([-0.1542, 0.0, 0.8458, 2.9819])
    same(got, want, call="fused_gelu([-1, 0, 1, 3])", tol="gelu")


def test_15_3_gelu_does_not_overflow(tt):
    with np.errstate(over="raise"):
        got = tt.fused_gelu(tt.Tensor([-1e4, 1e4]))
    same(got, tt.Tensor([0.0, 1e4]), call="fused_gelu([-1e4, 1e4])", tol="gelu")


def test_15_3_gelu_keeps_its_input_and_little_else(tt):
    x = tt.Tensor(np.ones(500_000))
    tracemalloc.start()
    tt.fused_gelu(x)
    arrays = tracemalloc.get_traced_memory()[1] / x.data.nbytes
    tracemalloc.stop()
    same(x, np.ones(500_000), call="x after fused_gelu(x)")
    call, got = "memory of fused_gelu(x), in sizes of x", f"{arrays:.2g}"
    holds(arrays < 2.2, call=call, expected="at most 2", got=got)
