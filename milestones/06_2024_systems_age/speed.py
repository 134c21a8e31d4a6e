"""How fast kernels are, and a GPT that writes: module 15 and 18, timed by module 19."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from subjects import Subject, filled_gpt

from milestones.script import Facts

WRITTEN: Final = 120  # characters, with and without cache
REPEATS: Final = 9
MATRIX: Final = 512  # rows and columns, for the kernels
LOOPED: Final = 48  # rows and columns for the loop, which takes a microsecond a product


def timing(result: Any, calls: int = 1) -> Facts:
    """Return median and 95 % interval of the median, of one of `calls` in seconds.

    The interval of the mean, `ci95`, is kept, too; one slow moment of the machine
    stretches it, but not that of the median, which lies between two of the values
    (their ranks by the normal approximation of the binomial distribution).
    """
    values = sorted(result.values)
    n = len(values)
    reach = 1.96 * np.sqrt(n) / 2
    low, high = max(0, int(n / 2 - reach)), min(n - 1, int(np.ceil(n / 2 + reach)))
    return {
        "latency_s": result.median / calls,
        "interval_s": [values[low] / calls, values[high] / calls],
        "mean_ci95_s": [bound / calls for bound in result.ci95],
    }


def writing(tt: Any, subject: Subject) -> list[Facts]:
    """Return what one more character costs, with and without a KV cache.

    All variants write the same number of characters, greedily, from the same one.
    """
    first = subject.splits.test["x"][:1, :1]
    rows: list[Facts] = []
    for name, int8, cached in (
        ("float32", False, False),
        ("float32, KV cache", False, True),
        ("int8", True, False),
        ("int8, KV cache", True, True),
    ):
        gpt = filled_gpt(tt, subject.model)
        if int8:
            gpt = tt.quantize_model(gpt)
        cache = tt.enable_kv_cache(gpt) if cached else None

        def write(start: Any, gpt: Any = gpt) -> Any:
            return gpt.generate(tt.Tensor(start), WRITTEN, temperature=0)

        result = tt.Benchmark({name: write}, first, 1, REPEATS).run()[name]
        rows.append(
            {
                "variant": name,
                "text": np.asarray(write(first).data[0]).astype(int).tolist(),
                "weight_bytes": int(tt.model_size_bytes(gpt)),
                "cache_bytes": 0 if cache is None else int(cache.nbytes),
                **timing(result, WRITTEN),
            }
        )
    for plain, cached_row in ((rows[0], rows[1]), (rows[2], rows[3])):
        plain["same_text"] = cached_row["same_text"] = (
            plain["text"] == cached_row["text"]
        )
        plain["times_faster"] = 1.0
        cached_row["times_faster"] = plain["latency_s"] / cached_row["latency_s"]
    return rows


def kernels(tt: Any) -> list[Facts]:
    """Return module 15's kernels beside plain ones: time and largest difference."""
    rng = np.random.default_rng(0)

    def matrix(n: int) -> Any:
        return tt.Tensor(rng.normal(size=(n, n)).astype(np.float32))

    large, small = (matrix(MATRIX), matrix(MATRIX)), (matrix(LOOPED), matrix(LOOPED))
    gelu = tt.GELU()
    pairs = (
        ("GELU", large[0], {"plain": gelu, "fused": tt.fused_gelu}),
        (
            *("matmul", large),
            {
                "one call": lambda ab: tt.vectorized_matmul(*ab),
                "tiles of 64": lambda ab: tt.tiled_matmul(*ab, tile_size=64),
            },
        ),
        (
            *("matmul", small),
            {
                "three loops": lambda ab: tt.baseline_matmul(*ab),
                "one call": lambda ab: tt.vectorized_matmul(*ab),
            },
        ),
    )
    rows: list[Facts] = []
    for name, data, ways in pairs:
        size = MATRIX if data is not small else LOOPED
        results = tt.Benchmark(ways, data, warmup=1, runs=REPEATS).run()
        plain = next(iter(ways.values()))(data).data
        for way, call in ways.items():
            rows.append(
                {
                    "kernel": f"{name} {size}x{size}",
                    "way": way,
                    **timing(results[way]),
                    "largest_difference": float(np.abs(call(data).data - plain).max()),
                }
            )
    return rows
