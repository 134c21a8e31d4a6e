"""Hidden checks of module 06: autograd.

Gradients are judged by random directional derivatives in float64 numpy, so that any
correct way of computing them passes.
"""

from __future__ import annotations

import copy
import math
from operator import add, itemgetter, matmul, mul, neg, sub, truediv

import numpy as np
import pytest

from grader.checks import (
    cpu_limit,
    gradients,
    holds,
    needs,
    one_of,
    points,
    raises,
    same,
    spec,
    task,
    value,
)
from grader.checks.remote import remote_source

ADD = "autograd::add_gradient"
MUL = "autograd::mul_gradient"
MATMUL = "autograd::matmul_gradient"
SUM = "autograd::sum_gradient"
TWICE = "autograd::used_twice_accumulates"


def upstream(rng, shape):
    """Return the random upstream gradient that `gradients` is about to draw."""
    return copy.deepcopy(rng).normal(size=shape)


def away_from_zero(rng, shape):
    """Return normal numbers, each at least 0.2 away from zero."""
    x = rng.normal(size=shape)
    return x + 0.2 * np.sign(x)


def tracked(tt, x):
    """Return a Tensor of `x` that wants a gradient."""
    return tt.Tensor(x, requires_grad=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


# Operations of module 02


@needs("tensor::arithmetic_broadcasts_add")
@task("6.6")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_add_gradient(tt, rng):
    """The gradient of a + b goes to both operands."""
    inputs = list(rng.normal(size=(2, 3, 4)))
    hint = "d(a + b)/da = 1 and d(a + b)/db = 1, times the gradient from above."
    gradients(tt, add, add, inputs, rng, call="(a + b).backward(g)", hint=hint)


@needs("tensor::arithmetic_goes_entry_by_entry_subtract")
@task("6.6")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_sub_gradient(tt, rng):
    """The gradient of a - b reaches b with a minus sign."""
    inputs = list(rng.normal(size=(2, 3, 4)))
    v = upstream(rng, (3, 4))
    gradients(
        tt,
        sub,
        sub,
        inputs,
        rng,
        call="(a - b).backward(g), a and b (3, 4)",
        hint="d(a - b)/db = -1, times the gradient from above.",
        misconceptions={"the minus sign of the second operand lost": [v, v]},
    )


@needs("tensor::minus_changes_the_sign")
@task("6.6")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_neg_gradient(tt, rng):
    """The gradient of -a is the one from above with its sign changed."""
    a = rng.normal(size=(3, 4))
    wrong = {"the sign left as it was": [upstream(rng, (3, 4))]}
    how = {"call": "(-a).backward(g), a (3, 4)", "hint": "d(-a)/da = -1."}
    gradients(tt, neg, neg, [a], rng, **how, misconceptions=wrong)


@points(2)
@needs("tensor::arithmetic_goes_entry_by_entry_multiply")
@task("6.7")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
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
        call="(a * b).backward(g), a and b (3, 4)",
        hint="d(a * b)/da = b and d(a * b)/db = a, times the gradient from above.",
        misconceptions={
            "each operand scaled by itself, not by the other": [v * a, v * b],
            "the gradient from above left out": [b, a],
        },
    )


@needs("tensor::arithmetic_goes_entry_by_entry_divide")
@task("6.7")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_truediv_gradient(tt, rng):
    """The gradient of a / b reaches both the numerator and the denominator."""
    a, b = rng.normal(size=(3, 4)), 1.5 + rng.random((3, 4))
    v = upstream(rng, (3, 4))
    gradients(
        tt,
        truediv,
        truediv,
        [a, b],
        rng,
        call="(a / b).backward(g), a and b (3, 4)",
        hint="d(a / b)/da = 1 / b and d(a / b)/db = -a / b^2.",
        misconceptions={
            "the minus sign of the denominator lost": [None, v * a / b**2],
            "the denominator not squared": [None, -v * a / b],
            "the quotient rule of a product": [v * b, v * a],
        },
    )


@needs("tensor::power_is_taken_entry_by_entry")
@task("6.7")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_pow_gradient(tt, rng):
    """The gradient of x ** n is n x^(n-1)."""
    for power in (3, 0.5, -1):
        x = 0.5 + rng.random((3, 4))
        v = upstream(rng, (3, 4))
        gradients(
            tt,
            lambda t, n=power: t**n,
            lambda t, n=power: t**n,
            [x],
            rng,
            call=f"(x ** {power}).backward(g), x (3, 4)",
            hint="d(x^n)/dx = n x^(n-1).",
            misconceptions={
                "the factor n left out": [v * x ** (power - 1)],
                "the exponent not lowered by one": [v * power * x**power],
            },
        )


@points(2)
@needs("tensor::functions_of_each_entry")
@task("6.11")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_function_gradient(tt, rng):
    """exp, log and sqrt have the gradients of the textbook."""
    rules = {"exp": "exp(x)", "log": "1 / x", "sqrt": "1 / (2 sqrt(x))"}
    for name, rule in rules.items():
        x = 0.5 + rng.random((3, 4))
        value_for_slope = upstream(rng, (3, 4)) * getattr(np, name)(x)
        wrong = {"the function's value instead of its slope": [value_for_slope]}
        gradients(
            tt,
            lambda t, name=name: getattr(t, name)(),
            getattr(np, name),
            [x],
            rng,
            call=f"x.{name}().backward(g), x (3, 4)",
            hint=f"d {name}(x)/dx = {rule}, times the gradient from above.",
            misconceptions={} if name == "exp" else wrong,
        )


@points(2)
@needs("tensor::matmul_sums_over_the_inner_axis")
@task("6.8")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_matmul_gradient(tt, rng):
    """The gradient of a @ b is g b^T for a, and a^T g for b."""
    a, b = rng.normal(size=(2, 4, 4))
    v = upstream(rng, (4, 4))
    gradients(
        tt,
        matmul,
        matmul,
        [a, b],
        rng,
        call="(a @ b).backward(g), a and b (4, 4)",
        hint="da = g @ b^T and db = a^T @ g; shapes alone do not tell for squares.",
        misconceptions={
            "the operand not transposed": [v @ b, a @ v],
            "the factors in the other order": [b.T @ v, v @ a.T],
            "the gradient of the entrywise product": [v * b, v * a],
        },
    )


@points(2)
@needs(MATMUL, "tensor::matmul_of_batches")
@task("6.8")
@spec("Tensor.matmul", "Axes before the last two are batch axes and broadcast.")
def test_matmul_gradient_of_batches(tt, rng):
    """The gradient of a @ b has each operand's shape, batch axes included."""
    hint = "Swap the last two axes only, and sum over batch axes an operand lacks."
    for left, right in [
        ((2, 3), (3, 5)),
        ((4, 2, 3), (4, 3, 5)),
        ((4, 2, 3), (3, 5)),
        ((2, 3), (4, 3, 5)),
    ]:
        inputs = [rng.normal(size=left), rng.normal(size=right)]
        call = f"(a @ b).backward(g), a {left}, b {right}"
        gradients(tt, matmul, matmul, inputs, rng, call=call, hint=hint)


@needs("tensor::reshape_keeps_the_order_of_entries")
@task("6.9")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_reshape_gradient(tt, rng):
    """The gradient of reshape has the shape and order of the input."""
    x = rng.normal(size=(4, 6))
    gradients(
        tt,
        lambda t: t.reshape(3, -1),
        lambda t: t.reshape(3, -1),
        [x],
        rng,
        call="x.reshape(3, -1).backward(g), x (4, 6)",
        hint="Reshape the gradient back to the input's shape.",
    )


@needs(
    "tensor::transpose_swaps_the_last_two_axes",
    "tensor::transpose_swaps_two_given_axes",
)
@task("6.9")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_transpose_gradient(tt, rng):
    """The gradient of transpose has the same axes exchanged back."""
    for dims in [(), (0, 1), (0, 2)]:
        gradients(
            tt,
            lambda t, dims=dims: t.transpose(*dims),
            lambda t, dims=dims: t.swapaxes(*(dims or (-1, -2))),
            [rng.normal(size=(3, 3, 3))],
            rng,
            call=f"x.transpose{dims}.backward(g), x (3, 3, 3)",
            hint="Exchanging the same two axes again undoes the exchange.",
        )


@needs("tensor::indexing_selects_as_numpy_does")
@task("6.9")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_getitem_gradient(tt, rng):
    """The gradient of x[key] is zero outside of the key."""
    keys = {
        "1": 1,
        ":, 1:3": (slice(None), slice(1, 3)),
        "::2, 0": (slice(None, None, 2), 0),
    }
    for text, key in keys.items():
        gradients(
            tt,
            itemgetter(key),
            itemgetter(key),
            [rng.normal(size=(4, 5))],
            rng,
            call=f"x[{text}].backward(g), x (4, 5)",
            hint="Put the gradient into zeros of the input's shape, at the same key.",
        )


@needs("autograd::getitem_gradient")
@task("6.9")
@spec("Tensor.__getitem__", "gets the sum of its gradients")
def test_getitem_gradient_of_repeats(tt, rng):
    """An entry that x[[...]] picks twice gets both gradients."""
    key, v = np.array([2, 0, 2, 2]), rng.normal(size=(4, 3))
    x = tracked(tt, rng.normal(size=(4, 3)))
    x[key].backward(v.astype(np.float32))
    expected, last = np.zeros((2, 4, 3))
    np.add.at(expected, key, v)
    last[key] = v
    same(
        x.grad,
        expected.astype(np.float32),
        call="x[[2, 0, 2, 2]].backward(g): x.grad, x (4, 3)",
        hint="`full[key] += g` counts a repeated index once; np.add.at does not.",
        tol="gradient",
        misconceptions={"only the last gradient of a repeated entry kept": last},
    )


@needs("tensor::cat_joins_along_an_axis")
@task("6.9")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_cat_gradient(tt, rng):
    """The gradient of cat is cut back into the pieces."""
    for axis, shapes in [
        (0, [(1, 3), (2, 3), (3, 3)]),
        (1, [(2, 1), (2, 2), (2, 3)]),
        (-1, [(2, 3), (2, 1), (2, 2)]),
    ]:
        gradients(
            tt,
            lambda *ts, axis=axis: tt.Tensor.cat(list(ts), axis=axis),
            lambda *xs, axis=axis: np.concatenate(xs, axis=axis),
            [rng.normal(size=s) for s in shapes],
            rng,
            call=f"Tensor.cat([a, b, c], axis={axis}).backward(g)",
            hint="Each input gets its own slice of the gradient along the axis.",
        )


AXES = [(None, False), (0, False), (-1, True), ((0, 2), False)]


def reductions(tt, rng, name, x, *, hint, wrong=lambda _: {}):  # noqa: PLR0913 -- as `gradients`
    """Check the gradients of x.sum, x.mean or x.max along all of AXES.

    `wrong` makes known mistakes from the upstream gradient, its axes put back.
    """
    for axis, keepdims in AXES:

        def reduced(t, axis=axis, keepdims=keepdims):
            return getattr(t, name)(axis=axis, keepdims=keepdims)

        v = upstream(rng, np.shape(reduced(x)))
        full = v if axis is None or keepdims else np.expand_dims(v, axis)
        gradients(
            tt,
            reduced,
            reduced,
            [x],
            rng,
            call=f"x.{name}(axis={axis}, keepdims={keepdims}).backward(g), x (3, 3, 3)",
            hint=hint,
            misconceptions=wrong(np.broadcast_to(full, x.shape)),
        )


@points(4)
@needs(
    "tensor::reductions_over_all_entries_sum", "tensor::reductions_over_one_axis_sum"
)
@task("6.10")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_sum_gradient(tt, rng):
    """The gradient of a sum goes to every entry that was summed."""
    hint = "Put the removed axis back with size 1, then broadcast to x's shape."
    reductions(tt, rng, "sum", rng.normal(size=(3, 3, 3)), hint=hint)


@points(2)
@needs(
    "tensor::reductions_over_all_entries_mean", "tensor::reductions_over_one_axis_mean"
)
@task("6.10")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_mean_gradient(tt, rng):
    """The gradient of a mean is shared among the entries it was taken of."""
    hint = "Divide by the number of entries along the axis, not by x.size."
    reductions(
        tt,
        rng,
        "mean",
        rng.normal(size=(3, 3, 3)),
        hint=hint,
        wrong=lambda v: {
            "the gradient of the sum, not divided": [v],
            "divided by the size of x": [v / 27],
        },
    )


@points(2)
@needs(
    "tensor::reductions_over_all_entries_max", "tensor::reductions_over_one_axis_max"
)
@task("6.10")
@spec("Tensor.max", "The gradient goes to the largest entry.")
def test_max_gradient(tt, rng):
    """The gradient of a maximum goes to the largest entry alone."""
    x = rng.permutation(27).reshape(3, 3, 3) / 10.0
    hint = "Where x equals its maximum the gradient passes; elsewhere it is zero."
    wrong = "passed to every entry"
    reductions(tt, rng, "max", x, hint=hint, wrong=lambda v: {wrong: [v]})


@needs("autograd::max_gradient")
@task("6.10")
@spec("Tensor.max", "they share it equally or the first takes it: either is right")
def test_max_gradient_of_ties(tt, rng):
    """Equal largest entries never get more than the one gradient together."""
    low, high = sorted(rng.normal(size=2))
    rows = np.array([[low, high, high, low], [high, low, low, low]])
    ties = np.array([[0, 0.5, 0.5, 0], [1, 0, 0, 0]], np.float32)
    first = np.array([[0, 1, 0, 0], [1, 0, 0, 0]], np.float32)
    for axis, x in [(None, rows[0]), (1, rows)]:
        t = tracked(tt, x)
        t.max(axis=axis).sum().backward()
        one_of(
            t.grad,
            [ties[:1].reshape(4), first[:1].reshape(4)]
            if axis is None
            else [ties, first],
            call=f"x.max(axis={axis}).sum().backward(): x.grad, two equal maxima",
            hint="Divide by the number of ties of that row, or give it to the first.",
            misconceptions={"all of it to each of the maxima": np.float32(x == high)},
        )


# Broadcasting


@points(3)
@needs(ADD)
@task("6.5")
@spec("autograd.unbroadcast", "its gradient is the sum over all uses")
def test_broadcast_gradient(tt, rng):
    """An operand that was broadcast gets its gradient summed over those axes."""
    v = rng.normal(size=(4, 3)).astype(np.float32)
    for small, axis in [((3,), 0), ((4, 1), 1), ((1, 3), 0)]:
        a, b = tracked(tt, rng.normal(size=(4, 3))), tracked(tt, rng.normal(size=small))
        (a + b).backward(v)
        one = v.take(0, axis).reshape(small)
        same(
            b.grad,
            v.sum(axis=axis).reshape(small),
            call=f"(a + b).backward(g): b.grad, a (4, 3), b {small}",
            hint="Sum over axes that b lacks and over those where it has size 1.",
            tol="gradient",
            misconceptions={
                "the gradient of the result, not summed over the broadcast axis": v,
                "the mean over the broadcast axis": v.mean(axis=axis).reshape(small),
                "one slice of the gradient, not their sum": one,
            },
        )


@points(2)
@needs("autograd::broadcast_gradient")
@task("6.5")
@spec("autograd.unbroadcast", "summed over the axes that broadcasting stretched")
def test_broadcast_gradient_on_both_sides(tt, rng):
    """Both operands may be broadcast at once, in every arithmetic operation."""
    hint = "The result is (2, 4, 3): sum over axis 1 for a, over 0 and 2 for b."
    for name, op in {"+": add, "-": sub, "*": mul, "/": truediv}.items():
        a, b = 1 + rng.random((2, 1, 3)), 1 + rng.random((4, 1))
        call = f"(a {name} b).backward(g), a (2, 1, 3), b (4, 1)"
        gradients(tt, op, op, [a, b], rng, call=call, hint=hint)


@needs(MUL)
@task("6.5")
@spec("Tensor.__add__", "a number may also stand on the left")
def test_numbers_take_no_gradient(tt, rng):
    """A number on either side of + - * / takes part without a gradient."""
    gradients(
        tt,
        lambda t: 2.0 / (3.0 - t * 0.5) + 1.0,
        lambda t: 2.0 / (3.0 - t * 0.5) + 1.0,
        [rng.random((3, 4))],
        rng,
        call="(2 / (3 - x * 0.5) + 1).backward(g), x (3, 4)",
        hint="2 / x and 3 - x are operations on Tensor(2) and Tensor(3).",
    )


# The graph


@points(2)
@needs(MUL)
@task("6.2")
@spec("autograd.backward", "even where several paths meet (a diamond)")
def test_used_twice_accumulates(tt, rng):
    """A tensor used in two places gets the sum of both gradients."""
    x = rng.normal(size=5)
    t = tracked(tt, x)
    (t * 3.0 + t * t).sum().backward()
    same(
        t.grad,
        (3 + 2 * x).astype(np.float32),
        call="(x * 3 + x * x).sum().backward(): x.grad, x (5,)",
        hint="Add what arrives to what is there: several paths lead to x.",
        tol="gradient",
        misconceptions={
            "overwritten by the last path, not accumulated": np.float32(x),
            "overwritten by the path through x * 3": np.full(5, 3, np.float32),
            "x * x without the second operand": np.float32(3 + x),
        },
    )


@points(2)
@needs(TWICE, MATMUL)
@task("6.2")
@spec("autograd.backward", "even where several paths meet (a diamond)")
def test_same_tensor_on_both_sides(tt, rng):
    """A tensor may be both operands of one operation."""
    hint = "Both operands are the same object: add the two gradients."
    for name, op in {"*": mul, "+": add, "@": matmul, "/": truediv}.items():

        def both(t, op=op):
            return op(t, t)

        x = 1 + rng.random((3, 3))
        call = f"(x {name} x).backward(g), x (3, 3)"
        gradients(tt, both, both, [x], rng, call=call, hint=hint)


@points(2)
@needs(TWICE)
@task("6.1")
@spec("autograd.backward", "with the complete gradient of its result")
def test_paths_of_different_length(tt, rng):
    """A node passes its gradient on only when all of it has arrived."""

    def forked(t):
        a = t * t
        b = a * t
        c = b * a + a
        return c * a + t

    gradients(
        tt,
        forked,
        forked,
        [1 + rng.random(4)],
        rng,
        call="a = x * x; b = a * x; c = b * a + a; (c * a + x).backward(g)",
        hint="Visit the graph in reverse topological order, not breadth first.",
    )


@points(2)
@cpu_limit(2)
@needs(TWICE)
@task("6.1")
@spec("autograd.backward", "The cost is linear in the number of operations")
def test_diamonds_are_visited_once(tt):
    """Backward through 40 diamonds visits each node once, not each path."""
    x = tracked(tt, [1.0])
    y = x
    for _ in range(40):  # 2^40 paths lead from y to x
        y = (y + y) * 0.5
    y.backward()
    same(
        x.grad,
        np.ones(1, np.float32),
        call="y = (y + y) * 0.5, 40 times; y.backward(): x.grad",
        hint="Keep a set of the nodes visited.",
        tol="gradient",
    )


def deep_chain(tt, n):
    x = tt.Tensor([1.0], requires_grad=True)
    y = x
    for _ in range(n):
        y = y + 1.0
    y.backward()
    return np.array(x.grad)


@points(2)
@needs(ADD)
@task("6.1")
@spec("autograd.backward", "a chain of 10,000 of them does not recurse")
def test_long_chains_do_not_recurse(tt):
    """Backward through a chain of 10,000 operations works."""
    same(
        remote_source(tt, deep_chain, n=10_000),
        np.ones(1, np.float32),
        call="y = y + 1, 10000 times; y.backward(): x.grad",
        hint="Python allows about 1000 nested calls: order the graph in a loop.",
    )


# backward, zero_grad, no_grad


@needs(MUL, SUM)
@task("6.2")
@spec("autograd.backward", "May be left out if result has one entry; it is 1 then.")
def test_backward_starts_with_one(tt, rng):
    """backward() of a tensor of one entry starts with the gradient 1."""
    x = rng.normal(size=(3, 4))
    for shape in [(), (1,), (1, 1)]:
        t = tracked(tt, x)
        (t * t).sum().reshape(*shape).backward()
        call = f"(x * x).sum().reshape{shape}.backward(): x.grad, x (3, 4)"
        same(t.grad, np.float32(2 * x), call=call, tol="gradient")


@needs(MUL)
@task("6.2")
@spec("autograd.backward", "gradient is left out and result has not exactly one entry")
def test_backward_of_a_non_scalar(tt, rng):
    """backward() without a gradient raises ValueError unless there is one entry."""
    y = tracked(tt, rng.normal(size=(2, 3))) * 2.0
    hint = "A gradient of one entry is 1; for more entries the caller must give it."
    raises(ValueError, y.backward, call="y.backward(), y (2, 3)", hint=hint)


@needs("autograd::backward_of_a_non_scalar")
@task("6.2")
@spec("autograd.backward", "or the shape of gradient differs")
def test_backward_with_another_shape(tt, rng):
    """backward(g) raises ValueError where g has another shape than the result."""
    y = tracked(tt, rng.normal(size=(2, 3))) * 2.0
    g = np.ones((3, 2), np.float32)
    hint = "Compare gradient.shape with the result's shape before anything else."
    raises(
        ValueError, y.backward, g, call="y.backward(g), y (2, 3), g (3, 2)", hint=hint
    )


@needs(MUL)
@task("6.2")
@spec("autograd.backward", "RuntimeError: result does not track gradients.")
def test_backward_without_tracking(tt, rng):
    """backward() of a tensor that tracks nothing raises RuntimeError."""
    y = (tt.Tensor(rng.normal(size=3)) * 2.0).sum()
    hint = "Nothing that y was made from has requires_grad=True."
    raises(RuntimeError, y.backward, call="y.backward(), y untracked", hint=hint)


@needs(TWICE)
@task("6.2")
@spec("autograd.backward", "a second `backward`, of this or another result, adds to it")
def test_second_backward_accumulates(tt, rng):
    """A second backward adds to the gradient that is there."""
    x = rng.normal(size=5)
    t = tracked(tt, x)
    (t * t).sum().backward()
    (t * 5.0).sum().backward()
    same(
        t.grad,
        (2 * x + 5).astype(np.float32),
        call="(x * x).sum().backward(); (x * 5).sum().backward(): x.grad",
        hint="backward adds to .grad; only zero_grad clears it.",
        tol="gradient",
        misconceptions={
            "overwritten by the second backward, not accumulated": np.full(5, 5.0),
        },
    )


@needs("autograd::second_backward_accumulates")
@task("6.3")
@spec("Tensor.zero_grad", "Forget the gradient")
def test_zero_grad_forgets(tt, rng):
    """zero_grad() clears the gradient and nothing else."""
    x = rng.normal(size=5)
    t = tracked(tt, x)
    (t * t).sum().backward()
    t.zero_grad()
    left = t.grad
    clear = left is None or not value(left).any()
    expected = "None or zeros"
    holds(clear, call="x.zero_grad(): x.grad", expected=expected, got="other numbers")
    (t * 5.0).sum().backward()
    call = "x.zero_grad(); (x * 5).sum().backward(): x.grad"
    same(t.grad, np.full(5, 5, np.float32), call=call, tol="gradient")


@needs("autograd::backward_without_tracking")
@task("6.4")
@spec("no_grad", "Operations inside `with no_grad():` are not tracked.")
def test_no_grad_does_not_track(tt, rng):
    """Inside no_grad() operations are not tracked."""
    x = tracked(tt, rng.normal(size=3))
    with tt.no_grad():
        y = (x * 2.0).sum()
    hint = "Inside no_grad a result has requires_grad False and no inputs."
    call = "with no_grad(): y = (x * 2).sum(); y.requires_grad"
    holds(not y.requires_grad, call=call, expected="False", got="True", hint=hint)
    call = "with no_grad(): y = (x * 2).sum(); y.backward()"
    raises(RuntimeError, y.backward, call=call, hint=hint)


@needs(MUL)
@task("6.4")
@spec("no_grad", "and when one block stands inside another")
def test_no_grad_ends(tt, rng):
    """After no_grad(), also after nested ones, tracking is as before."""
    x = tracked(tt, rng.normal(size=3))
    with tt.no_grad():
        with tt.no_grad():
            x * 2.0
        inner = (x * 2.0).requires_grad
    (x * 2.0).sum().backward()
    call = "with no_grad(): with no_grad(): pass; y = x * 2; y.requires_grad"
    hint = "__exit__ restores what __enter__ found; it does not switch tracking on."
    holds(not inner, call=call, expected="False", got="True", hint=hint)
    call = "with no_grad(): pass; (x * 2).sum().backward(): x.grad"
    same(x.grad, np.full(3, 2, np.float32), call=call, hint=hint)


@needs(MUL)
@task("6.2")
@spec("Tensor", "whether `backward` shall compute `grad`")
def test_constants_get_no_gradient(tt, rng):
    """A tensor without requires_grad keeps grad None."""
    x, c = tracked(tt, rng.normal(size=3)), tt.Tensor(rng.normal(size=3))
    (x * c + c).sum().backward()
    call = "(x * c + c).sum().backward(): c.grad, c without requires_grad"
    hint = "Only tensors that ask for a gradient store one."
    holds(c.grad is None, call=call, expected="None", got="an array", hint=hint)


@needs(MUL)
@task("6.2")
@spec("autograd.backward", "`.grad` is a float32 array of the tensor's shape.")
def test_gradients_are_float32(tt, rng):
    """A gradient is a float32 array of its tensor's shape, also for integer data."""
    x = rng.integers(1, 9, size=(2, 3))
    t = tracked(tt, x)
    (t * t / 4).sum().backward()
    call = "(x * x / 4).sum().backward(): x.grad, x integers (2, 3)"
    same(t.grad, np.float32(x / 2), call=call, tol="gradient")
    dtype = value(t.grad).dtype
    holds(dtype == np.float32, call=call, expected="dtype float32", got=f"{dtype}")


@needs(ADD, "autograd::second_backward_accumulates")
@task("6.2")
@spec(
    "autograd.backward",
    "It accumulates: a second `backward`, of this",
)
def test_gradients_are_not_shared(tt, rng):
    """Adding to one tensor's gradient never changes another's."""
    v = rng.normal(size=3).astype(np.float32)
    a, b = tracked(tt, rng.normal(size=3)), tracked(tt, rng.normal(size=3))
    expected = v.copy()  # in-process a package may write into v itself
    (a + b).backward(v)
    (a * 7.0).sum().backward()
    same(
        b.grad,
        expected,
        call="(a + b).backward(g); (a * 7).sum().backward(): b.grad",
        hint="`+=` writes into the array; if b.grad is the same array, it changes too.",
        tol="gradient",
        misconceptions={"a.grad and b.grad are one and the same array": expected + 7},
    )


# Modules 03 to 05


@pytest.mark.parametrize("name", ["Sigmoid", "ReLU", "Tanh"])
@needs(
    "activations::sigmoid_squeezes_to_zero_and_one",
    "activations::relu_keeps_the_positive_part",
    "activations::tanh_squeezes_to_plus_and_minus_one",
)
@task("6.12")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_activation_gradient(tt, rng, name):
    """Sigmoid, ReLU and Tanh have the gradients of the textbook."""
    x = away_from_zero(rng, (4, 5))
    v = upstream(rng, x.shape)
    f64, rule, wrong = {
        "Sigmoid": (sigmoid, "s (1 - s), s the output", v * x * (1 - x)),
        "ReLU": (lambda z: np.maximum(z, 0), "1 where x > 0, else 0", v),
        "Tanh": (np.tanh, "1 - t^2, t the output", v * (1 - x**2)),
    }[name]
    mistake = {
        "ReLU": "passed everywhere, negative inputs included",
    }.get(name, "the formula applied to the input, not to the output")
    gradients(
        tt,
        getattr(tt, name)(),
        f64,
        [x],
        rng,
        call=f"{name}()(x).backward(g), x (4, 5)",
        hint=f"The slope is {rule}.",
        misconceptions={mistake: [wrong]},
    )


@needs("activations::gelu_is_smooth_around_zero")
@task("6.12")
@spec("GELU.forward", "The forms with erf or tanh count as right too")
def test_gelu_gradient(tt, rng):
    """The gradient of GELU is that of the form its forward uses."""
    x = away_from_zero(rng, (4, 5))
    forms = [
        lambda z: z * sigmoid(1.702 * z),
        lambda z: z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))),
        lambda z: z / 2 * (1 + np.vectorize(math.erf)(z / np.sqrt(2))),
    ]
    out = value(tt.GELU()(tt.Tensor(x)))
    nearest = min(forms, key=lambda form: float(np.abs(form(x) - out).max()))
    call = "GELU()(x).backward(g), x (4, 5)"
    hint = "The product rule: s + x s', with s the factor beside x."
    gradients(tt, tt.GELU(), nearest, [x], rng, call=call, hint=hint)


@points(2)
@needs("activations::softmax_takes_any_axis")
@task("6.12")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_softmax_gradient(tt, rng):
    """The gradient of softmax couples all entries along its axis."""
    for dim in (-1, 0):
        x = rng.normal(size=(4, 5))
        v, s = upstream(rng, x.shape), softmax(x, dim)
        alone = [v * s * (1 - s)]
        gradients(
            tt,
            lambda t, dim=dim: tt.Softmax()(t, dim=dim),
            lambda z, dim=dim: softmax(z, dim),
            [x],
            rng,
            call=f"Softmax()(x, dim={dim}).backward(g), x (4, 5)",
            hint="dx = s (g - sum(g s)), the sum along dim.",
            misconceptions={"s (1 - s), as if entries were independent": alone},
        )


@points(3)
@needs(MATMUL, "autograd::broadcast_gradient", "layers::linear_takes_any_leading_axes")
@task("6.8")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_linear_gradient(tt, rng):
    """A Linear layer's weight, bias and input all get their gradients."""
    for shape in [(4, 3), (2, 4, 3)]:
        layer = tt.Linear(3, 3)
        x, v = rng.normal(size=shape), rng.normal(size=shape).astype(np.float32)
        t, flat = tracked(tt, x), v.reshape(-1, 3)
        layer(t).backward(v)
        weight = value(layer.weight)
        call = f"Linear(3, 3)(x).backward(g), x {shape}"
        how = {"tol": "gradient", "hint": "dW = x^T g, db = sum of g, dx = g W^T."}
        wrong = {"the bias gradient not summed over the rows": v}
        same(layer.weight.grad, np.float32(x.reshape(-1, 3).T @ flat), call=call, **how)
        same(layer.bias.grad, flat.sum(0), call=call, **how, misconceptions=wrong)
        wrong = {"the weight not transposed": v @ weight}
        same(t.grad, v @ weight.T, call=call, **how, misconceptions=wrong)


@needs("layers::dropout_keeps_the_mean", "layers::the_argument_training_wins")
@task("6.13")
@spec("Dropout.forward", "The gradient passes where the entry passed, scaled alike.")
def test_dropout_gradient(tt):
    """The gradient of Dropout passes where the input passed, with the same scale."""
    x = tracked(tt, np.ones((20, 20)))
    y = tt.Dropout(0.4)(x, training=True)
    y.sum().backward()
    mask = value(y)
    same(
        x.grad,
        mask,
        call="Dropout(0.4)(x, training=True).sum().backward(): x.grad, x ones",
        hint="Multiply the gradient by the mask that forward drew, scale included.",
        tol="gradient",
        misconceptions={
            "the mask without its scale": np.float32(mask > 0),
            "passed everywhere": np.ones((20, 20), np.float32),
        },
    )


@needs(
    "autograd::linear_gradient",
    "autograd::activation_gradient_tanh",
    "autograd::cross_entropy_gradient",
    "layers::sequential_has_the_parameters_of_its_layers",
)
@task("6.8")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_every_parameter_gets_a_gradient(tt, rng):
    """All parameters of a Sequential get a gradient that is not zero."""
    model = tt.Sequential(tt.Linear(4, 8), tt.Tanh(), tt.Linear(8, 3))
    loss = tt.CrossEntropyLoss()(
        model(tt.Tensor(rng.normal(size=(6, 4)))), tt.Tensor(rng.integers(0, 3, 6))
    )
    loss.backward()
    call = "loss.backward() through Linear, Tanh, Linear, CrossEntropyLoss"
    for i, p in enumerate(model.parameters()):
        found = p.grad
        reached = found is not None and bool(value(found).any())
        expected = f"a gradient for parameter {i}"
        holds(reached, call=call, expected=expected, got="none, or zeros")


@needs("losses::log_softmax_takes_any_axis")
@task("6.14")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_log_softmax_gradient(tt, rng):
    """The gradient of log_softmax along its axis is g - softmax * sum(g)."""
    x = rng.normal(size=(4, 5))
    gradients(
        tt,
        lambda t: tt.log_softmax(t, dim=0),
        lambda z: np.log(softmax(z, 0)),
        [x],
        rng,
        call="log_softmax(x, dim=0).backward(g), x (4, 5)",
        hint="dx = g - softmax(x) * sum(g), the sum along dim.",
        misconceptions={"the sum over dim left out": [upstream(rng, x.shape)]},
    )


@needs("losses::mse_is_the_mean_of_squares")
@task("6.14")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_mse_gradient(tt, rng):
    """The gradient of MSELoss is 2 (p - y) / number of entries."""
    p, y = rng.normal(size=(2, 4, 3))
    v = upstream(rng, ())
    gradients(
        tt,
        lambda a: tt.MSELoss()(a, tt.Tensor(y)),
        lambda a: ((a - y) ** 2).mean(),
        [p],
        rng,
        call="MSELoss()(p, y).backward(g): p.grad, p and y (4, 3)",
        hint="d/dp = 2 (p - y) / p.size, times the gradient from above.",
        misconceptions={
            "the factor 2 left out": [v * (p - y) / 12],
            "the gradient of the sum, not of the mean": [v * 2 * (p - y)],
            "divided by the rows only": [v * 2 * (p - y) / 4],
        },
    )


@points(2)
@needs("losses::cross_entropy_is_the_mean_over_samples")
@task("6.14")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_cross_entropy_gradient(tt, rng):
    """The gradient of CrossEntropyLoss is (softmax - one-hot) / rows."""
    z, ids = rng.normal(size=(6, 4)), rng.integers(0, 4, size=6)
    v, hot = upstream(rng, ()), np.eye(4)[ids]
    gradients(
        tt,
        lambda t: tt.CrossEntropyLoss()(t, tt.Tensor(ids)),
        lambda x: -np.log(softmax(x))[np.arange(6), ids].mean(),
        [z],
        rng,
        call="CrossEntropyLoss()(z, ids).backward(g), z (6, 4)",
        hint="Subtract 1 from the softmax at the true class, divide by the rows.",
        misconceptions={
            "the gradient of the sum, not of the mean": [v * (softmax(z) - hot)],
            "the one-hot target not subtracted": [v * softmax(z) / 6],
            "divided by all entries, not by the rows": [v * (softmax(z) - hot) / 24],
        },
    )


@needs("autograd::mse_gradient", "autograd::bce_gradient")
@task("6.2")
@spec("autograd.backward", "None where an input gets no gradient")
def test_targets_may_be_tracked(tt, rng):
    """Targets with requires_grad do not keep the predictions from their gradient."""
    p, y = 0.2 + 0.6 * rng.random((2, 4, 3))
    slopes = {"MSELoss": 2 * (p - y), "BinaryCrossEntropyLoss": (p - y) / (p * (1 - p))}
    for name, slope in slopes.items():
        t = tracked(tt, p)
        getattr(tt, name)()(t, tracked(tt, y)).backward()
        call = f"{name}()(p, y).backward(): p.grad, y with requires_grad"
        hint = "An operation may give None, also for a tensor that wants a gradient."
        same(t.grad, np.float32(slope / 12), call=call, hint=hint, tol="gradient")


@needs("losses::bce_is_the_mean_over_entries")
@task("6.14")
@spec("autograd.backward", "to `.grad` of every tensor it was made from")
def test_bce_gradient(tt, rng):
    """The gradient of BinaryCrossEntropyLoss counts both halves."""
    p, y = rng.uniform(0.1, 0.9, size=(6, 1)), rng.integers(0, 2, size=(6, 1))
    v = upstream(rng, ())
    gradients(
        tt,
        lambda a: tt.BinaryCrossEntropyLoss()(a, tt.Tensor(y)),
        lambda a: -(y * np.log(a) + (1 - y) * np.log(1 - a)).mean(),
        [p],
        rng,
        call="BinaryCrossEntropyLoss()(p, y).backward(g), p (6, 1) in 0.1..0.9",
        hint="d/dp = (p - y) / (p (1 - p)) / p.size.",
        misconceptions={
            "the half for y = 0 missing": [-v * y / p / 6],
            "p - y alone, the gradient for logits": [v * (p - y) / 6],
            "the gradient of the sum": [v * (p - y) / (p * (1 - p))],
        },
    )
