"""Module 05: losses."""

from __future__ import annotations

import numpy as np
from checklib import holds, raises, same


def test_5_1_log_softmax(tt):
    got = tt.log_softmax(tt.Tensor([[0, np.log(3)]]))
    want = tt.Tensor([[np.log(0.25), np.log(0.75)]])
    same(got, want, call="log_softmax([[0, log 3]])")


def test_5_1_log_softmax_along_another_axis(tt):
    got = tt.log_softmax(tt.Tensor([[0, 5], [np.log(3), 5]]), dim=0)
    want = np.log([[0.25, 0.5], [0.75, 0.5]])
    same(got, want, call="log_softmax([[0, 5], [log 3, 5]], dim=0)")


def test_5_1_log_softmax_is_exact_far_out(tt):
    got = tt.log_softmax(tt.Tensor([1000, -1000]))
    hint = "The softmax of -1000 is 0 in float32; never take its logarithm."
    same(got, [0.0, -2000.0], call="log_softmax([1000, -1000])", hint=hint)


def test_5_2_mse_is_the_mean_of_squares(tt):
    got = tt.MSELoss()(tt.Tensor([[1, 2], [3, 4]]), tt.Tensor([[1, 2], [3, 8]]))
    call = "MSELoss()([[1, 2], [3, 4]], [[1, 2], [3, 8]])"
    same(got, tt.Tensor(4), call=call, hint="16 / 4 entries")


def test_5_2_mse_wants_equal_shapes(tt):
    p, t = tt.Tensor([[1], [2]]), tt.Tensor([1, 2])
    call = "MSELoss()(p (2, 1), t (2,))"
    raises(ValueError, tt.MSELoss(), p, t, call=call, hint="These would broadcast.")


def test_5_3_cross_entropy_is_the_mean_over_samples(tt):
    logits = tt.Tensor([[0, np.log(3)], [0, 0]])
    got = tt.CrossEntropyLoss()(logits, tt.Tensor([0, 1]))
    call = "CrossEntropyLoss()([[0, log 3], [0, 0]], [0, 1])"
    want = (np.log(4) + np.log(2)) / 2
    same(got, tt.Tensor(want), call=call, hint="(log 4 + log 2) / 2")


def test_5_3_cross_entropy_is_stable(tt):
    got = tt.CrossEntropyLoss()(tt.Tensor([[1000, -1000]]), tt.Tensor([1]))
    call = "CrossEntropyLoss()([[1000, -1000]], [1])"
    same(got, 2000.0, call=call, hint="Build it on log_softmax.")


def test_5_4_bce_counts_both_halves(tt):
    got = tt.BinaryCrossEntropyLoss()(tt.Tensor([0.5, 0.25]), tt.Tensor([1, 0]))
    call = "BinaryCrossEntropyLoss()([0.5, 0.25], [1, 0])"
    want = -(np.log(0.5) + np.log(0.75)) / 2
    same(got, tt.Tensor(want), call=call, hint="-(log 0.5 + log 0.75) / 2")


def test_5_4_bce_clips_probabilities(tt):
    got = tt.BinaryCrossEntropyLoss()(tt.Tensor([0, 1]), tt.Tensor([1, 0])).data
    call = "BinaryCrossEntropyLoss()([0, 1], [1, 0])"
    fine = bool(np.isfinite(got)) and got > 10
    holds(fine, call=call, expected="a large but finite number", got=f"{got}")


def test_5_4_bce_wants_equal_shapes(tt):
    p, t = tt.Tensor([[0.5], [0.5]]), tt.Tensor([1, 0])
    call = "BinaryCrossEntropyLoss()(p (2, 1), t (2,))"
    raises(ValueError, tt.BinaryCrossEntropyLoss(), p, t, call=call)
