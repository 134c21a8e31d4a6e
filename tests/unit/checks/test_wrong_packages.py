"""Mistakes as students make them: the checks meant for them see and name them."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from checks_suites import Check, checks, reference

from grader.checks import CheckFailure

CHECKS = {c.id: c for n in ("01", "02", "03", "04", "05") for c in checks(n)}

Tt = Any
Change = Callable[[Tt], dict[str, Any]]


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    return reference()


def method(cls: str, **methods: Any) -> Change:
    """Return a change: the class of the reference with these methods instead."""

    def change(tt: Tt) -> dict[str, Any]:
        return {cls: type(cls, (getattr(tt, cls),), methods)}

    return change


def tensors(**methods: Callable[..., Any]) -> Change:
    """Return a change of Tensor whose methods return arrays to be wrapped."""

    def change(tt: Tt) -> dict[str, Any]:
        def wrapped(fn: Callable[..., Any]) -> Callable[..., Any]:
            return lambda *args, **named: Wrong(fn(*args, **named))

        own = {name: wrapped(fn) for name, fn in methods.items()}
        Wrong = type("Tensor", (tt.Tensor,), own)  # noqa: N806 -- a class
        return {"Tensor": Wrong}

    return change


def forward(cls: str, fn: Callable[..., Any]) -> Change:
    """Return a change of `forward`: tensors in, an array out."""

    def change(tt: Tt) -> dict[str, Any]:
        def wrong(_self: Any, *args: Any, **named: Any) -> Any:
            return tt.Tensor(fn(*args, **named))

        own = {"forward": wrong, "__call__": wrong}
        return {cls: type(cls, (getattr(tt, cls),), own)}

    return change


def softmax(x: np.ndarray, axis: int | None = -1) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(x)
        return np.asarray(e / e.sum(axis=axis, keepdims=True))


def log_likelihood(x: Any, ids: Any) -> np.ndarray:
    x, rows = x.data, np.arange(len(x.data))
    x = x - x.max(axis=1, keepdims=True)
    x = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return np.asarray(x[rows, ids.data.astype(int)])


def bce(p: Any, t: Any) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = -(t.data * np.log(p.data) + (1 - t.data) * np.log(1 - p.data))
    return np.asarray(loss)


def linear_out_in(tt: Tt) -> dict[str, Any]:
    class Linear(tt.Linear):  # type: ignore[misc]
        def __init__(self, n: int, m: int, bias: bool = True) -> None:
            super().__init__(m, n)
            self.bias = tt.Tensor(np.zeros(m)) if bias else None

        def forward(self, x: Any) -> Any:
            return x @ self.weight.transpose() + self.bias

    return {"Linear": Linear}


def dropout(keep: Callable[[np.ndarray, float], np.ndarray]) -> Change:
    rng = np.random.default_rng(0)

    def change(tt: Tt) -> dict[str, Any]:
        class Dropout:
            def __init__(self, p: float) -> None:
                self.p = p

            def __call__(self, x: Any) -> Any:
                return tt.Tensor(x.data * keep(rng.random(x.shape), self.p))

        return {"Dropout": Dropout}

    return change


WRONG: list[tuple[str, Change, str]] = [
    # 02
    (
        "tensor::matmul_sums_over_the_inner_axis",
        tensors(matmul=lambda a, b: a.data * b.data),
        "the product entry by entry",
    ),
    (
        "tensor::matmul_sums_over_the_inner_axis",
        tensors(matmul=lambda a, b: a.data @ b.data.T),
        "the second operand transposed",
    ),
    (
        "tensor::matmul_of_batches",
        tensors(matmul=lambda a, b: np.dot(a.data, b.data)),
        "np.dot of the arrays",
    ),
    (
        "tensor::transpose_swaps_the_last_two_axes",
        tensors(transpose=lambda a: a.data.T),
        "all axes reversed",
    ),
    (
        "tensor::reductions_over_all_entries_mean",
        tensors(mean=lambda a: a.data.sum()),
        "the sum",
    ),
    (
        "tensor::reductions_over_one_axis_max",
        tensors(max=lambda a, axis, **_: np.abs(a.data).max(axis)),
        "the largest magnitude",
    ),
    (
        "tensor::numbers_work_on_either_side_subtract",
        tensors(__rsub__=lambda a, b: a.data - b),
        "tensor and number exchanged",
    ),
    (
        "tensor::power_is_taken_entry_by_entry",
        tensors(__pow__=lambda a, _p: np.linalg.matrix_power(a.data, 3)),
        "a power of the matrix",
    ),
    # 03
    (
        "activations::softmax_normalises_the_last_axis",
        forward("Softmax", lambda x: softmax(x.data, 0)),
        "softmax over axis 0",
    ),
    (
        "activations::softmax_takes_any_axis",
        forward("Softmax", lambda x, **_: softmax(x.data)),
        "softmax over the last axis",
    ),
    (
        "activations::softmax_survives_large_numbers",
        forward("Softmax", lambda x: softmax(x.data)),
        "softmax without the shift",
    ),
    (
        "activations::sigmoid_squeezes_to_zero_and_one",
        forward("Sigmoid", lambda x: 1 / (1 + np.exp(x.data))),
        "the sign of x lost",
    ),
    (
        "activations::gelu_is_smooth_around_zero",
        forward("GELU", lambda x: np.maximum(x.data, 0)),
        "ReLU",
    ),
    # 04
    (
        "layers::linear_is_x_times_weight_plus_bias",
        linear_out_in,
        "the weight transposed",
    ),
    (
        "layers::linear_parameters_are_weight_and_bias",
        linear_out_in,
        "(out, in), as in PyTorch",
    ),
    (
        "layers::dropout_keeps_the_mean",
        dropout(lambda u, p: u >= p),
        "entries not scaled up",
    ),
    (
        "layers::dropout_keeps_the_mean",
        dropout(lambda u, p: (u < p) / p),
        "a share p kept, the rest dropped",
    ),
    # 05
    (
        "losses::mse_is_the_mean_of_squares",
        forward("MSELoss", lambda p, t: ((p.data - t.data) ** 2).sum()),
        "the sum of squares",
    ),
    (
        "losses::shapes_must_be_equal_mseloss",
        forward("MSELoss", lambda p, t: ((p.data - t.data) ** 2).mean()),
        "",
    ),
    (
        "losses::cross_entropy_is_the_mean_over_samples",
        forward("CrossEntropyLoss", lambda x, ids: -log_likelihood(x, ids).sum()),
        "the sum over samples",
    ),
    (
        "losses::cross_entropy_is_the_mean_over_samples",
        forward(
            "CrossEntropyLoss",
            lambda x, ids: -x.data[np.arange(6), ids.data.astype(int)].mean(),
        ),
        "the logits not normalised",
    ),
    (
        "losses::bce_is_the_mean_over_entries",
        forward("BinaryCrossEntropyLoss", lambda p, t: bce(p, t).sum()),
        "the sum over entries",
    ),
    (
        "losses::bce_clips_probabilities",
        forward("BinaryCrossEntropyLoss", lambda p, t: bce(p, t).mean()),
        "",
    ),
]


@pytest.mark.parametrize(
    ("check", "change", "mistake"),
    [
        pytest.param(CHECKS[name], change, mistake, id=f"{name}-{mistake or 'seen'}")
        for name, change, mistake in WRONG
    ],
)
def test_mistake_is_seen_and_named(
    check: Check, change: Change, mistake: str, oracle: ModuleType
) -> None:
    names = {n: getattr(oracle, n, None) for n in dir(oracle)}
    package = SimpleNamespace(**names | change(oracle))

    with pytest.raises(CheckFailure) as caught:
        check.run(package, oracle)

    assert caught.value.misconception == mistake


def test_the_checks_pass_with_many_seeds(oracle: ModuleType) -> None:
    for check in CHECKS.values():
        for seed in range(20):
            check.run(oracle, oracle, seed)
