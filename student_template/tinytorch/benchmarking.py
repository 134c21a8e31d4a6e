"""Module 19: benchmarking, numbers that can be trusted.

You will build:

    19.1  BenchmarkResult.__init__   mean, median, std, interval   about 12 lines
    19.2  Benchmark.run              warm up, then measure         about 12 lines

One measurement says nothing: the next one is different. A result is therefore a list of
values and what they say together. The mean moves with every outlier, the median does
not; the interval says how far the mean itself can be trusted.

Run `make test-19` after each task.
"""
# ruff: noqa: F401 -- the imports are for what you will write

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

Clock = Callable[[], float]


class BenchmarkResult:
    """Some measurements of one quantity, and their statistics.

    Attributes:
        metric_name: what was measured, as given.
        values: list of the measurements, floats, in the order given.
        mean, median: of the values. The median of an even number of values is the mean
            of the two in the middle.
        std: standard deviation of a sample: the root of the sum of
            (value - mean) ** 2 divided by n - 1. 0.0 for a single value.
        ci95: (low, high), the interval that holds the true mean with 95 %.
    """

    def __init__(self, metric_name: str, values: Iterable[float]) -> None:
        """Work out the statistics; the class docstring says which.

        ci95 is mean -+ t * std / sqrt(n), where t is the quantile 0.975 of Student's
        distribution with n - 1 degrees of freedom, `student_t(n - 1)`: with few values
        it is much larger than the 1.96 of the normal distribution. Its width must be
        right to 1 %. Of a single value it is (value, value).

        Raises:
            ValueError: there are no values.

        Example:
            >>> result = BenchmarkResult("seconds", [1.0, 2.0, 6.0])
            >>> result.mean, result.median, round(result.std, 4)
            (3.0, 2.0, 2.6458)
        """
        # TODO(19.1): about 12 lines.
        raise NotImplementedError("TODO 19.1: BenchmarkResult.__init__")

    def __repr__(self) -> str:
        low, high = self.ci95
        return (
            f"{self.metric_name}: median {self.median:.4g}, mean {self.mean:.4g} "
            f"({low:.4g} to {high:.4g}), {len(self.values)} values"
        )


class Benchmark:
    """Measure how long models take to answer.

    Args:
        models: name -> model, anything that is called with `data`.
        data: what each model is called with.
        warmup: calls of each model that do not count; 3 if not given.
        runs: calls of each model that are measured, at least 1; 10 if not given.
    """

    def __init__(
        self,
        models: Mapping[str, Callable[[Any], Any]],
        data: Any,
        warmup: int = 3,
        runs: int = 10,
    ) -> None:
        """Keep the arguments.

        Raises:
            ValueError: runs is smaller than 1, or warmup is negative.
        """
        if runs < 1 or warmup < 0:
            msg = f"Benchmark: runs must be >= 1, warmup >= 0, not {runs} and {warmup}"
            raise ValueError(msg)
        self.models, self.data, self.warmup, self.runs = models, data, warmup, runs

    def run(self) -> dict[str, BenchmarkResult]:
        """Return, for each name, the seconds that one call of the model takes.

        Each model is called `warmup` times unmeasured: the first calls fill caches.
        Then it is called `runs` times, each call being one value of the result: all
        results have `runs` values. Every call is model(data). Whether one model is
        finished before the next one starts, or they take turns (so that a slow moment
        of the machine does not hit one model only), is left open.

        The clock is `time.perf_counter`: the time that somebody waits, sleep included.
        `time.process_time`, the time that the processor works, would not see a model
        that waits; `time.time` may jump.

        Example:
            >>> results = Benchmark({"double": lambda x: 2 * x}, 21, runs=5).run()
            >>> len(results["double"].values)
            5
        """
        # TODO(19.2): about 12 lines.
        raise NotImplementedError("TODO 19.2: Benchmark.run")


# Given: helpers.

# Quantiles 0.975 of Student's distribution with 1, 2, 3 and 4 degrees of freedom.
SMALL_T = (12.7062, 4.3027, 3.1824, 2.7764)
Z = 1.959964  # and of the normal distribution


def student_t(freedom: int) -> float:
    """Given: return the quantile 0.975 of Student's distribution, right to 0.1 %.

    From 5 degrees of freedom on by the expansion in powers of 1 / freedom (Abramowitz
    and Stegun 26.7.5).

    Example:
        >>> round(student_t(10), 2)
        2.23
    """
    if freedom <= len(SMALL_T):
        return SMALL_T[freedom - 1]
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
    )
    return Z + float(sum(a / freedom**i for i, a in enumerate(terms, start=1)))
