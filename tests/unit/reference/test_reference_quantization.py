"""Quantization: bounds for any range, sizes, and models of every shape."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

FINITE = st.floats(-(2.0**100), 2.0**100, width=32)


@given(st.lists(FINITE, min_size=1, max_size=20))
def test_round_trip_error_is_at_most_scale(
    package: ModuleType, numbers: list[float]
) -> None:
    x = np.array(numbers, dtype=np.float32)

    q, scale, zero_point = package.quantize_int8(package.Tensor(x))
    back = package.dequantize_int8(q, scale, zero_point).data

    assert q.dtype == np.int8
    assert scale > 0
    most = scale + 1e-6 * np.abs(x) if np.ptp(x) else 1e-6 * np.abs(x)
    assert (np.abs(back.astype(np.float64) - x) <= most).all()


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 1), (-3, -2), (1e3, 1e3 + 1)])
def test_both_ends_are_used(
    tt: ModuleType, rng: np.random.Generator, low: float, high: float
) -> None:
    q, _, _ = tt.quantize_int8(tt.Tensor(rng.uniform(low, high, size=(100, 100))))

    assert q.min() <= -127
    assert q.max() >= 126


def test_layer_uses_the_bytes_and_is_float32(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    linear = tt.Linear(30, 20)
    layer = tt.QuantizedLinear(linear)
    x = tt.Tensor(rng.normal(size=(5, 30)))
    before = layer(x).data
    linear.weight.data[...] = 0

    assert (layer(x).data == before).all()
    assert before.dtype == np.float32
    assert layer(tt.Tensor(x.data[0])).shape == (20,)
    w = tt.dequantize_int8(layer.weight, layer.scale, layer.zero_point).data
    assert np.unique(w).size <= 256


def test_models_of_any_shape_are_quantized_in_place(tt: Any) -> None:
    class Own(tt.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            self.head = tt.Linear(4, 4, bias=False)
            self.parts = [(tt.Linear(4, 4), [self.head])]
            self.other = self

    model = Own()
    tied = tt.Sequential(model, model.head)

    assert tt.quantize_model(tied) is tied
    assert isinstance(model.head, tt.QuantizedLinear)
    assert model.parts[0][1][0] is model.head is tied.layers[1]
    assert tt.model_size_bytes(tied) == 16 + 16 + 16
    assert tt.quantize_model(tied) is tied
    assert tt.quantize_model(tt.ReLU()).parameters() == []
