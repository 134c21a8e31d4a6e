"""Module 03: activations, forward only."""

from __future__ import annotations

import numpy as np
import pytest
from checklib import holds, same

NAMES = ["Sigmoid", "ReLU", "Tanh", "GELU", "Softmax"]


def test_3_1_sigmoid(tt):
    got = tt.Sigmoid()(tt.Tensor([0, np.log(3), -np.log(3)]))
    same(got, tt.Tensor([0.5, 0.75, 0.25]), call="Sigmoid()([0, log 3, -log 3])")


def test_3_1_sigmoid_is_finite_far_out(tt):
    got = tt.Sigmoid()(tt.Tensor([-1e4, 1e4]))
    hint = "exp(1e4) overflows float32: let exp see -|x| only."
    same(got, [0.0, 1.0], call="Sigmoid()([-1e4, 1e4])", hint=hint)


def test_3_2_relu(tt):
    got = tt.ReLU()(tt.Tensor([-2, 0, 3]))
    same(got, tt.Tensor([0, 0, 3]), call="ReLU()([-2, 0, 3])")


def test_3_2_relu_leaves_its_input_alone(tt):
    x = tt.Tensor([-2, 0, 3])
    tt.ReLU()(x)
    same(x, [-2.0, 0.0, 3.0], call="x after ReLU()(x)", hint="Make a new array.")


def test_3_3_tanh(tt):
    got = tt.Tanh()(tt.Tensor([0, np.log(2), -np.log(2)]))
    same(got, tt.Tensor([0, 0.6, -0.6]), call="Tanh()([0, log 2, -log 2])")


def test_3_3_tanh_is_finite_far_out(tt):
    got = tt.Tanh()(tt.Tensor([-1e4, 1e4]))
    same(got, [-1.0, 1.0], call="Tanh()([-1e4, 1e4])")


def test_3_4_gelu(tt):
    got = tt.GELU()(tt.Tensor([-1, 0, 1]))
    same(got, [-0.1587, 0.0, 0.8413], call="GELU()([-1, 0, 1])", tol="gelu")


def test_3_4_gelu_is_finite_far_out(tt):
    got = tt.GELU()(tt.Tensor([-1e4, 1e4]))
    same(got, [0.0, 1e4], call="GELU()([-1e4, 1e4])", tol="gelu")


def test_3_5_softmax_makes_rows_sum_to_one(tt):
    got = tt.Softmax()(tt.Tensor([[0, np.log(3)], [5, 5]]))
    call = "Softmax()([[0, log 3], [5, 5]])"
    same(got, tt.Tensor([[0.25, 0.75], [0.5, 0.5]]), call=call)


def test_3_5_softmax_along_another_axis(tt):
    got = tt.Softmax()(tt.Tensor([[0, 5], [np.log(3), 5]]), dim=0)
    call = "Softmax()([[0, 5], [log 3, 5]], dim=0)"
    same(got, [[0.25, 0.5], [0.75, 0.5]], call=call)


def test_3_5_softmax_survives_large_numbers(tt):
    got = tt.Softmax()(tt.Tensor([1000, 1001]))
    hint = "exp(1001) overflows float32. Subtract the row's maximum first."
    same(got, [0.268941, 0.731059], call="Softmax()([1000, 1001])", hint=hint)


@pytest.mark.parametrize("name", NAMES)
def test_3_1_to_3_5_a_call_is_forward(tt, name):
    activation, x = getattr(tt, name)(), tt.Tensor([[-1, 2], [3, -4]])
    want = activation(x).data
    same(activation.forward(x), want, call=f"{name}().forward(x)", tol="exact")


@pytest.mark.parametrize("name", NAMES)
def test_3_1_to_3_5_nothing_to_learn(tt, name):
    activation = getattr(tt, name)()
    activation(tt.Tensor([1, -1]))
    got = activation.parameters()
    holds(got == [], call=f"{name}().parameters()", expected="[]", got=got)
