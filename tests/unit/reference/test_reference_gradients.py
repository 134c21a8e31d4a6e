"""Every operation's gradient against float64 differences along random directions."""
# ruff: noqa: ARG005 -- all cases share one signature

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from grader.checks.checklib import CheckFailure, gradients

CASES = 3  # random inputs and directions an operation


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def cross_entropy(x: Any) -> Any:
    return -np.log(softmax(x))[np.arange(4), [0, 2, 1, 2]].mean()


def bce(p: Any) -> Any:
    y = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]])
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


BCE_TARGETS = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]]
ROWS = np.array([0, 2, 2])

# name -> (shapes, on tensors, the same in float64)
Case = tuple[list[tuple[int, ...]], Callable[..., Any], Callable[..., Any]]
OPERATIONS: dict[str, Case] = {
    "add": ([(2, 3), (3,)], lambda tt, a, b: a + b, lambda a, b: a + b),
    "add both stretched": ([(3, 1), (1, 4)], lambda tt, a, b: a + b, np.add),
    "subtract": ([(3,), (2, 3)], lambda tt, a, b: a - b, lambda a, b: a - b),
    "number minus": ([(2, 3)], lambda tt, a: 2 - a, lambda a: 2 - a),
    "multiply": ([(2, 1, 3), (4, 1)], lambda tt, a, b: a * b, np.multiply),
    "multiply a number": ([(2, 3)], lambda tt, a: 3 * a, lambda a: 3 * a),
    "square by product": ([(2, 3)], lambda tt, a: a * a, lambda a: a * a),
    "divide": ([(2, 3), (2, 1)], lambda tt, a, b: a / b, np.divide),
    "number over": ([(2, 3)], lambda tt, a: 2 / a, lambda a: 2 / a),
    "power 3": ([(2, 3)], lambda tt, a: a**3, lambda a: a**3),
    "power -0.5": ([(2, 3)], lambda tt, a: a**-0.5, lambda a: a**-0.5),
    "negative": ([(2, 3)], lambda tt, a: -a, np.negative),
    "matmul": ([(2, 3), (3, 4)], lambda tt, a, b: a @ b, np.matmul),
    "matmul batch": ([(2, 3, 4), (2, 4, 5)], lambda tt, a, b: a @ b, np.matmul),
    "matmul one weight": ([(2, 3, 4), (4, 5)], lambda tt, a, b: a @ b, np.matmul),
    "matmul batch right": ([(3, 4), (2, 4, 5)], lambda tt, a, b: a @ b, np.matmul),
    "matmul stretched": ([(2, 1, 3, 4), (3, 4, 2)], lambda tt, a, b: a @ b, np.matmul),
    "reshape": ([(2, 6)], lambda tt, a: a.reshape(3, -1), lambda a: a.reshape(3, -1)),
    "transpose": ([(2, 3, 4)], lambda tt, a: a.transpose(), lambda a: a.swapaxes(1, 2)),
    "transpose 0 2": (
        [(2, 3, 4)],
        lambda tt, a: a.transpose(0, 2),
        lambda a: a.swapaxes(0, 2),
    ),
    "getitem slice": ([(4, 5)], lambda tt, a: a[1:3, ::2], lambda a: a[1:3, ::2]),
    "getitem number": ([(4, 5)], lambda tt, a: a[2], lambda a: a[2]),
    "getitem repeated": ([(4, 5)], lambda tt, a: a[ROWS], lambda a: a[ROWS]),
    "cat": (
        [(2, 3), (2, 1)],
        lambda tt, a, b: tt.Tensor.cat([a, b], axis=1),
        lambda a, b: np.concatenate([a, b], axis=1),
    ),
    "sum": ([(2, 3)], lambda tt, a: a.sum(), np.sum),
    "sum axis": ([(2, 3, 4)], lambda tt, a: a.sum(axis=1), lambda a: a.sum(axis=1)),
    "sum keepdims": (
        [(2, 3)],
        lambda tt, a: a.sum(axis=-1, keepdims=True),
        lambda a: a.sum(axis=-1, keepdims=True),
    ),
    "mean": ([(2, 3)], lambda tt, a: a.mean(), np.mean),
    "mean axis": ([(2, 3, 4)], lambda tt, a: a.mean(axis=0), lambda a: a.mean(axis=0)),
    "mean axes": (
        [(2, 3, 4)],
        lambda tt, a: a.mean(axis=(0, 2)),
        lambda a: a.mean(axis=(0, 2)),
    ),
    "max": ([(2, 3)], lambda tt, a: a.max(), np.max),
    "max axis": ([(4, 5)], lambda tt, a: a.max(axis=1), lambda a: a.max(axis=1)),
    "exp": ([(2, 3)], lambda tt, a: a.exp(), np.exp),
    "log": ([(2, 3)], lambda tt, a: a.log(), np.log),
    "sqrt": ([(2, 3)], lambda tt, a: a.sqrt(), np.sqrt),
    "Sigmoid": ([(2, 3)], lambda tt, a: tt.Sigmoid()(a), sigmoid),
    "ReLU": ([(2, 3)], lambda tt, a: tt.ReLU()(a - 1), lambda a: np.maximum(a - 1, 0)),
    "Tanh": ([(2, 3)], lambda tt, a: tt.Tanh()(a), np.tanh),
    "GELU": ([(2, 3)], lambda tt, a: tt.GELU()(a), lambda a: a * sigmoid(1.702 * a)),
    "Softmax": ([(2, 5)], lambda tt, a: tt.Softmax()(a), softmax),
    "Softmax dim 0": (
        [(3, 2)],
        lambda tt, a: tt.Softmax()(a, dim=0),
        lambda a: softmax(a, 0),
    ),
    "log_softmax": (
        [(2, 5)],
        lambda tt, a: tt.log_softmax(a),
        lambda a: np.log(softmax(a)),
    ),
    "MSELoss": (
        [(2, 3)],
        lambda tt, a: tt.MSELoss()(a, BCE_TARGETS),
        lambda a: np.mean((a - BCE_TARGETS) ** 2),
    ),
    "CrossEntropyLoss": (
        [(4, 3)],
        lambda tt, a: tt.CrossEntropyLoss()(a, [0, 2, 1, 2]),
        cross_entropy,
    ),
    "BinaryCrossEntropyLoss": (
        [(2, 3)],
        lambda tt, a: tt.BinaryCrossEntropyLoss()(tt.Sigmoid()(a), BCE_TARGETS),
        lambda a: bce(sigmoid(a)),
    ),
    "a diamond": (
        [(2, 3)],
        lambda tt, a: (a.exp() * a + a.exp()) / a,
        lambda a: (np.exp(a) * a + np.exp(a)) / a,
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradient_equals_the_difference_quotient(
    tt: ModuleType, rng: np.random.Generator, name: str
) -> None:
    shapes, fn, f64 = OPERATIONS[name]

    for _ in range(CASES):
        # Distinct entries away from 0 and 1, where ReLU, max, log and 1 / x have kinks.
        inputs = [
            (0.3 + 0.1 * rng.permutation(int(np.prod(s))) + 0.03 * rng.random())
            .reshape(s)
            .astype(np.float32)
            for s in shapes
        ]
        found = gradients(tt, lambda *t: fn(tt, *t), f64, inputs, rng, call=name)

        assert [g.dtype for g in found] == [np.float32] * len(shapes)


def test_a_wrong_gradient_is_found(tt: ModuleType, rng: np.random.Generator) -> None:
    def wrong(a: Any) -> Any:
        return tt.Tensor._from_op(a.data**2, (a,), lambda grad: (grad * a.data,))

    x = rng.normal(size=(2, 3)).astype(np.float32)

    with pytest.raises(CheckFailure, match="square"):
        gradients(tt, wrong, np.square, [x], rng, call="square")
