"""Hidden checks of module 19: benchmarking.

Intervals are compared with quantiles of Student's distribution from tables. Where the
clock matters, models sleep: a machine under load can only make them slower, and no
check depends on an upper bound near the truth.
"""

from __future__ import annotations

import numpy as np

from grader.checks import holds, needs, points, raises, same, spec, task
from grader.checks.remote import remote_source

MEAN = "benchmarking::mean_of_the_values"
STD = "benchmarking::std_divides_by_n_minus_1"
RUN = "benchmarking::each_call_is_one_value"
# n -> quantile 0.975 of Student's distribution with n - 1 degrees of freedom.
T = {2: 12.7062, 3: 4.30265, 5: 2.77645, 11: 2.22814, 31: 2.04227}


def result(tt, values):
    """Return a BenchmarkResult of these values."""
    return tt.BenchmarkResult("seconds", [float(v) for v in values])


@points(2)
@task("19.1")
@spec("BenchmarkResult", "mean, median: of the values.")
def test_mean_of_the_values(tt, rng):
    """The mean is the sum divided by the number."""
    x = rng.uniform(1, 2, size=9)
    x[0] = 40.0
    same(
        float(result(tt, x).mean),
        x.mean(),
        call="BenchmarkResult(name, 9 values).mean",
        misconceptions={
            "the median": np.median(x),
            "the sum": x.sum(),
            "an outlier left out": x[1:].mean(),
        },
    )


@points(3)
@task("19.1")
@spec("BenchmarkResult", "The median of an even number of values is the mean of")
def test_median_ignores_outliers(tt, rng):
    """The median is the middle of the sorted values."""
    for n in (7, 8):
        x = rng.permutation(np.cumsum(rng.uniform(1, 2, size=n)))
        x[np.argmax(x)] = 1e6
        s = np.sort(x)
        wrong = {
            "the mean": x.mean(),
            "the upper of the two in the middle": s[n // 2],
            "the lower of the two in the middle": s[n // 2 - 1],
        }
        if x[n // 2] not in s[n // 2 - 1 : n // 2 + 1]:
            wrong["the value in the middle, unsorted"] = x[n // 2]
        right = (s[(n - 1) // 2] + s[n // 2]) / 2
        same(
            float(result(tt, x).median),
            right,
            call=f"BenchmarkResult(name, {n} values, one of them 1e6).median",
            hint="Sort first; an even number has two in the middle.",
            misconceptions={k: v for k, v in wrong.items() if v != right},
        )


@points(2)
@needs(MEAN)
@task("19.1")
@spec("BenchmarkResult", "(value - mean) ** 2 divided by n - 1.")
def test_std_divides_by_n_minus_1(tt, rng):
    """The standard deviation of a sample divides by n - 1."""
    x = rng.uniform(1, 2, size=6)
    same(
        float(result(tt, x).std),
        x.std(ddof=1),
        call="BenchmarkResult(name, 6 values).std",
        hint="np.std has an argument ddof.",
        misconceptions={
            "divided by n": x.std(),
            "the variance, without the root": x.var(ddof=1),
            "the standard error, divided by sqrt(n)": x.std(ddof=1) / np.sqrt(6),
        },
    )


@points(5)
@needs(STD)
@task("19.1")
@spec("BenchmarkResult.__init__", "ci95 is mean -+ t * std / sqrt(n)")
def test_interval_is_students(tt, rng):
    """The interval uses Student's t for n - 1 degrees of freedom."""
    for n, t in T.items():
        x = rng.uniform(1, 2, size=n)
        low, high = (float(v) for v in result(tt, x).ci95)
        error = x.std(ddof=1) / np.sqrt(n)
        call = f"BenchmarkResult(name, {n} values).ci95"
        same((low + high) / 2, x.mean(), call=f"the middle of {call}", tol="reduction")
        ratio = (high - low) / 2 / error  # in standard errors, which is t
        near = abs(ratio / t - 1) <= 0.01
        same(
            t if near else ratio,
            t,
            call=f"{call}: half the width, in standard errors",
            tol="gradient",
            hint="student_t(n - 1) * std / sqrt(n) to both sides.",
            misconceptions={
                "the normal distribution's 1.96, for very many values": 1.96,
                "the standard deviation, not divided by sqrt(n)": t * np.sqrt(n),
                "the whole width taken for the half": t / 2,
                "one standard error": 1.0,
            },
        )


@needs(STD)
@task("19.1")
@spec("BenchmarkResult.__init__", "Of a single value it is (value, value).")
def test_one_value_has_no_spread(tt, rng):
    """A single value has std 0 and an interval of no width."""
    v = float(rng.uniform(1, 2))
    got = result(tt, [v])
    same(
        [float(got.mean), float(got.median), float(got.std), *map(float, got.ci95)],
        [v, v, 0.0, v, v],
        call="BenchmarkResult(name, 1 value): mean, median, std, ci95",
        hint="n - 1 is 0 here: do not divide by it.",
    )


@needs(MEAN)
@task("19.1")
@spec("BenchmarkResult.__init__", "ValueError: there are no values.")
def test_no_values_are_refused(tt):
    """An empty list raises ValueError."""
    call = "BenchmarkResult('seconds', [])"
    raises(ValueError, tt.BenchmarkResult, "seconds", [], call=call)


@needs(MEAN)
@task("19.1")
@spec("BenchmarkResult", "values: list of the measurements, floats, in the order")
def test_values_and_name_are_kept(tt, rng):
    """The values stay in order, and so does the name."""
    x = rng.permutation(8) + rng.random()
    got = result(tt, x)
    wrong = {"sorted": np.sort(x)}
    hint = "sorted(values) makes a new list, values.sort() does not."
    call = "BenchmarkResult('seconds', 8 values)"
    same(list(got.values), x, call=f"{call}.values", hint=hint, misconceptions=wrong)
    name = got.metric_name
    holds(name == "seconds", call=f"{call}.metric_name", expected="'seconds'", got=name)


# Benchmark


def count_calls(tt, **options):
    """Return calls, arguments and number of values for two models."""
    calls = {"first": [], "second": []}
    models = {name: seen.append for name, seen in calls.items()}
    results = tt.Benchmark(models, "data", **options).run()
    numbers = {name: len(results[name].values) for name in models}
    fine = all(set(seen) == {"data"} for seen in calls.values())
    return {n: len(seen) for n, seen in calls.items()}, numbers, fine, len(results)


@points(2)
@needs(MEAN)
@task("19.2")
@spec("Benchmark.run", "all results have `runs` values.")
def test_each_call_is_one_value(tt, rng):
    """A result has one value a measured call, for each model."""
    warmup, runs = int(rng.integers(2, 5)), int(rng.integers(6, 9))
    _, numbers, _, count = remote_source(tt, count_calls, warmup=warmup, runs=runs)
    call = f"Benchmark(two models, data, warmup={warmup}, runs={runs}).run()"
    same(count, 2, call=f"{call}: number of results", tol="exact")
    for name, number in numbers.items():
        same(
            number,
            runs,
            call=f"{call}[{name!r}]: number of values",
            tol="exact",
            hint="Read the clock before and after every call, after the warm-up.",
            misconceptions={
                "the warm-up counted too": warmup + runs,
                "one value for all runs together": 1,
                "the warm-up taken from the runs": runs - warmup,
            },
        )


@needs(RUN)
@task("19.2")
@spec("Benchmark.run", "Every call is model(data).")
def test_models_are_called_with_the_data(tt, rng):
    """Each model is called warmup + runs times, with the data."""
    warmup, runs = int(rng.integers(2, 5)), int(rng.integers(6, 9))
    calls, _, fine, _ = remote_source(tt, count_calls, warmup=warmup, runs=runs)
    call = f"Benchmark(two models, data, warmup={warmup}, runs={runs}).run(): calls"
    for name, count in calls.items():
        wrong = {"no warm-up": runs, "warmed up once": runs + 1}
        same(
            count,
            warmup + runs,
            call=f"{call} of {name!r}",
            tol="exact",
            misconceptions=wrong,
        )
    holds(
        fine, call=f"{call}: what they were given", expected="data", got="other things"
    )
    calls, numbers, _, _ = remote_source(tt, count_calls)
    call = "Benchmark(two models, data).run()"
    same(numbers["first"], 10, call=f"{call}: number of values", tol="exact")
    same(calls["first"], 13, call=f"{call}: calls of a model", tol="exact")


def slow_values(tt, warmup, pause):
    """Return how many values are slow where the first `warmup` calls are."""
    import time  # noqa: PLC0415 -- sent as source, which holds one function

    seen = []

    def slow_at_first(_):
        seen.append(1)
        time.sleep(pause if len(seen) <= warmup else 0)

    result = tt.Benchmark({"a": slow_at_first}, None, warmup=warmup, runs=5).run()["a"]
    return sum(v >= pause for v in result.values)


@points(2)
@needs(RUN)
@task("19.2")
@spec("Benchmark.run", "Each model is called `warmup` times unmeasured")
def test_the_warm_up_is_not_measured(tt):
    """Slow first calls leave no trace in the values."""
    slow = int(remote_source(tt, slow_values, warmup=3, pause=0.01))
    holds(
        slow <= 1,  # one, where the machine stood still just then
        call="warmup=3, the first 3 calls take 0.01 s, the others nothing: slow values",
        expected="none of 5",
        got=f"{slow} of 5",
        hint="Call the model `warmup` times before the first value.",
    )


def sleeper(tt, pause):
    """Return the values of a model that waits."""
    import time  # noqa: PLC0415 -- sent as source, which holds one function

    models = {"waits": lambda _: time.sleep(pause)}
    return list(tt.Benchmark(models, None, warmup=0, runs=2).run()["waits"].values)


@points(2)
@needs(RUN)
@task("19.2")
@spec("Benchmark.run", "the time that somebody waits, sleep included.")
def test_waiting_is_measured_in_seconds(tt):
    """A model that sleeps 0.01 s takes at least that long, in seconds."""
    found = remote_source(tt, sleeper, pause=0.01)
    holds(
        min(found) >= 0.0099,
        call="a model that sleeps 0.01 s, runs=2: the smallest value",
        expected="at least 0.01",
        got=f"{min(found):.3g}",
        hint="time.perf_counter; process_time does not see waiting.",
    )
    # 10 would be milliseconds; a machine so slow that both take 5 s is none.
    holds(
        min(found) < 5,
        call="a model that sleeps 0.01 s, runs=2: the smallest value",
        expected="seconds",
        got=f"{min(found):.3g}",
    )


@needs(RUN)
@task("19.2")
@spec("Benchmark.__init__", "runs is smaller than 1, or warmup is negative")
def test_no_runs_are_refused(tt):
    """No run at all raises ValueError."""
    raises(ValueError, tt.Benchmark, {}, None, 3, 0, call="Benchmark({}, None, 3, 0)")
    tt.Benchmark({}, None, 0, 1).run()
