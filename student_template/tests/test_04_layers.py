"""Module 04: layers."""

from __future__ import annotations

import numpy as np
from checklib import holds, raises, same, set_data


def linear(tt):
    """Return a Linear(2, 3) with weight [[1, 2, 3], [4, 5, 6]], bias [10, 20, 30]."""
    layer = tt.Linear(2, 3)
    set_data(layer.weight, [[1, 2, 3], [4, 5, 6]])
    set_data(layer.bias, [10, 20, 30])
    return layer


def test_4_3_linear_weight_is_in_by_out(tt):
    layer = tt.Linear(2, 3)
    same(layer.weight.shape, (2, 3), call="Linear(2, 3).weight.shape")
    same(layer.bias.shape, (3,), call="Linear(2, 3).bias.shape")


def test_4_4_linear_is_x_times_weight_plus_bias(tt):
    got = linear(tt)(tt.Tensor([[1, 1], [0, 1]]))
    want = tt.Tensor([[15, 27, 39], [14, 25, 36]])
    same(got, want, call="[[1, 1], [0, 1]] @ weight + bias")


def test_4_4_linear_takes_any_leading_axes(tt):
    got = linear(tt)(tt.Tensor(np.ones((4, 5, 2))))
    same(got.shape, (4, 5, 3), call="Linear(2, 3)(x).shape, x (4, 5, 2)")
    got = linear(tt)(tt.Tensor([1, 1]))
    same(got, tt.Tensor([15, 27, 39]), call="[1, 1] @ weight + bias")


def test_4_4_linear_without_bias(tt):
    layer = tt.Linear(2, 3, bias=False)
    set_data(layer.weight, [[1, 2, 3], [4, 5, 6]])
    same(layer(tt.Tensor([[1, 1]])), [[5.0, 7.0, 9.0]], call="[[1, 1]] @ weight")
    same(len(layer.parameters()), 1, call="len(Linear(2, 3, bias=False).parameters())")


def test_4_3_initial_weights_keep_the_size_of_signals(tt):
    w = tt.Linear(400, 400).weight.data
    got, call = float(w.std()), "Linear(400, 400).weight.data.std()"
    expected = "from 0.025 to 0.1, which is 0.5 to 2 times 1 / sqrt(400)"
    holds(0.025 < got < 0.1, call=call, expected=expected, got=f"{got:.3g}")


def test_4_3_the_bias_starts_small(tt):
    b, call = tt.Linear(400, 400).bias.data, "Linear(400, 400).bias.data"
    largest = float(abs(b).max())
    holds(largest <= 0.05, call=call, expected="zeros", got=f"{largest:.3g}")


def test_4_3_initial_weights_follow_the_seed_of_numpy(tt):
    np.random.seed(3)
    first = tt.Linear(2, 3).weight.data.copy()
    second = tt.Linear(2, 3).weight.data.copy()
    holds(not np.allclose(first, second), call="two Linear(2, 3)", expected="differ")
    np.random.seed(3)
    same(tt.Linear(2, 3).weight.data, first, call="Linear(2, 3), seed 3 once more")


def test_4_5_dropout_scales_what_it_keeps(tt):
    out = tt.Dropout(0.2)(tt.Tensor(np.ones((100, 100)))).data
    share, call = float((out == 0).mean()), "Dropout(0.2)(ones (100, 100))"
    holds(0.17 < share < 0.23, call=call, expected="20 % zeros", got=f"{share:.0%}")
    kept = out[out != 0]
    same(kept, np.full(kept.shape, 1.25), call=f"{call}, not zero", hint="1 / 0.8")


def test_4_5_dropout_is_off_in_evaluation(tt):
    layer, x = tt.Dropout(0.5), tt.Tensor(np.ones(50))
    layer.eval()
    same(layer(x), np.ones(50), call="Dropout(0.5)(ones 50) after eval()")
    layer.train()
    changed = not np.array_equal(layer(x).data, np.ones(50))
    holds(changed, call="Dropout(0.5)(ones 50) after train()", expected="zeros in it")


def test_4_5_the_argument_training_wins(tt):
    got = tt.Dropout(0.5)(tt.Tensor(np.ones(50)), training=False)
    same(got, np.ones(50), call="Dropout(0.5)(ones 50, training=False)")


def test_4_5_dropout_wants_a_share(tt):
    hint = "Check 0 <= p < 1 before you keep p."
    raises(ValueError, tt.Dropout, 1.5, call="Dropout(1.5)", hint=hint)
    raises(ValueError, tt.Dropout, -0.5, call="Dropout(-0.5)", hint=hint)
    zeros = float((tt.Dropout()(tt.Tensor(np.ones(500))).data == 0).mean())
    call, expected = "Dropout()(ones 500)", "about half zeros"
    holds(0.3 < zeros < 0.7, call=call, expected=expected, got=f"{zeros:.0%}")


def test_4_6_sequential_calls_its_layers_in_order(tt):
    model = tt.Sequential(linear(tt), tt.ReLU())
    call = "Sequential(Linear(2, 3), ReLU())([[-10, 0], [1, 1]])"
    want = [[0.0, 0.0, 0.0], [15.0, 27.0, 39.0]]
    same(model(tt.Tensor([[-10, 0], [1, 1]])), want, call=call)


def test_4_1_sequential_has_the_parameters_of_its_layers(tt):
    model = tt.Sequential(tt.Linear(2, 3), tt.ReLU(), tt.Linear(3, 1))
    got = [p.shape for p in model.parameters()]
    want, call = [(2, 3), (3,), (3, 1), (1,)], "shapes of the parameters"
    holds(got == want, call=call, expected=str(want), got=str(got))


def test_4_2_sequential_hands_eval_on(tt):
    model = tt.Sequential(tt.Sequential(tt.Dropout(0.5)))
    model.eval()
    got = model(tt.Tensor(np.ones(50)))
    same(got, np.ones(50), call="Sequential(Sequential(Dropout(0.5))) after eval()")
