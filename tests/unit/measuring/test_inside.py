"""What is sent into a sandbox beside a workload's script."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from grader.measuring.inside import SOURCE

LINE = 64  # bytes of a cache line


@pytest.mark.parametrize("before", range(4))
def test_weights_begin_with_a_line_of_the_cache_whatever_was_allocated(
    before: int,
) -> None:
    inside: dict[str, Any] = {}
    exec(SOURCE, inside)  # noqa: S102 -- as the sandbox does
    layer = SimpleNamespace(weight=SimpleNamespace(data=np.zeros((784, 128), "f4")))
    script = SimpleNamespace(build=lambda *_: {"fc1": layer})
    bench = inside["Bench"](None, script, "build", 0, 1)
    kept = [np.empty(16 * n) for n in range(before)]
    weights = np.arange(784 * 128, dtype=np.float32).reshape(784, 128)

    bench.restore({"fc1.weight": weights})

    assert len(kept) == before
    got = layer.weight.data
    assert got.__array_interface__["data"][0] % LINE == 0
    np.testing.assert_array_equal(got, weights)
    assert got is not weights
