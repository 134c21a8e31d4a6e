"""The machinery: cost, depth, accumulation, tracking."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import numpy as np
import pytest


def counted(tt: ModuleType, x: Any, calls: list[int]) -> Any:
    """Return x as the result of an operation that counts calls of its gradient."""

    def backward(grad: Any) -> Any:
        calls.append(1)
        return (grad,)

    return tt.Tensor._from_op(x.data, (x,), backward)


def test_chain_of_ten_thousand_operations_does_not_recurse(tt: ModuleType) -> None:
    x = tt.Tensor([1.0], requires_grad=True)
    y = x
    for _ in range(10_000):
        y = y + 1

    y.backward()
    del y

    assert x.grad.tolist() == [1.0]


def test_each_operation_runs_once_in_a_tower_of_diamonds(tt: ModuleType) -> None:
    """2 ** 40 paths lead from top to bottom; 40 operations lie on them."""
    calls: list[int] = []
    x = tt.Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(40):
        y = counted(tt, y, calls)
        y = y + y

    y.backward()

    assert len(calls) == 40
    assert x.grad == 2.0**40


def test_order_lists_inputs_before_results(tt: ModuleType) -> None:
    a, b = tt.Tensor(1.0, requires_grad=True), tt.Tensor(2.0)
    c = a * b
    d = c + a
    order = tt.autograd.topological_order(d)

    assert [id(t) for t in order] == [id(a), id(c), id(d)]


def test_gradients_accumulate_in_place(tt: ModuleType) -> None:
    w = tt.Tensor([1.0, 2.0], requires_grad=True)
    (w * w).sum().backward()
    first = w.grad

    (w * 3).sum().backward()

    assert w.grad is first
    assert w.grad.tolist() == [5.0, 7.0]


def test_accumulation_touches_no_other_gradient(tt: ModuleType) -> None:
    """`a + b` hands one array to both; adding to one must not change the other."""
    a = tt.Tensor([1.0], requires_grad=True)
    b = tt.Tensor([1.0], requires_grad=True)
    (a + b).backward()

    (a * 5).backward()

    assert a.grad.tolist() == [6.0]
    assert b.grad.tolist() == [1.0]


def test_the_gradient_given_is_copied(tt: ModuleType) -> None:
    w = tt.Tensor([1.0, 2.0], requires_grad=True)
    given = np.ones(2, dtype=np.float32)
    w.backward(given)
    given[:] = 9

    assert w.grad.tolist() == [1.0, 1.0]


def test_second_backward_of_one_graph_adds_again(tt: ModuleType) -> None:
    w = tt.Tensor(3.0, requires_grad=True)
    y = w * w
    y.backward()
    y.backward()

    assert w.grad == 12.0


def test_zero_grad_forgets(tt: ModuleType) -> None:
    w = tt.Tensor(3.0, requires_grad=True)
    (w * w).backward()
    w.zero_grad()

    assert w.grad is None


@pytest.mark.parametrize(
    ("wide", "shape"),
    [
        ((2, 3), (3,)),
        ((2, 3), (2, 1)),
        ((2, 3), (1, 1)),
        ((2, 3), ()),
        ((4, 2, 3), (2, 1)),
        ((2, 1), (2, 1)),
        ((0, 3), (3,)),
    ],
    ids=str,
)
def test_unbroadcast_sums_over_stretched_axes(
    tt: ModuleType, wide: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    got = tt.autograd.unbroadcast(np.ones(wide, dtype=np.float32), shape)

    assert got.shape == shape
    assert got.dtype == np.float32
    assert (got == math.prod(wide) / math.prod(shape)).all()


def test_no_grad_is_undone_after_an_error_and_when_nested(tt: ModuleType) -> None:
    w = tt.Tensor(1.0, requires_grad=True)
    tracked = []

    with tt.no_grad():
        with pytest.raises(ZeroDivisionError), tt.no_grad():
            raise ZeroDivisionError
        tracked.append((w * 2).requires_grad)
    tracked.append((w * 2).requires_grad)

    assert tracked == [False, True]


def test_untracked_results_hold_no_inputs(tt: ModuleType) -> None:
    w = tt.Tensor(1.0, requires_grad=True)
    with tt.no_grad():
        y = w * 2

    assert y._inputs == ()
    assert (tt.Tensor(1.0) * 2)._inputs == ()


def test_inputs_without_tracking_get_no_gradient(tt: ModuleType) -> None:
    x, w = tt.Tensor([[1.0, 2.0]]), tt.Tensor([[1.0], [1.0]], requires_grad=True)
    (x @ w).backward()

    assert x.grad is None
    assert w.grad.tolist() == [[1.0], [2.0]]


def test_backward_without_tracking_is_an_error(tt: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="does not track"):
        tt.Tensor(1.0).backward()


def test_backward_of_many_entries_needs_a_gradient(tt: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        tt.Tensor(np.ones((2, 3)), requires_grad=True).backward()


def test_backward_names_both_shapes(tt: ModuleType) -> None:
    w = tt.Tensor(np.ones((2, 3)), requires_grad=True)

    with pytest.raises(ValueError, match=r"\(3,\).*\(2, 3\)"):
        w.backward(np.ones(3))


def test_one_entry_of_any_shape_counts_as_scalar(tt: ModuleType) -> None:
    w = tt.Tensor([[2.0]], requires_grad=True)
    (w * w).backward()

    assert w.grad.tolist() == [[4.0]]


def test_operation_without_gradient_says_so(tt: ModuleType) -> None:
    def double(x: Any) -> Any:
        return tt.Tensor._from_op(2 * x.data, (x,))

    y = double(tt.Tensor(1.0, requires_grad=True))

    with pytest.raises(NotImplementedError, match=r"TODO module 06: .*double"):
        y.backward()
