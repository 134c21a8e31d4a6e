"""Module 07: optimizers. Every number here can be checked by hand."""

from __future__ import annotations

from checklib import holds, raises, same


def stepped(tt, optimizer, p, grads):
    """Return p after one step a gradient."""
    for g in grads:
        p.zero_grad()
        (p * tt.Tensor(g)).sum().backward()
        optimizer.step()
    return p


def parameter(tt, data):
    return tt.Tensor(data, requires_grad=True)


def test_7_1_sgd_steps_downhill(tt):
    p = parameter(tt, [1, 2])
    got = stepped(tt, tt.SGD([p], lr=0.5), p, [[2, -4]])
    call = "p = [1, 2], grad [2, -4]: SGD([p], lr=0.5).step()"
    same(got, tt.Tensor([0, 4]), call=call, hint="data - lr * grad")


def test_7_1_the_learning_rate_has_a_default(tt):
    p = parameter(tt, [1])
    got = stepped(tt, tt.SGD([p]), p, [[2]])
    call = "p = [1], grad [2]: SGD([p]).step()"
    same(got, tt.Tensor([0.98]), call=call, hint="lr is 0.01 unless given")


def test_7_1_sgd_momentum(tt):
    p = parameter(tt, [0])
    got = stepped(tt, tt.SGD([p], lr=1, momentum=0.5), p, [[1], [1], [1]])
    hint = "v is 1, 1.5, 1.75; p is -1, -2.5, -4.25."
    call = "p = [0], grad [1], 3 steps of SGD(lr=1, momentum=0.5)"
    same(got, tt.Tensor([-4.25]), call=call, hint=hint)


def test_7_1_sgd_weight_decay(tt):
    p = parameter(tt, [2])
    got = stepped(tt, tt.SGD([p], lr=0.5, weight_decay=1), p, [[1]])
    call = "p = [2], grad [1]: SGD([p], lr=0.5, weight_decay=1).step()"
    same(got, tt.Tensor([0.5]), call=call, hint="g = 1 + 1 * 2")


def test_7_1_a_parameter_without_gradient_is_skipped(tt):
    p = parameter(tt, [2])
    tt.SGD([p], lr=0.5, weight_decay=1).step()
    same(p, tt.Tensor([2]), call="p = [2], grad None: SGD([p]).step()")


def test_7_1_step_leaves_the_gradient(tt):
    p = parameter(tt, [2])
    stepped(tt, tt.SGD([p], lr=0.5, weight_decay=1), p, [[1]])
    hint = "`g += ...` writes into p.grad."
    same(p.grad, [1.0], call="SGD([p], weight_decay=1).step(); p.grad", hint=hint)


def test_7_1_parameters_must_track_gradients(tt):
    call = "SGD([p]), p without requires_grad"
    raises(ValueError, tt.SGD, [tt.Tensor([1])], call=call)


def test_7_1_zero_grad_clears(tt):
    p = parameter(tt, [2])
    p.sum().backward()
    tt.SGD([p]).zero_grad()
    clear = p.grad is None or not p.grad.any()
    holds(clear, call="SGD([p]).zero_grad(); p.grad", expected="None or zeros")


def test_7_2_adam_steps_by_lr_at_first(tt):
    p = parameter(tt, [1, 1])
    got = stepped(tt, tt.Adam([p], lr=0.25), p, [[1000, -0.01]])
    call = "p = [1, 1], grad [1000, -0.01]: Adam([p], lr=0.25).step()"
    hint = "At t = 1, m_hat is g and v_hat is g * g."
    same(got, tt.Tensor([0.75, 1.25]), call=call, hint=hint, tol="training")


def test_7_2_adam_second_step(tt):
    p = parameter(tt, [0])
    adam = tt.Adam([p], lr=1, betas=(0.5, 0.5))
    got = stepped(tt, adam, p, [[1], [-1]])
    hint = "m is 1/2, -1/4; m_hat is 1, -1/3; v_hat is 1, 1."
    call = "p = [0], grad [1], then [-1]: Adam(lr=1, betas=(0.5, 0.5))"
    same(got, tt.Tensor([-2 / 3]), call=call, hint=hint, tol="training")


def test_7_2_adam_weight_decay_is_a_part_of_the_gradient(tt):
    p = parameter(tt, [4])
    got = stepped(tt, tt.Adam([p], lr=1, weight_decay=1), p, [[1]])
    call = "p = [4], grad [1]: Adam([p], lr=1, weight_decay=1).step()"
    hint = "g is 5; the first step is lr whatever g is."
    same(got, tt.Tensor([3]), call=call, hint=hint, tol="training")


def test_7_3_adamw_weight_decay_stands_apart(tt):
    p = parameter(tt, [4])
    got = stepped(tt, tt.AdamW([p], lr=0.5, weight_decay=0.5), p, [[1]])
    call = "p = [4], grad [1]: AdamW([p], lr=0.5, weight_decay=0.5).step()"
    hint = "4 * (1 - 0.25), then a step of 0.5."
    same(got, tt.Tensor([2.5]), call=call, hint=hint, tol="training")
