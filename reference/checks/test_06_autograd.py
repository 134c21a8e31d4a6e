"""Hidden checks of module 06: autograd.

Gradients are judged by random directional derivatives in float64 numpy, so that any
correct way of computing them passes.
"""

from __future__ import annotations

import copy
from operator import add, itemgetter, matmul, mul, neg, sub, truediv

import numpy as np
import pytest

from grader.checks import (
    cpu_limit,
    gradients,
    holds,
    needs,
    points,
    raises,
    same,
    spec,
    task,
    value,
)
from grader.checks.remote import remote_source

MUL = "autograd::mul_gradient"
MATMUL = "autograd::matmul_gradient"
SUM = "autograd::sum_gradient"
FAN_OUT = "autograd::used_twice_accumulates"


def upstream(rng, shape):
    """Return the random upstream gradient that `gradients` is about to draw."""
    return copy.deepcopy(rng).normal(size=shape)


def away_from_zero(rng, shape):
    """Return normal numbers pushed at least 0.2 from the kink at zero."""
    x = rng.normal(size=shape)
    return x + 0.2 * np.sign(x)


def tracked(tt, x):
    """Return a tensor that tracks its gradient."""
    return tt.Tensor(x, requires_grad=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x, axis=-1):
    return np.log(softmax(x, axis))


# Operations of module 02


@needs("tensor")
@task("6.1")
@spec("Tensor.backward", "operation")
def test_add_gradient(tt, rng):
    """The gradient of a + b goes to both operands."""
    a, b = rng.normal(size=(2, 3, 4))
    hint = "d(a + b)/da = 1 and d(a + b)/db = 1, times the gradient from above."
    gradients(tt, add, add, [a, b], rng, call="(a + b).backward(g), (3, 4)", hint=hint)


@needs("tensor")
@task("6.1")
@spec("Tensor.backward", "operation")
def test_sub_and_neg_gradient(tt, rng):
    """The gradient of a - b is subtracted from b, that of -a from a."""
    a, b = rng.normal(size=(2, 3, 4))
    v = upstream(rng, (3, 4))
    gradients(
        tt,
        sub,
        sub,
        [a, b],
        rng,
        call="(a - b).backward(g), (3, 4)",
        hint="d(a - b)/db = -1, times the gradient from above.",
        misconceptions={"the minus sign of the second operand lost": [v, v]},
    )
    gradients(
        tt,
        neg,
        neg,
        [a],
        rng,
        call="(-a).backward(g), (3, 4)",
        hint="d(-a)/da = -1, times the gradient from above.",
    )


@points(2)
@needs("tensor")
@task("6.1")
@spec("Tensor.backward", "operation")
def test_mul_gradient(tt, rng):
    """The gradient of a * b to one operand is scaled by the other."""
    a, b = rng.normal(size=(2, 3, 4))
    v = upstream(rng, (3, 4))
    gradients(
        tt,
        mul,
        mul,
        [a, b],
        rng,
        call="(a * b).backward(g), (3, 4)",
        hint="d(a * b)/da = b and d(a * b)/db = a, times the gradient from above.",
        misconceptions={
            "each operand scaled by itself instead of by the other": [v * a, v * b],
            "the gradient from above left out": [b, a],
        },
    )
