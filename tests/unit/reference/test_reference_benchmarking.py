"""Statistics against numpy and against Student's distribution, integrated."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pytest


def mass(t: float, freedom: int) -> float:
    """Return the probability below t, by the midpoint rule on the angle.

    With x = sqrt(freedom) * tan(angle), the density becomes cos(angle) ** (freedom - 1)
    on a finite interval.
    """
    edges = np.linspace(-math.pi / 2, math.pi / 2, 200_001)
    middle = (edges[1:] + edges[:-1]) / 2
    weight = np.cos(middle) ** (freedom - 1)
    below = middle < math.atan(t / math.sqrt(freedom))
    return float(weight[below].sum() / weight.sum())


@pytest.mark.parametrize("freedom", [*range(1, 40), 100, 1000])
def test_quantiles_are_students(tt: ModuleType, freedom: int) -> None:
    t = tt.BenchmarkResult.__init__.__globals__["student_t"](freedom)

    assert mass(1.001 * t, freedom) > 0.97499
    assert mass(0.999 * t, freedom) < 0.97501
    assert mass(t, freedom) == pytest.approx(0.975, abs=1e-4)


def test_nineteen_of_twenty_intervals_hold_the_mean(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    held = 0
    for _ in range(2000):
        low, high = tt.BenchmarkResult("x", rng.normal(size=4)).ci95
        held += low <= 0 <= high

    assert 0.93 < held / 2000 < 0.97


def test_statistics_are_numpys(tt: ModuleType, rng: np.random.Generator) -> None:
    x = rng.normal(size=30)

    got = tt.BenchmarkResult("x", x)

    assert got.mean == pytest.approx(x.mean())
    assert got.median == np.median(x)
    assert got.std == pytest.approx(x.std(ddof=1))
    assert repr(got).startswith("x: median ")
    assert repr(got).endswith(" 30 values")


def test_models_take_turns_after_the_warm_up(tt: ModuleType) -> None:
    calls: list[str] = []
    models = {name: lambda _, n=name: calls.append(n) for name in "ab"}

    results = tt.Benchmark(models, None, warmup=1, runs=2).run()

    assert calls == ["a", "b", "a", "b", "a", "b"]
    assert [len(r.values) for r in results.values()] == [2, 2]
    with pytest.raises(ValueError, match="runs must be"):
        tt.Benchmark(models, None, runs=0)
