"""Module 17: compression."""

from __future__ import annotations

import numpy as np
import pytest
from checklib import holds, raises, same, set_data


def linear(tt, weight, bias=None):
    """Return a Linear that holds these numbers."""
    layer = tt.Linear(*np.shape(weight), bias=bias is not None)
    set_data(layer.weight, weight)
    if bias is not None:
        set_data(layer.bias, bias)
    return layer


def test_17_1_sparsity_is_the_share_of_zero_weights(tt):
    big = linear(tt, [[1, 0], [2, 3], [0, 4]], bias=[0, 0])
    model = tt.Sequential(big, linear(tt, [[5], [6]]))
    same(tt.measure_sparsity(model), 0.25, call="2 of 8 weights are 0: sparsity")


def test_17_2_the_smallest_weights_become_zero(tt):
    layer = linear(tt, [[1, -4], [3, -2]], bias=[0.5, 0.5])
    tt.magnitude_prune(layer, 0.5)
    same(layer.weight, tt.Tensor([[0, -4], [3, 0]]), call="[[1, -4], [3, -2]], half")
    same(layer.bias, tt.Tensor([0.5, 0.5]), call="the bias, as it was")


def test_17_2_pruning_is_global(tt):
    small, large = linear(tt, [[1, 2]]), linear(tt, [[10], [20]])
    tt.magnitude_prune(tt.Sequential(large, small), 0.5)
    same(small.weight, [[0.0, 0.0]], call="weights [[1, 2]] beside [[10], [20]], half")
    same(large.weight, [[10.0], [20.0]], call="weights [[10], [20]], half of all")


def test_17_2_ties_do_not_take_more_than_asked_for(tt):
    layer = linear(tt, np.ones((2, 5)))
    tt.magnitude_prune(layer, 0.3)
    same(int((layer.weight.data == 0).sum()), 3, call="10 equal weights, 0.3: zeros")


def test_17_3_whole_units_become_zero(tt):
    layer = linear(tt, [[1, 3, 5], [2, 0, 5]], bias=[7, 8, 9])
    tt.structured_prune(layer, 0.67)  # int(0.67 * 3) = 2 units
    same(
        layer.weight,
        tt.Tensor([[0, 0, 5], [0, 0, 5]]),
        call="the weight: one unit left",
    )
    same(layer.bias, tt.Tensor([0, 0, 9]), call="the bias: one unit left")


@pytest.mark.parametrize("name", ["magnitude_prune", "structured_prune"])
def test_17_3_a_share_is_between_0_and_1(tt, name):
    layer = linear(tt, [[1, 2]])
    raises(ValueError, getattr(tt, name), layer, 1.5, call=f"{name}(model, 1.5)")


def test_17_4_the_largest_singular_values_stay(tt):
    u, s, vt = tt.low_rank_approximate(tt.Tensor([[3, 0, 0], [0, 4, 0]]), 0.5)
    call = "low_rank_approximate([[3, 0, 0], [0, 4, 0]], 0.5)"
    same(s, [4.0], call=f"{call}: S")
    same((u * s) @ vt, [[0.0, 0.0, 0.0], [0.0, 4.0, 0.0]], call=f"{call}: U S Vt")


def test_17_5_equal_models_have_no_distance(tt):
    model = linear(tt, [[1, 2], [3, 4]])
    loss = tt.KnowledgeDistillation(model, model, alpha=1.0)
    same(loss(tt.Tensor(np.eye(2)), [0, 1]).item(), 0.0, call="student = teacher: KL")


def test_17_5_the_temperature_divides_the_logits(tt):
    teacher, student = linear(tt, [[np.log(9), 0]]), linear(tt, [[0, 0]])
    loss = tt.KnowledgeDistillation(teacher, student, temperature=2.0, alpha=1.0)
    p = np.array([0.75, 0.25])  # softmax of log(9) / 2 and 0
    want, call = 4 * (p * np.log(2 * p)).sum(), "temperature 2, alpha 1: 4 * KL"
    same(loss(tt.Tensor([[1.0]]), [0]).item(), want, call=call, tol="reduction")


def test_17_5_the_rest_is_cross_entropy(tt):
    student = linear(tt, [[0, 0]])
    loss = tt.KnowledgeDistillation(student, student, alpha=0.25)
    got, call = loss(tt.Tensor([[1.0]]), [1]).item(), "alpha = 1/4: 3/4 * log(2)"
    same(got, 0.75 * np.log(2), call=call, tol="reduction")
    got = tt.KnowledgeDistillation(student, student)(tt.Tensor([[1.0]]), [1]).item()
    same(got, 0.5 * np.log(2), call="alpha not given: half of log(2)", tol="reduction")


def test_17_5_only_the_student_learns(tt):
    teacher, student = linear(tt, [[1, 2]]), linear(tt, [[2, 1]])
    tt.KnowledgeDistillation(teacher, student)(tt.Tensor([[1.0]]), [1]).backward()
    holds(teacher.weight.grad is None, call="teacher's grad", expected="None")
    holds(student.weight.grad is not None, call="student's grad", expected="there")
