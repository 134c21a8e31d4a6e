"""What the judge reads out of a trained model, before it replays it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from grader.training.driver import SOURCE


def parameters_of(**layers: Any) -> Any:
    names: dict[str, Any] = {}
    exec(SOURCE, names)  # noqa: S102
    run = names["Run"].__new__(names["Run"])
    run.model = layers
    return run.parameters()


def test_running_statistics_are_read_as_tensors_and_as_plain_arrays() -> None:
    statistics = np.arange(3.0)
    as_tensor = SimpleNamespace(running_mean=SimpleNamespace(data=statistics))
    as_array = SimpleNamespace(running_var=statistics)

    found = parameters_of(norm1=as_tensor, norm2=as_array, pool=SimpleNamespace())

    assert set(found) == {"norm1.running_mean", "norm2.running_var"}
    for values in found.values():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, statistics)


def test_a_layer_without_bias_has_none_to_read() -> None:
    layer = SimpleNamespace(weight=SimpleNamespace(data=np.ones((2, 2))), bias=None)

    assert set(parameters_of(fc=layer)) == {"fc.weight"}
