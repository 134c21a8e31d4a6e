"""The profiler's counts against sums done by hand; its helpers leave no trace."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any

import numpy as np
import pytest


def network(tt: ModuleType) -> Any:
    block = tt.Sequential(tt.Conv2d(3, 8, 3, padding=1), tt.BatchNorm2d(8), tt.ReLU())
    head = tt.Sequential(tt.Flatten(), tt.Dropout(0.5), tt.Linear(8 * 16, 10))
    return tt.Sequential(block, tt.MaxPool2d(2), head)


SHAPE = (5, 3, 8, 8)


def test_counts_of_a_nested_network(tt: ModuleType) -> None:
    model, profiler = network(tt), tt.Profiler()

    found = profiler.measure_memory(model, SHAPE)

    parameters = 3 * 8 * 9 + 8 + 16 + 128 * 10 + 10
    outputs = 3 * 8 * 64 + 8 * 16 + 128 + 128 + 10
    assert profiler.count_parameters(model) == parameters
    assert profiler.count_flops(model, SHAPE) == 2 * (64 * 27 * 8 + 128 * 10)
    assert found["parameter_bytes"] == 4 * parameters
    assert found["activation_bytes"] == 4 * 5 * outputs
    assert found["peak_bytes"] >= 4 * (parameters + 5 * 8 * 64)


def test_flops_do_not_depend_on_the_batch(tt: ModuleType) -> None:
    model, count = network(tt), tt.Profiler().count_flops

    assert count(model, SHAPE) == count(model, (1, *SHAPE[1:]))
    assert count(tt.Linear(4, 6), (2, 7, 4)) == 2 * 4 * 6 * 7


def test_latency_is_the_median_after_the_warm_up(tt: ModuleType) -> None:
    naps = [0.05, 0.001, 0.001, 0.05, 0.001, 0.001]

    class Sleeper(tt.Layer):  # type: ignore[misc,name-defined]
        def forward(self, x: Any) -> Any:
            time.sleep(naps.pop(0))
            return x

    found = tt.Profiler().measure_latency(Sleeper(), tt.Tensor([1.0]), 1, 5)

    assert naps == []
    assert 0.9 < found < 40  # the mean is above 10, and a host may be busy


def test_modes_come_back_one_by_one_after_an_error(tt: ModuleType) -> None:
    class Broken(tt.Layer):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.parts = [tt.Dropout(0.5), (tt.BatchNorm2d(2),)]
            self.parts[0].eval()

        def forward(self, _x: Any) -> Any:
            assert not self.parts[1][0].training
            msg = "broken"
            raise OSError(msg)

    model, plain = Broken(), (tt.Layer.__call__, tt.ReLU.__call__)
    with pytest.raises(OSError, match="broken"):
        tt.Profiler().count_flops(model, (1, 1))

    modes = [model.training, model.parts[0].training, model.parts[1][0].training]
    assert modes == [True, False, True]
    assert (tt.Layer.__call__, tt.ReLU.__call__) == plain
    assert tt.Tensor.tracking is True


def test_trace_lists_calls_inside_out(tt: ModuleType) -> None:
    a = tt.Linear(3, 3)
    model = tt.Sequential(a, tt.Sequential(tt.ReLU(), a))
    trace = tt.Profiler.count_flops.__globals__["trace"]

    calls = trace(model, tt.Tensor(np.zeros((2, 3))))

    names = [type(call.layer).__name__ for call in calls]
    assert names == ["Linear", "ReLU", "Linear", "Sequential", "Sequential"]
    assert [call.leaf for call in calls] == [True, True, True, False, False]
    assert {(call.inputs, call.output) for call in calls} == {((2, 3), (2, 3))}
