"""Module 02: the Tensor. Every number here can be checked by hand."""

from __future__ import annotations

import numpy as np
from checklib import holds, raises, same

BASICS = "self.data is np.array(data, dtype=np.float32)."


def test_2_1_data_becomes_float32(tt):
    t = tt.Tensor([[1, 2], [3, 4]])
    same(t, [[1.0, 2.0], [3.0, 4.0]], call="Tensor([[1, 2], [3, 4]])", hint=BASICS)


def test_2_1_data_is_copied_in(tt):
    x = np.ones(2, dtype=np.float32)
    t = tt.Tensor(x)
    x[0] = 9
    same(t, [1.0, 1.0], call="t = Tensor(x); x[0] = 9; t", hint=BASICS)


def test_2_1_shape_size_and_ndim(tt):
    t = tt.Tensor([[1, 2, 3], [4, 5, 6]])
    same(t.shape, (2, 3), call="Tensor([[1, 2, 3], [4, 5, 6]]).shape")
    same(t.size, 6, call="Tensor([[1, 2, 3], [4, 5, 6]]).size")
    same(t.ndim, 2, call="Tensor([[1, 2, 3], [4, 5, 6]]).ndim")


def test_2_1_gradients_are_off_by_default(tt):
    t = tt.Tensor([1.0])
    holds(
        t.requires_grad is False, call="Tensor([1.0]).requires_grad", expected="False"
    )
    holds(t.grad is None, call="Tensor([1.0]).grad", expected="None")


def test_2_2_add_goes_entry_by_entry(tt):
    got = tt.Tensor([1, 2]) + tt.Tensor([10, 20])
    same(got, tt.Tensor([11, 22]), call="Tensor([1, 2]) + Tensor([10, 20])")


def test_2_2_add_broadcasts(tt):
    got = tt.Tensor([[1, 2], [3, 4]]) + tt.Tensor([10, 20])
    want = [[11.0, 22.0], [13.0, 24.0]]
    same(got, want, call="Tensor([[1, 2], [3, 4]]) + Tensor([10, 20])")


def test_2_2_add_takes_numbers_on_either_side(tt):
    same(tt.Tensor([1, 2]) + 3, [4.0, 5.0], call="Tensor([1, 2]) + 3")
    hint = "Python tries __radd__ when the left side is a number."
    same(3 + tt.Tensor([1, 2]), [4.0, 5.0], call="3 + Tensor([1, 2])", hint=hint)


def test_2_2_add_takes_lists_and_arrays(tt):
    numbers = [3, 4]
    got = tt.Tensor([1, 2]) + numbers
    same(got, [4.0, 6.0], call="Tensor([1, 2]) + [3, 4]")
    got = tt.Tensor([1, 2]) + np.array(numbers)
    same(got, [4.0, 6.0], call="Tensor([1, 2]) + np.array([3, 4])")


def test_2_2_add_names_both_shapes(tt):
    a, b = tt.Tensor([[1, 2, 3]]), tt.Tensor([1, 2])
    call = "Tensor([[1, 2, 3]]) + Tensor([1, 2])"
    raises(ValueError, lambda: a + b, call=call, mentions=[(1, 3), (2,)])


def test_2_2_add_leaves_its_operands_alone(tt):
    a = tt.Tensor([1, 2])
    _ = a + tt.Tensor([10, 20])
    same(a, [1.0, 2.0], call="a after a + b", hint="`+=` writes into the array.")


def test_2_2_subtract(tt):
    same(tt.Tensor([5, 7]) - tt.Tensor([1, 2]), [4.0, 5.0], call="[5, 7] - [1, 2]")
    same(10 - tt.Tensor([1, 2]), [9.0, 8.0], call="10 - Tensor([1, 2])")


def test_2_2_multiply(tt):
    same(tt.Tensor([2, 3]) * tt.Tensor([4, 5]), [8.0, 15.0], call="[2, 3] * [4, 5]")
    same(2 * tt.Tensor([4, 5]), [8.0, 10.0], call="2 * Tensor([4, 5])")


def test_2_2_divide(tt):
    same(tt.Tensor([8, 9]) / tt.Tensor([2, 3]), [4.0, 3.0], call="[8, 9] / [2, 3]")
    same(8 / tt.Tensor([2, 4]), [4.0, 2.0], call="8 / Tensor([2, 4])")


def test_2_3_power(tt):
    same(tt.Tensor([2, 3]) ** 2, [4.0, 9.0], call="Tensor([2, 3]) ** 2")
    same(tt.Tensor([4, 9]) ** 0.5, [2.0, 3.0], call="Tensor([4, 9]) ** 0.5")


def test_2_3_minus(tt):
    same(-tt.Tensor([1, -2]), [-1.0, 2.0], call="-Tensor([1, -2])")


def test_2_4_matmul_sums_over_the_inner_axis(tt):
    got = tt.Tensor([[1, 2]]).matmul(tt.Tensor([[3], [4]]))
    call = "Tensor([[1, 2]]).matmul(Tensor([[3], [4]]))"
    hint = "`*` multiplies entry by entry; matmul also sums over k."
    same(got, tt.Tensor([[11]]), call=call, hint=hint)


def test_2_4_matmul_keeps_the_order_of_its_operands(tt):
    a, b = [[1, 2], [3, 4]], [[0, 1], [0, 0]]
    call = f"Tensor({a}) @ Tensor({b})"
    same(tt.Tensor(a) @ tt.Tensor(b), [[0.0, 1.0], [0.0, 3.0]], call=call)


def test_2_4_matmul_of_batches(tt):
    a, b = np.ones((5, 2, 3)), np.ones((3, 4))
    call = "Tensor(ones (5, 2, 3)).matmul(Tensor(ones (3, 4)))"
    same(tt.Tensor(a).matmul(tt.Tensor(b)), np.full((5, 2, 4), 3.0), call=call)


def test_2_4_matmul_wants_a_tensor(tt):
    call = "Tensor([[1, 2]]).matmul([[3], [4]])"
    raises(TypeError, tt.Tensor([[1, 2]]).matmul, [[3], [4]], call=call)


def test_2_4_matmul_names_both_shapes(tt):
    a, b = tt.Tensor([[1, 2]]), tt.Tensor([[1, 2, 3]])
    call = "Tensor([[1, 2]]).matmul(Tensor([[1, 2, 3]]))"
    raises(ValueError, a.matmul, b, call=call, mentions=[(1, 2), (1, 3)])


def test_2_5_reshape(tt):
    t = tt.Tensor([1, 2, 3, 4, 5, 6])
    same(t.reshape(2, 3), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], call="reshape(2, 3)")
    same(t.reshape(3, -1), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], call="reshape(3, -1)")


def test_2_5_reshape_names_both_shapes(tt):
    t = tt.Tensor([1, 2, 3, 4, 5, 6])
    call = "Tensor([1, 2, 3, 4, 5, 6]).reshape(4, 2)"
    raises(ValueError, t.reshape, 4, 2, call=call, mentions=[(6,), (4, 2)])


def test_2_6_transpose_swaps_the_last_two_axes(tt):
    t = tt.Tensor([[[1, 2, 3], [4, 5, 6]]])
    want = [[[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]]
    same(t.transpose(), want, call="Tensor([[[1, 2, 3], [4, 5, 6]]]).transpose()")


def test_2_6_transpose_swaps_two_given_axes(tt):
    t = tt.Tensor([[[1, 2, 3], [4, 5, 6]]])
    want = [[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]
    same(t.transpose(0, 1), want, call="Tensor([[[1, 2, 3], ...]]).transpose(0, 1)")


def test_2_6_transpose_leaves_a_vector_as_it_is(tt):
    same(tt.Tensor([1, 2]).transpose(), [1.0, 2.0], call="Tensor([1, 2]).transpose()")


def test_2_7_sum(tt):
    t = tt.Tensor([[1, 2], [3, 5]])
    same(t.sum(), tt.Tensor(11), call="Tensor([[1, 2], [3, 5]]).sum()")
    same(t.sum(axis=0), [4.0, 7.0], call="Tensor([[1, 2], [3, 5]]).sum(axis=0)")
    got = t.sum(axis=1, keepdims=True)
    same(got, [[3.0], [8.0]], call="[[1, 2], [3, 5]]: sum(axis=1, keepdims=True)")


def test_2_7_mean(tt):
    t = tt.Tensor([[1, 2], [3, 6]])
    same(t.mean(), tt.Tensor(3), call="Tensor([[1, 2], [3, 6]]).mean()")
    same(t.mean(axis=1), [1.5, 4.5], call="Tensor([[1, 2], [3, 6]]).mean(axis=1)")


def test_2_7_max(tt):
    t = tt.Tensor([[-4, -2], [-3, -6]])
    same(t.max(), tt.Tensor(-2), call="Tensor([[-4, -2], [-3, -6]]).max()")
    same(t.max(axis=1), [-2.0, -3.0], call="Tensor([[-4, -2], [-3, -6]]).max(axis=1)")


def test_2_8_exp_log_sqrt(tt):
    same(tt.Tensor([0, 1]).exp(), [1.0, 2.7182818], call="Tensor([0, 1]).exp()")
    same(tt.Tensor([1, 10]).log(), [0.0, 2.3025851], call="Tensor([1, 10]).log()")
    same(tt.Tensor([4, 9]).sqrt(), [2.0, 3.0], call="Tensor([4, 9]).sqrt()")


def test_2_9_indexing(tt):
    t = tt.Tensor([[1, 2], [3, 4]])
    same(t[1], tt.Tensor([3, 4]), call="Tensor([[1, 2], [3, 4]])[1]")
    same(t[:, 0], [1.0, 3.0], call="Tensor([[1, 2], [3, 4]])[:, 0]")


def test_2_9_item_and_numpy(tt):
    got = tt.Tensor([2.5]).item()
    holds(isinstance(got, float), call="Tensor([2.5]).item()", expected="a float")
    same(got, 2.5, call="Tensor([2.5]).item()")
    same(tt.Tensor([1, 2]).numpy(), np.array([1.0, 2.0]), call="Tensor([1, 2]).numpy()")


def test_2_10_cat_joins_along_an_axis(tt):
    a, b = tt.Tensor([[1, 2]]), tt.Tensor([[3, 4]])
    call = "Tensor.cat([Tensor([[1, 2]]), Tensor([[3, 4]])], axis)"
    same(tt.Tensor.cat([a, b], 0), [[1.0, 2.0], [3.0, 4.0]], call=f"{call}, axis 0")
    same(tt.Tensor.cat([a, b]), [[1.0, 2.0], [3.0, 4.0]], call=f"{call}, no axis")
    same(tt.Tensor.cat([a, b], 1), [[1.0, 2.0, 3.0, 4.0]], call=f"{call}, axis 1")
