"""Module 16: quantization."""

from __future__ import annotations

import numpy as np
import pytest
from checklib import holds, raises, same, set_data


def linear(tt):
    """Return a Linear(2, 3) whose weight 0, 51, ..., 255 fits the grid exactly."""
    layer = tt.Linear(2, 3)
    set_data(layer.weight, np.arange(0, 256, 51).reshape(2, 3))
    set_data(layer.bias, [10, 20, 30])
    return layer


def test_16_1_the_range_is_cut_into_255_steps(tt):
    q, scale, zero_point = tt.quantize_int8(tt.Tensor([0.0, 51.0, 255.0]))
    call = "quantize_int8([0, 51, 255])"
    same(q, np.array([-128, -77, 127], dtype=np.int8), call=f"{call}: q")
    same(str(q.dtype) == "int8", True, call=f"{call}: q.dtype is int8")
    same([scale, float(zero_point)], [1.0, -128.0], call=f"{call}: scale, zero point")


def test_16_1_a_one_sided_range_has_a_zero_point_outside_int8(tt):
    _, scale, zero_point = tt.quantize_int8(tt.Tensor([100.0, 100.5, 101.0]))
    same(scale, 1 / 255, call="quantize_int8([100, 100.5, 101]): scale", tol="training")
    call, want = "the same: zero_point", "-128 - 100 * 255 = -25628"
    holds(abs(zero_point + 25628) <= 1, call=call, expected=want, got=str(zero_point))


@pytest.mark.parametrize("numbers", [[-3, 0.1, 5], [100, 100.3, 101], [-2, -1.9]])
def test_16_1_an_entry_comes_back_within_one_scale(tt, numbers):
    q, scale, zero_point = tt.quantize_int8(tt.Tensor(numbers))
    error = np.abs((q.astype(float) - zero_point) * scale - numbers).max()
    call, got = f"quantize_int8({numbers}): largest error", f"{error / scale:.3g} scale"
    holds(error <= scale * 1.01, call=call, expected="at most one scale", got=got)


@pytest.mark.parametrize("c", [0.0, 7.5, -0.25])
def test_16_1_a_constant_comes_back(tt, c):
    q, scale, zero_point = tt.quantize_int8(tt.Tensor([c, c]))
    got = (q.astype(float) - zero_point) * scale
    same(got, [c, c], call=f"quantize_int8([{c}, {c}]) and back")


def test_16_2_dequantize_does_not_overflow(tt):
    got = tt.dequantize_int8(np.array([-128, 127], dtype=np.int8), 0.5, -1000)
    same(
        got, tt.Tensor([436.0, 563.5]), call="dequantize_int8([-128, 127], 0.5, -1000)"
    )


def test_16_3_the_layer_keeps_one_byte_a_weight(tt):
    layer = tt.QuantizedLinear(linear(tt))
    call = "QuantizedLinear(Linear(2, 3)).weight"
    same(layer.weight.shape, (2, 3), call=f"{call}.shape")
    same(layer.weight.nbytes, 6, call=f"{call}.nbytes")


def test_16_4_the_layer_computes_from_the_bytes(tt):
    layer = tt.QuantizedLinear(linear(tt))
    want = tt.Tensor([[163, 275, 387]])  # [0 + 153, 51 + 204, 102 + 255] + bias
    same(layer(tt.Tensor([[1, 1]])), want, call="QuantizedLinear(...)([[1, 1]])")
    same(
        layer(tt.Tensor(np.ones((4, 5, 2)))).shape, (4, 5, 3), call="shape, x (4, 5, 2)"
    )


def test_16_4_one_sample_alone_works_too(tt):
    got = tt.QuantizedLinear(linear(tt))(tt.Tensor([1, 1]))
    same(got, tt.Tensor([163, 275, 387]), call="QuantizedLinear(...)([1, 1])")


def test_16_4_shapes_must_fit(tt):
    layer, x = tt.QuantizedLinear(linear(tt)), tt.Tensor(np.ones((4, 3)))
    call = "QuantizedLinear(Linear(2, 3))(x), x (4, 3)"
    raises(ValueError, layer, x, call=call, mentions=[(4, 3), (2, 3)])


def test_16_5_every_linear_layer_is_replaced(tt):
    model = tt.Sequential(linear(tt), tt.ReLU(), tt.Sequential(tt.Linear(3, 1)))
    got = tt.quantize_model(model)
    names = [type(layer).__name__ for layer in (got.layers[0], got.layers[2].layers[0])]
    want, call = ["QuantizedLinear"] * 2, "quantize_model(nested Sequential)"
    holds(names == want, call=call, expected=str(want), got=str(names))
    holds(got is model, call=call, expected="the model itself, changed in place")


def test_16_5_a_linear_layer_is_a_model_too(tt):
    got = tt.quantize_model(linear(tt))(tt.Tensor([[1, 1]]))
    same(got, [[163.0, 275.0, 387.0]], call="quantize_model(Linear(2, 3))([[1, 1]])")


def test_16_6_size_counts_what_is_stored(tt):
    model = tt.Sequential(tt.Linear(100, 50), tt.ReLU())
    same(tt.model_size_bytes(model), 4 * 5050, call="model_size_bytes: Linear(100, 50)")
    got, call = tt.model_size_bytes(tt.quantize_model(model)), "the same, quantized"
    holds(5200 <= got <= 5264, call=call, expected="5000 + 4 * 50", got=str(got))
