"""Module 19: benchmarking."""

from __future__ import annotations

import time

from checklib import holds, raises, same


def test_19_1_mean_and_median(tt):
    got = tt.BenchmarkResult("seconds", [1.0, 2.0, 3.0, 94.0])
    same([got.mean, got.median], [25.0, 2.5], call="mean and median of 1, 2, 3, 94")
    holds(got.metric_name == "seconds", call="metric_name", expected="'seconds'")
    same(got.values, [1.0, 2.0, 3.0, 94.0], call="values")


def test_19_1_std_divides_by_n_minus_1(tt):
    got = tt.BenchmarkResult("x", [1.0, 3.0]).std
    same(got, 2.0**0.5, call="std of 1, 3", hint="(1 + 1) / (2 - 1), then the root.")


def test_19_1_the_interval_is_students(tt):
    low, high = tt.BenchmarkResult("x", [1.0, 2.0, 3.0, 4.0, 5.0]).ci95
    half, call = (high - low) / 2, "ci95 of 1, 2, 3, 4, 5: 2.776 * 1.5811 / sqrt(5)"
    same((low + high) / 2, 3.0, call="the middle of ci95 of 1, 2, 3, 4, 5")
    holds(abs(half - 1.963) < 0.02, call=call, expected="1.963", got=f"{half:.4g}")


def test_19_1_one_value_and_none(tt):
    got = tt.BenchmarkResult("x", [7.0])
    same([got.std, *got.ci95], [0.0, 7.0, 7.0], call="std and ci95 of one value, 7")
    raises(ValueError, tt.BenchmarkResult, "x", [], call="BenchmarkResult('x', [])")


def test_19_2_calls_are_counted(tt):
    calls = []
    got = tt.Benchmark({"a": calls.append}, "data", warmup=2, runs=5).run()
    same(len(got["a"].values), 5, call="warmup=2, runs=5: number of values")
    holds(calls == ["data"] * 7, call="calls of the model", expected="7, with the data")


def test_19_2_calls_have_defaults(tt):
    calls = []
    got = tt.Benchmark({"a": calls.append}, "data").run()["a"].values
    same([len(got), len(calls)], [10, 13], call="values and calls, 3 to warm up")


def test_19_2_the_warm_up_does_not_count(tt):
    seen = []

    def slow_at_first(_):
        seen.append(1)
        time.sleep(0.1 if len(seen) <= 2 else 0)

    got = max(tt.Benchmark({"a": slow_at_first}, None, 2, 5).run()["a"].values)
    holds(got < 0.1, call="2 slow calls, warmup=2: largest value", expected="below 0.1")


def test_19_2_waiting_counts(tt):
    got = tt.Benchmark({"a": time.sleep}, 0.01, warmup=0, runs=3).run()["a"].median
    call, want = "a model that sleeps 0.01 s: median", "0.01 to 0.1"
    holds(0.0099 < got < 0.1, call=call, expected=want, got=f"{got:.3g}")
