"""Tensor, activations, layers and losses beyond their gradients."""

from __future__ import annotations

import importlib
import operator
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

REFERENCE = Path(__file__).resolve().parents[3] / "reference"
FAR = np.array([[-1e4, -1e3, 0.0, 1e3, 1e4]], dtype=np.float32)


DOCTESTS = """
import doctest, importlib, tinytorch
for name in tinytorch._NAMES:
    result = doctest.testmod(importlib.import_module("tinytorch." + name))
    print(name, result.failed, result.attempted > 0)
"""

# Run where the file capstone.py is missing.
MISSING = """
import tinytorch
for name in ("Tensor", "TinyMLPerfEntry", "nonsense"):
    try:
        print(getattr(tinytorch, name).__name__)
    except AttributeError as error:
        print(error)
"""


def said(program: str, folder: Path) -> list[str]:
    """Return what a program prints that imports the package in `folder`.

    In a process of its own: doctest finds modules by name, and there are others.
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_examples_in_docstrings_hold(package: ModuleType) -> None:
    assert said(DOCTESTS, REFERENCE) == [f"{name} 0 True" for name in package._NAMES]


def test_missing_module_is_named_when_used(tmp_path: Path) -> None:
    without = shutil.ignore_patterns("capstone.py", "__pycache__")
    shutil.copytree(REFERENCE / "tinytorch", tmp_path / "tinytorch", ignore=without)

    tensor, missing, nonsense = said(MISSING, tmp_path)

    assert tensor == "Tensor"
    assert "tinytorch/capstone.py" in missing
    assert "nonsense" in nonsense


def test_data_is_a_float32_copy(tt: ModuleType) -> None:
    given = np.array([1.0, 2.0])
    t = tt.Tensor(given)
    given[0] = 9

    assert t.data.tolist() == [1.0, 2.0]
    assert t.dtype == np.float32


@pytest.mark.parametrize(
    "fn",
    [operator.add, operator.sub, operator.mul, operator.truediv],
    ids=lambda f: f.__name__,
)
def test_arrays_on_the_left_make_tensors(tt: ModuleType, fn: Any) -> None:
    got = fn(np.array([6.0, 8.0]), tt.Tensor([2.0, 4.0]))

    assert isinstance(got, tt.Tensor)
    assert got.data.tolist() == fn(np.array([6.0, 8.0]), np.array([2.0, 4.0])).tolist()


WRONG: dict[str, Callable[[Any], Any]] = {
    "add": lambda t: t(np.ones((2, 3))) + t(np.ones((4, 5))),
    "matmul": lambda t: t(np.ones((2, 3))) @ t(np.ones((4, 5))),
    "matmul batch": lambda t: t(np.ones((2, 1, 3))) @ t(np.ones((4, 3, 5))),
    "reshape": lambda t: t(np.ones((2, 3))).reshape(4, 5),
}


@pytest.mark.parametrize("name", WRONG)
def test_shape_errors_name_both_shapes(tt: ModuleType, name: str) -> None:
    with pytest.raises(ValueError, match=r"\(2, .*3\).*\(4, .*5\)"):
        WRONG[name](tt.Tensor)


@pytest.mark.parametrize("other", [2.0, np.ones((3, 2)), [[1.0]]], ids=type)
def test_matmul_with_anything_but_a_tensor_is_a_type_error(
    tt: ModuleType, other: Any
) -> None:
    with pytest.raises(TypeError, match="matmul"):
        tt.Tensor(np.ones((2, 3))).matmul(other)


OPERATIONS: dict[str, Callable[[ModuleType, Any], Any]] = {
    "number": lambda _, x: 2 * x + 1.5,
    "power": lambda _, x: x**0.5,
    "mean": lambda _, x: x.mean(),
    "float64 array": lambda _, x: x * np.ones(3),
    "number of numpy": lambda _, x: x * np.float64(2),
    "Sigmoid": lambda tt, x: tt.Sigmoid()(x),
    "GELU": lambda tt, x: tt.GELU()(x),
    "Softmax": lambda tt, x: tt.Softmax()(x),
    "Dropout": lambda tt, x: tt.Dropout(0.5)(x),
    "Linear": lambda tt, x: tt.Linear(3, 2)(x),
    "MSELoss": lambda tt, x: tt.MSELoss()(x, np.zeros((2, 3))),
    "CrossEntropyLoss": lambda tt, x: tt.CrossEntropyLoss()(x, [0, 1]),
    "BinaryCrossEntropyLoss": lambda tt, x: tt.BinaryCrossEntropyLoss()(
        x, np.ones((2, 3))
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_float32_never_widens(tt: ModuleType, name: str) -> None:
    """Checked where the operation made it, before `_from_op` would convert it."""
    made: list[np.dtype[Any]] = []
    cast = tt.Tensor._from_op.__func__

    class Spy(tt.Tensor):  # type: ignore[misc,name-defined]
        __slots__ = ()

    def from_op(cls: Any, data: Any, *rest: Any) -> Any:
        made.append(np.asarray(data).dtype)
        return cast(cls, data, *rest)

    x = tt.Tensor(np.full((2, 3), 0.5), requires_grad=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tt.Tensor, "_from_op", classmethod(from_op))
        result = OPERATIONS[name](tt, x)
        result.sum().backward()

    assert set(made) == {np.dtype(np.float32)}
    assert x.grad.dtype == np.float32


def test_results_are_float32_and_not_copied(tt: ModuleType) -> None:
    array = np.ones(2, dtype=np.float32)

    assert tt.Tensor._from_op(array, ()).data is array
    assert tt.Tensor._from_op(np.ones(2), ()).dtype == np.float32
    assert tt.Tensor._from_op(np.float64(1.0), ()).dtype == np.float32


@pytest.mark.parametrize("name", ["Sigmoid", "ReLU", "Tanh", "GELU", "Softmax"])
def test_activations_stay_finite_far_out(tt: ModuleType, name: str) -> None:
    """numpy's warnings are errors here, so an overflow would show."""
    x = tt.Tensor(FAR, requires_grad=True)
    y = getattr(tt, name)()(x)
    y.sum().backward()

    assert np.isfinite(y.data).all()
    assert np.isfinite(x.grad).all()


def test_cross_entropy_stays_finite_far_out(tt: ModuleType) -> None:
    x = tt.Tensor([[1e3, -1e3], [-1e3, 1e3]], requires_grad=True)
    loss = tt.CrossEntropyLoss()(x, [1, 1])
    loss.backward()

    assert loss.item() == 1000.0
    assert x.grad.tolist() == [[0.5, -0.5], [0.0, 0.0]]


def test_binary_cross_entropy_stays_finite_at_zero_and_one(tt: ModuleType) -> None:
    p = tt.Tensor([0.0, 1.0], requires_grad=True)
    loss = tt.BinaryCrossEntropyLoss()(p, [1.0, 0.0])
    loss.backward()

    assert 15 < loss.item() < 17  # -log(1e-7) is 16.1
    assert np.isfinite(p.grad).all()


@pytest.mark.parametrize("name", ["MSELoss", "BinaryCrossEntropyLoss"])
def test_losses_refuse_shapes_that_would_broadcast(tt: ModuleType, name: str) -> None:
    with pytest.raises(ValueError, match=r"\(2, 1\).*\(2,\)"):
        getattr(tt, name)()(tt.Tensor([[0.5], [0.5]]), tt.Tensor([1.0, 0.0]))


@pytest.mark.parametrize("name", ["MSELoss", "BinaryCrossEntropyLoss"])
def test_targets_that_track_gradients_get_none(tt: ModuleType, name: str) -> None:
    p, y = (tt.Tensor([0.25, 0.75], requires_grad=True) for _ in range(2))
    getattr(tt, name)()(p, y).backward()

    assert p.grad is not None
    assert y.grad is None


def test_cross_entropy_wants_one_class_id_a_row(tt: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3,\)"):
        tt.CrossEntropyLoss()(tt.Tensor(np.ones((2, 3))), [0, 1, 2])


def test_linear_is_seeded_and_of_the_documented_scale(tt: ModuleType) -> None:
    np.random.seed(3)  # noqa: NPY002 -- the contract names it
    first = tt.Linear(400, 400).weight.data
    np.random.seed(3)  # noqa: NPY002 -- the contract names it
    second = tt.Linear(400, 400).weight.data

    assert (first == second).all()
    assert 0.5 / 20 < first.std() < 2 / 20


def test_linear_takes_any_number_of_axes(tt: ModuleType) -> None:
    layer = tt.Linear(3, 2)
    x = np.random.default_rng(0).normal(size=(4, 5, 3))
    want = layer(tt.Tensor(x.reshape(-1, 3))).data.reshape(4, 5, 2)

    assert np.allclose(layer(tt.Tensor(x)).data, want)
    assert np.allclose(layer(tt.Tensor(x[0, 0])).data, want[0, 0])


def test_dropout_keeps_the_mean_and_the_argument_wins(tt: ModuleType) -> None:
    layer, x = tt.Dropout(0.25), tt.Tensor(np.ones(40_000))
    y = layer(x).data
    layer.eval()

    assert set(np.unique(y).tolist()) == {0.0, np.float32(1 / 0.75)}
    assert abs(y.mean() - 1) < 0.02  # 7 standard deviations
    assert (layer(x).data == 1).all()
    assert (layer(x, training=True).data == 0).any()


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5])
def test_dropout_refuses_other_probabilities(tt: ModuleType, p: float) -> None:
    with pytest.raises(ValueError, match="Dropout"):
        tt.Dropout(p)


def test_parameters_and_modes_reach_nested_lists_once(tt: ModuleType) -> None:
    shared = tt.Linear(2, 2)

    class Net(tt.Layer):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            self.blocks = [(shared, tt.ReLU()), [shared, tt.Dropout(0.5)]]
            self.scale = tt.Tensor(1.0, requires_grad=True)
            self.mean = tt.Tensor(0.0)

    net = Net()
    net.eval()

    assert [p.shape for p in net.parameters()] == [(2, 2), (2,), ()]
    assert [b is net.mean for b in net.buffers()] == [True]
    assert net.blocks[1][1].training is False


def test_system_info_is_true(tt: ModuleType) -> None:
    info = tt.system_info()

    assert info["numpy_version"] == importlib.import_module("numpy").__version__
    assert info["memory_bytes"] > 2**26
