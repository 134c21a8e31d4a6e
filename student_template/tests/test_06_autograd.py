"""Module 06: autograd. Every gradient here can be worked out by hand."""

from __future__ import annotations

import numpy as np
from checklib import gradients, holds, raises, same


def tracked(tt, data):
    return tt.Tensor(data, requires_grad=True)


def slope(tt, fn, data):
    """Return the gradient of fn(x).sum() at x = data."""
    x = tracked(tt, data)
    fn(x).sum().backward()
    return x.grad


def rng():
    return np.random.default_rng(0)


def test_6_1_every_tensor_comes_once_and_after_its_inputs(tt):
    a = tracked(tt, [1])
    b = a + a
    order = tt.autograd.topological_order(b + a)
    got = [next(i for i, t in enumerate(order) if t is x) for x in (a, b)]
    same(len(order), 3, call="b = a + a; topological_order(b + a): length")
    holds(got == [0, 1], call="... position of a, b", expected="0, 1", got=f"{got}")


def test_6_1_long_chains_do_not_recurse(tt):
    x = y = tracked(tt, [1])
    for _ in range(5000):
        y = y + 1
    y.backward()
    same(x.grad, [1.0], call="y = y + 1, 5000 times; y.backward(); x.grad")


def test_6_2_a_tensor_used_twice_gets_both_gradients(tt):
    got = slope(tt, lambda x: x * 3 + x * x, [2, 5])
    hint = "3 + 2 x: what arrives is added to what is there."
    same(got, [7.0, 13.0], call="(x * 3 + x * x).sum().backward()", hint=hint)


def test_6_2_paths_of_different_length_meet(tt):
    x = tracked(tt, [2])
    y = x * x
    (y * x + y).backward()
    hint = "3 x^2 + 2 x. A node passes on its gradient once it is complete."
    same(x.grad, [16.0], call="y = x * x; (y * x + y).backward()", hint=hint)


def test_6_2_backward_accumulates(tt):
    x = tracked(tt, [1, 2])
    (x * 3).sum().backward()
    (x * 4).sum().backward()
    same(x.grad, [7.0, 7.0], call="(x * 3).sum().backward(); (x * 4).sum().backward()")


def test_6_2_backward_wants_one_entry_or_a_gradient(tt):
    y = tracked(tt, [1, 2]) * 3
    raises(ValueError, y.backward, call="y.backward(), y (2,)")


def test_6_2_backward_wants_tracking(tt):
    y = tt.Tensor([1]) * 3
    raises(RuntimeError, y.backward, call="Tensor([1]) * 3: backward()")


def test_6_2_backward_takes_a_gradient(tt):
    x = tracked(tt, [1, 2])
    (x * 3).backward(np.array([1, 10], dtype=np.float32))
    same(x.grad, [3.0, 30.0], call="(x * 3).backward([1, 10])")


def test_6_3_zero_grad_forgets(tt):
    x = tracked(tt, [1, 2])
    (x * 3).sum().backward()
    x.zero_grad()
    (x * 4).sum().backward()
    same(x.grad, [4.0, 4.0], call="x.zero_grad(); (x * 4).sum().backward()")


def test_6_4_no_grad_tracks_nothing(tt):
    x = tracked(tt, [1])
    with tt.no_grad():
        inside = x * 2
    call = "with no_grad(): y = x * 2; y.requires_grad"
    holds(inside.requires_grad is False, call=call, expected="False", got="True")
    same(slope(tt, lambda t: t * 2, [1]), [2.0], call="afterwards: (x * 2).backward()")


def test_6_4_no_grad_may_be_nested(tt):
    x = tracked(tt, [1])
    with tt.no_grad():
        with tt.no_grad():
            pass
        inside = x * 2
    call = "no_grad() inside no_grad(), then y = x * 2; y.requires_grad"
    holds(inside.requires_grad is False, call=call, expected="False", got="True")


def test_6_5_a_row_that_was_broadcast_gets_the_sum(tt):
    a, row = tt.Tensor([[1, 2], [3, 4], [5, 6]]), tracked(tt, [10, 20])
    (a * row).sum().backward()
    same(row.grad, [9.0, 12.0], call="(a (3, 2) * row (2,)).sum().backward()")


def test_6_5_a_column_that_was_broadcast_gets_the_sum(tt):
    a, column = tt.Tensor([[1, 2], [3, 4]]), tracked(tt, [[10], [20]])
    (a * column).sum().backward()
    same(
        column.grad, [[3.0], [7.0]], call="(a (2, 2) * column (2, 1)).sum().backward()"
    )


def test_6_6_sum_and_difference(tt):
    a, b = tracked(tt, [1, 2]), tracked(tt, [3, 4])
    (a - b + a).sum().backward()
    same(a.grad, [2.0, 2.0], call="(a - b + a).sum().backward(); a.grad")
    same(b.grad, [-1.0, -1.0], call="(a - b + a).sum().backward(); b.grad")


def test_6_6_sign(tt):
    same(slope(tt, lambda x: -x, [1, 2]), [-1.0, -1.0], call="(-x).sum().backward()")


def test_6_7_product(tt):
    a, b = tracked(tt, [1, 2]), tracked(tt, [3, 4])
    (a * b).sum().backward()
    same(a.grad, [3.0, 4.0], call="(a * b).sum().backward(); a.grad", hint="b")
    same(b.grad, [1.0, 2.0], call="(a * b).sum().backward(); b.grad", hint="a")


def test_6_7_quotient(tt):
    a, b = tracked(tt, [6]), tracked(tt, [2])
    (a / b).backward()
    same(a.grad, [0.5], call="(6 / 2).backward(); a.grad", hint="1 / b")
    same(b.grad, [-1.5], call="(6 / 2).backward(); b.grad", hint="-a / b^2")


def test_6_7_power(tt):
    got = slope(tt, lambda x: x**3, [1, 2])
    same(got, [3.0, 12.0], call="(x ** 3).sum().backward()", hint="3 x^2")


def test_6_8_matmul(tt):
    a, b = tracked(tt, [[1, 2]]), tracked(tt, [[3, 4], [5, 6]])
    (a @ b).sum().backward()
    same(a.grad, [[7.0, 11.0]], call="(a @ b).sum().backward(); a.grad", hint="g b^T")
    want = [[1.0, 1.0], [2.0, 2.0]]
    same(b.grad, want, call="(a @ b).sum().backward(); b.grad", hint="a^T g")


def test_6_8_matmul_of_a_batch(tt):
    inputs = [rng().normal(size=(4, 2, 3)), rng().normal(size=(3, 2))]
    call = "(a @ b).backward(g), a (4, 2, 3), b (3, 2)"
    gradients(tt, lambda a, b: a @ b, np.matmul, inputs, rng(), call=call)


def test_6_9_reshape_and_transpose(tt):
    row = tt.Tensor([[1, 2, 3, 4]])
    got = slope(tt, lambda x: x.reshape(1, 4) * row, [[0, 0], [0, 0]])
    same(got, [[1.0, 2.0], [3.0, 4.0]], call="x (2, 2): (x.reshape(1, 4) * row)")
    square = tt.Tensor([[1, 2], [3, 4]])
    got = slope(tt, lambda x: x.transpose() * square, [[0, 0], [0, 0]])
    same(got, [[1.0, 3.0], [2.0, 4.0]], call="x (2, 2): (x.transpose() * square)")


def test_6_9_getitem_fills_the_rest_with_zeros(tt):
    got = slope(tt, lambda x: x[1:] * 5, [1, 2, 3])
    same(got, [0.0, 5.0, 5.0], call="(x[1:] * 5).sum().backward(), x (3,)")


def test_6_9_getitem_counts_repeats(tt):
    got = slope(tt, lambda x: x[[0, 0, 2]], [1, 2, 3])
    same(got, [2.0, 0.0, 1.0], call="x[[0, 0, 2]].sum().backward(), x (3,)")


def test_6_9_cat_cuts_the_gradient(tt):
    a, b = tracked(tt, [1]), tracked(tt, [2, 3])
    (tt.Tensor.cat([a, b]) * tt.Tensor([1, 10, 100])).sum().backward()
    same(a.grad, [1.0], call="(cat([a, b]) * [1, 10, 100]).sum().backward(); a.grad")
    same(b.grad, [10.0, 100.0], call="... b.grad")


def test_6_10_sum_and_mean_along_an_axis(tt):
    row, data = tt.Tensor([2, 4]), [[1, 1], [1, 1]]
    got = slope(tt, lambda x: x.sum(axis=0) * row, data)
    same(got, [[2.0, 4.0], [2.0, 4.0]], call="(x.sum(axis=0) * [2, 4]), x (2, 2)")
    got = slope(tt, lambda x: x.mean(axis=0) * row, data)
    same(got, [[1.0, 2.0], [1.0, 2.0]], call="(x.mean(axis=0) * [2, 4]), x (2, 2)")


def test_6_10_max_passes_to_the_largest(tt):
    got = slope(tt, lambda x: x.max(axis=1), [[1, 5], [7, 2]])
    same(got, [[0.0, 1.0], [1.0, 0.0]], call="x.max(axis=1).sum(), x [[1, 5], [7, 2]]")


def test_6_11_exp_log_and_sqrt(tt):
    same(slope(tt, lambda x: x.exp(), [0]), [1.0], call="x.exp() at 0")
    same(slope(tt, lambda x: x.log(), [4]), [0.25], call="x.log() at 4")
    same(slope(tt, lambda x: x.sqrt(), [4]), [0.25], call="x.sqrt() at 4")


def test_6_12_sigmoid_relu_and_tanh(tt):
    same(
        slope(tt, tt.Sigmoid(), [0]), [0.25], call="Sigmoid()(x) at 0", hint="s (1 - s)"
    )
    same(slope(tt, tt.ReLU(), [-1, 2]), [0.0, 1.0], call="ReLU()(x) at -1 and 2")
    same(slope(tt, tt.Tanh(), [0]), [1.0], call="Tanh()(x) at 0", hint="1 - t^2")


def test_6_12_gelu(tt):
    call = "GELU()(x) at 0"
    same(slope(tt, tt.GELU(), [0]), [0.5], call=call, hint="s + x s', s(0) = 1/2")


def test_6_12_softmax(tt):
    row = tt.Tensor([4, 0])
    got = slope(tt, lambda x: tt.Softmax()(x) * row, [0, 0])
    hint = "s (g - sum(g s)): s is 1/2, sum(g s) is 2."
    same(got, [1.0, -1.0], call="(Softmax()(x) * [4, 0]).sum(), x [0, 0]", hint=hint)


def test_6_13_dropout_passes_where_the_entry_passed(tt):
    x = tracked(tt, np.ones(100))
    y = tt.Dropout(0.5)(x, training=True)
    y.sum().backward()
    same(x.grad, y.data, call="Dropout(0.5)(ones).sum().backward()", hint="0 or 2")


def test_6_14_log_softmax(tt):
    row = tt.Tensor([4, 0])
    got = slope(tt, lambda x: tt.log_softmax(x) * row, [0, 0])
    hint = "g - softmax(x) * sum(g): 4 - 2 and 0 - 2."
    same(got, [2.0, -2.0], call="(log_softmax(x) * [4, 0]).sum(), x [0, 0]", hint=hint)


def test_6_14_mse(tt):
    got = slope(tt, lambda p: tt.MSELoss()(p, tt.Tensor([1, 2])), [3, 2])
    hint = "2 (p - y) / 2 entries"
    same(got, [2.0, 0.0], call="MSELoss()([3, 2], [1, 2]).backward()", hint=hint)


def test_6_14_cross_entropy(tt):
    data = [[0, 0], [0, 0]]
    got = slope(tt, lambda z: tt.CrossEntropyLoss()(z, tt.Tensor([0, 1])), data)
    want = [[-0.25, 0.25], [0.25, -0.25]]
    call = "CrossEntropyLoss()(zeros (2, 2), [0, 1]).backward()"
    same(got, want, call=call, hint="(softmax - one-hot) / 2 rows")


def test_6_14_bce(tt):
    loss = tt.BinaryCrossEntropyLoss()
    got = slope(tt, lambda p: loss(p, tt.Tensor([1, 0])), [0.5, 0.5])
    call = "BinaryCrossEntropyLoss()([0.5, 0.5], [1, 0]).backward()"
    same(got, [-1.0, 1.0], call=call, hint="(p - y) / (p (1 - p)) / 2 entries")


def test_6_14_targets_may_be_tracked(tt):
    p, y = (tt.Tensor([x], requires_grad=True) for x in (3.0, 1.0))
    tt.MSELoss()(p, y).backward()
    hint = "A gradient may be None, also for a tensor with requires_grad."
    same(p.grad, [4.0], call="MSELoss()([3], [1]).backward(); p.grad", hint=hint)
