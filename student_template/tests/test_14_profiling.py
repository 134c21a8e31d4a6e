"""Module 14: profiling. Counts that can be done by hand."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
from checklib import holds, same


def sleeper(tt, naps):
    """Return a model whose calls take these seconds, and the modes it was called in."""
    modes = []

    class Sleeper(tt.Layer):
        def forward(self, x):
            modes.append(self.training)
            time.sleep(naps[len(modes) - 1])
            return x

    return Sleeper(), modes


def test_14_1_parameters_are_counted_by_entries(tt):
    model = tt.Sequential(tt.Linear(3, 4), tt.ReLU(), tt.Linear(4, 2))
    got, hint = tt.Profiler().count_parameters(model), "12 + 4 + 8 + 2"
    same(got, 26, call="count_parameters(Linear(3, 4), ReLU, Linear(4, 2))", hint=hint)


def test_14_1_shared_parameters_count_once(tt):
    a = tt.Linear(3, 3)
    got = tt.Profiler().count_parameters(tt.Sequential(a, a))
    same(got, 12, call="count_parameters(Sequential(a, a)), a = Linear(3, 3)")


def test_14_1_running_statistics_are_no_parameters(tt):
    got = tt.Profiler().count_parameters(tt.BatchNorm2d(5))
    same(got, 10, call="count_parameters(BatchNorm2d(5))", hint="gamma and beta")


def test_14_2_flops_of_a_linear_layer(tt):
    got = tt.Profiler().count_flops(tt.Linear(3, 4), (8, 3))
    same(got, 24, call="count_flops(Linear(3, 4), (8, 3))", hint="2 * 3 * 4 a sample")
    got = tt.Profiler().count_flops(tt.Linear(3, 4), (8, 10, 3))
    same(
        got, 240, call="count_flops(Linear(3, 4), (8, 10, 3))", hint="10 rows a sample"
    )


def test_14_2_flops_of_a_convolution(tt):
    layer = tt.Conv2d(2, 4, 3, stride=2)
    got, hint = tt.Profiler().count_flops(layer, (5, 2, 7, 7)), "2 * 3 * 3 * 9 * 2 * 4"
    same(
        got,
        1296,
        call="count_flops(Conv2d(2, 4, 3, stride=2), (5, 2, 7, 7))",
        hint=hint,
    )


def test_14_2_flops_of_nested_models(tt):
    a = tt.Linear(100, 100)
    got = tt.Profiler().count_flops(
        tt.Sequential(a, tt.Sequential(a, tt.ReLU())), (1, 100)
    )
    call, expected = "count_flops(Sequential(a, Sequential(a, ReLU)))", "40000 to 40800"
    holds(40000 <= got <= 40800, call=call, expected=expected, got=str(got))


def test_14_3_memory_of_parameters_and_activations(tt):
    model = tt.Sequential(tt.Linear(3, 4), tt.ReLU(), tt.Linear(4, 2))
    found = tt.Profiler().measure_memory(model, (8, 3))
    same(found["parameter_bytes"], 104, call="parameter_bytes", hint="4 * 26")
    hint = "4 * 8 * (4 + 4 + 2)"
    same(found["activation_bytes"], 320, call="activation_bytes", hint=hint)


def test_14_3_memory_at_the_peak(tt):
    found = tt.Profiler().measure_memory(tt.Linear(10, 1000), (20, 10))
    got, expected = found["peak_bytes"], "44000 + 80000 at least"
    call = "measure_memory(Linear(10, 1000), (20, 10))['peak_bytes']"
    holds(got >= 124000, call=call, expected=expected, got=str(got))


def test_14_3_tracing_is_stopped(tt):
    tt.Profiler().measure_memory(tt.Linear(3, 4), (8, 3))
    call = "tracemalloc.is_tracing() after measure_memory"
    holds(not tracemalloc.is_tracing(), call=call, expected="False")


def test_14_4_latency_warms_up_first(tt):
    model, modes = sleeper(tt, [0.0] * 9)
    tt.Profiler().measure_latency(model, tt.Tensor([1.0]), warmup=2, iterations=3)
    same(len(modes), 5, call="measure_latency(model, x, 2, 3): calls of model")
    holds(not any(modes), call="model.training in these calls", expected="False")


def test_14_4_latency_is_the_median_in_milliseconds(tt):
    model, _ = sleeper(tt, [0.08, 0.004, 0.08, 0.004, 0.004])
    got = tt.Profiler().measure_latency(model, tt.Tensor([1.0]), warmup=1, iterations=4)
    call, expected = "calls of 80 ms (warm-up), 4, 80, 4 and 4 ms", "about 4"
    holds(3.9 <= got <= 20, call=call, expected=expected, got=f"{got:.3g}")


def test_14_4_the_model_is_left_as_it_was(tt):
    model = tt.BatchNorm2d(2)
    tt.Profiler().measure_latency(model, tt.Tensor(np.ones((3, 2, 4, 4))))
    tt.Profiler().count_flops(model, (3, 2, 4, 4))
    holds(model.training, call="training afterwards", expected="True, as before")
    same(model.running_mean, [0.0, 0.0], call="running_mean afterwards")
