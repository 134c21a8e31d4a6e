"""Hidden checks of module 07: optimizers.

Every trace is compared with the closed form, worked out here in float64 numpy.
Gradients come from `(p * g).sum().backward()`, which gives p the gradient g.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import holds, needs, points, raises, same, spec, task, value

SGD = "optimizers::sgd_steps_downhill"
ADAM = "optimizers::adam_trace"
GRADIENT = ("autograd::mul_gradient", "autograd::sum_gradient")
NAMES = ("SGD", "Adam", "AdamW")
ALL = pytest.mark.parametrize("name", NAMES)


def give(tt, p, g):
    """Let the gradient of `p` be `g`."""
    p.zero_grad()
    (p * tt.Tensor(g)).sum().backward()


def trained(tt, name, data, grads, **options):
    """Return a parameter after one step of the optimizer a gradient."""
    p = tt.Tensor(data, requires_grad=True)
    optimizer = getattr(tt, name)([p], **options)
    for g in grads:
        give(tt, p, g)
        optimizer.step()
    return p


def sgd(data, grads, lr, momentum=0.0, *, weight_decay=0.0, fresh=1.0, turned=1.0):  # noqa: PLR0913 -- as many as the optimizer has
    """Return what SGD makes of `data`; `fresh` and `turned` are for known mistakes."""
    v = np.zeros_like(data)
    for g in grads:
        v = turned * momentum * v + fresh * (g + weight_decay * data)
        data = data - lr * v
    return data


def adam(data, grads, lr, betas=(0.9, 0.999), *, eps=1e-8, decay=0.0, shrink=0.0):  # noqa: PLR0913 -- as many as the optimizer has
    """Return what Adam (`decay`) or AdamW (`shrink`) makes of `data`."""
    m, v = np.zeros_like(data), np.zeros_like(data)
    for t, grad in enumerate(grads, start=1):
        data = data * (1 - lr * shrink)
        g = grad + decay * data
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
        data = data - lr * m_hat / (np.sqrt(v_hat) + eps)
    return data


def uncorrected(data, grads, lr, betas, *, first=True):
    """Return what Adam without bias correction makes of `data`."""
    m, v = np.zeros_like(data), np.zeros_like(data)
    for t, g in enumerate(grads, start=1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        m_hat = m if first else m / (1 - betas[0] ** t)
        data = data - lr * m_hat / (np.sqrt(v) + 1e-8)
    return data


@points(2)
@needs(*GRADIENT)
@task("7.1")
@spec("SGD.step", "data = data - lr * v")
def test_sgd_steps_downhill(tt, rng):
    """SGD moves against the gradient, lr times its length."""
    data, g = rng.normal(size=(2, 3, 4))
    same(
        trained(tt, "SGD", data, [g], lr=0.3),
        sgd(data, [g], 0.3),
        call="SGD([p], lr=0.3).step(), p (3, 4)",
        hint="p.data - lr * p.grad.",
        misconceptions={
            "a step uphill, along the gradient": data + 0.3 * g,
            "the learning rate ignored": data - g,
        },
    )


@points(2)
@needs(SGD)
@task("7.1")
@spec("SGD.step", "v = momentum * v + g")
def test_sgd_momentum_trace(tt, rng):
    """Momentum carries a part of the last velocity into each of four steps."""
    data, grads = rng.normal(size=5), rng.normal(size=(4, 5))
    how = {"lr": 0.2, "momentum": 0.7}
    same(
        trained(tt, "SGD", data, grads, **how),
        sgd(data, grads, **how),
        call="SGD([p], lr=0.2, momentum=0.7), 4 steps, p (5,)",
        hint="v = momentum * v + g; data = data - lr * v; v stays for the next step.",
        tol="training",
        misconceptions={
            "momentum ignored": sgd(data, grads, 0.2),
            "momentum with the wrong sign": sgd(data, grads, **how, turned=-1),
            "the gradient scaled by 1 - momentum": sgd(data, grads, **how, fresh=0.3),
        },
    )


@needs("optimizers::sgd_momentum_trace")
@task("7.1")
@spec("SGD.step", "v starts as zeros: self.velocity[i]")
def test_sgd_velocity_of_each_parameter(tt, rng):
    """Each parameter has a velocity of its own."""
    data, grads = rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 3))
    ps = [tt.Tensor(d, requires_grad=True) for d in data]
    optimizer = tt.SGD(ps, lr=0.2, momentum=0.7)
    for step in range(3):
        for p, g in zip(ps, grads[:, step], strict=True):
            give(tt, p, g)
        optimizer.step()
    for i, p in enumerate(ps):
        call = f"SGD([p, q], lr=0.2, momentum=0.7), 3 steps: parameter {i}, (3,)"
        hint = "One array of zeros a parameter, found again by its index."
        expected = sgd(data[i], grads[i], 0.2, 0.7)
        same(p, expected, call=call, hint=hint, tol="training")


@needs(SGD)
@task("7.1")
@spec("SGD.step", "g = grad + weight_decay * data")
def test_sgd_weight_decay(tt, rng):
    """Weight decay adds weight_decay * data to the gradient."""
    data, grads = rng.normal(size=5), rng.normal(size=(3, 5))
    how = {"lr": 0.2, "weight_decay": 0.4}
    same(
        trained(tt, "SGD", data, grads, **how),
        sgd(data, grads, **how),
        call="SGD([p], lr=0.2, weight_decay=0.4), 3 steps, p (5,)",
        hint="The decay pulls towards zero: it has the sign of data in g.",
        tol="training",
        misconceptions={
            "weight decay ignored": sgd(data, grads, 0.2),
            "a push away from zero": sgd(data, grads, 0.2, weight_decay=-0.4),
        },
    )


@needs(SGD)
@task("7.1")
@spec("optimizers.Optimizer", "a scheduler may assign it between steps")
def test_lr_may_change(tt, rng):
    """A new lr holds from the next step on."""
    data, g = rng.normal(size=(2, 4))
    p = tt.Tensor(data, requires_grad=True)
    optimizer = tt.SGD([p], lr=0.5)
    give(tt, p, g)
    optimizer.step()
    optimizer.lr = 0.1
    optimizer.step()
    call = "SGD([p], lr=0.5): step(); optimizer.lr = 0.1; step(), p (4,)"
    wrong = {"both steps with the first lr": data - g}
    same(p, data - 0.6 * g, call=call, tol="training", misconceptions=wrong)


@points(2)
@needs(*GRADIENT)
@task("7.2")
@spec("Adam.step", "m_hat = m / (1 - beta1 ** t)")
def test_adam_first_step_is_lr(tt, rng):
    """Adam's first step is lr for every entry, whatever the gradient's scale."""
    data = rng.normal(size=4)
    g = np.array([1e-3, 0.1, 1.0, 1e3]) * np.sign(rng.normal(size=4))
    betas = (0.9, 0.999)
    same(
        trained(tt, "Adam", data, [g], lr=0.25),
        data - 0.25 * np.sign(g),
        call="Adam([p], lr=0.25).step(), p (4,), gradients 0.001 to 1000",
        hint="m_hat / sqrt(v_hat) is +-1 at t = 1, which counts from 1.",
        tol="training",
        misconceptions={
            "a step without bias correction": uncorrected(data, [g], 0.25, betas),
            "v without bias correction": uncorrected(
                data, [g], 0.25, betas, first=False
            ),
            "not divided by sqrt(v_hat)": data - 0.25 * g,
        },
    )


@points(3)
@needs("optimizers::adam_first_step_is_lr")
@task("7.2")
@spec("Adam.step", "data = data - lr * m_hat / (sqrt(v_hat) + eps)")
def test_adam_trace(tt, rng):
    """Adam follows its formula over five steps."""
    data, grads = rng.normal(size=6), rng.normal(size=(5, 6))
    how = {"lr": 0.1, "betas": (0.8, 0.95)}
    same(
        trained(tt, "Adam", data, grads, **how),
        adam(data, grads, **how),
        call="Adam([p], lr=0.1, betas=(0.8, 0.95)), 5 steps, p (6,)",
        hint="m averages g, v averages g * g; both are corrected by 1 - beta ** t.",
        tol="training",
        misconceptions={
            "Adam without bias correction": uncorrected(data, grads, **how),
            "v without bias correction": uncorrected(data, grads, **how, first=False),
            "the default betas": adam(data, grads, 0.1),
            "the two betas exchanged": adam(data, grads, 0.1, (0.95, 0.8)),
        },
    )


@needs(ADAM)
@task("7.2")
@spec("Adam.step", "data = data - lr * m_hat / (sqrt(v_hat) + eps)")
def test_adam_eps_stands_outside_the_root(tt, rng):
    """Eps is added to sqrt(v_hat), so a zero gradient gives no step."""
    data, g = rng.normal(size=4), np.array([0.0, 0.01, -0.1, 1.0])
    inside = data - 0.5 * g / np.sqrt(g * g + 0.1)
    same(
        trained(tt, "Adam", data, [g], lr=0.5, eps=0.1),
        adam(data, [g], 0.5, eps=0.1),
        call="Adam([p], lr=0.5, eps=0.1).step(), p (4,)",
        hint="sqrt(v_hat) + eps, not sqrt(v_hat + eps).",
        tol="training",
        misconceptions={"eps added under the root": inside},
    )


@needs(ADAM)
@task("7.2")
@spec("Adam.step", "g = grad + weight_decay * data")
def test_adam_weight_decay_is_coupled(tt, rng):
    """Adam's weight decay is a part of the gradient, scaled with it."""
    data, grads = rng.normal(size=6), rng.normal(size=(4, 6))
    same(
        trained(tt, "Adam", data, grads, lr=0.1, weight_decay=0.5),
        adam(data, grads, 0.1, decay=0.5),
        call="Adam([p], lr=0.1, weight_decay=0.5), 4 steps, p (6,)",
        hint="Add weight_decay * data to g before m and v see it.",
        tol="training",
        misconceptions={
            "weight decay ignored": adam(data, grads, 0.1),
            "decoupled decay, as in AdamW": adam(data, grads, 0.1, shrink=0.5),
        },
    )


@points(2)
@needs(ADAM)
@task("7.3")
@spec("AdamW.step", "the decay is not divided by sqrt(v_hat)")
def test_adamw_weight_decay_is_decoupled(tt, rng):
    """AdamW shrinks the data by lr * weight_decay, apart from the gradient."""
    data, grads = rng.normal(size=6), rng.normal(size=(4, 6))
    same(
        trained(tt, "AdamW", data, grads, lr=0.1, weight_decay=0.5),
        adam(data, grads, 0.1, shrink=0.5),
        call="AdamW([p], lr=0.1, weight_decay=0.5), 4 steps, p (6,)",
        hint="data * (1 - lr * weight_decay), then Adam's step with g = grad.",
        tol="training",
        misconceptions={
            "coupled decay: inside the gradient, as in Adam": adam(
                data, grads, 0.1, decay=0.5
            ),
            "weight decay ignored": adam(data, grads, 0.1),
            "decay not multiplied by lr": adam(data, grads, 0.1, shrink=5.0),
        },
    )


@needs("optimizers::adamw_weight_decay_is_decoupled")
@task("7.3")
@spec("AdamW.step", "data = data * (1 - lr * weight_decay)")
def test_adamw_decays_without_being_asked(tt, rng):
    """AdamW's weight decay is 0.01 unless another one is given."""
    data = 1 + rng.random(4)
    call = "AdamW([p], lr=1.0).step(), p (4,), gradient zero"
    wrong = {"no weight decay by default": data}
    same(
        trained(tt, "AdamW", data, [np.zeros(4)], lr=1.0),
        0.99 * data,
        call=call,
        misconceptions=wrong,
    )


@ALL
@needs(SGD)
@task("7.1")
@spec("SGD", "Unless given, lr is 0.01")
def test_lr_unless_given(tt, rng, name):
    """Without lr, SGD steps by 0.01 of the gradient, Adam and AdamW by 0.001."""
    data, g = rng.random(4), np.sign(rng.normal(size=4))
    lr, shrink = {"AdamW": (1e-3, 0.01), "Adam": (1e-3, 0)}.get(name, (0.01, 0))
    call, hint = f"{name}([p]).step(), p (4,), gradient +-1", "The default of lr."
    expected = data * (1 - lr * shrink) - lr * g
    same(trained(tt, name, data, [g]), expected, call=call, hint=hint)


@ALL
@needs(SGD)
@task("7.1")
@spec("SGD.step", "A parameter whose grad is None is skipped")
def test_no_gradient_no_step(tt, rng, name):
    """A parameter whose grad is None is skipped, the others step."""
    data = 1 + rng.random((2, 3))
    p, q = (tt.Tensor(d, requires_grad=True) for d in data)
    optimizer = getattr(tt, name)([p, q], lr=0.5, weight_decay=0.1)
    give(tt, q, np.ones(3))
    optimizer.step()
    call = f"{name}([p, q], lr=0.5, weight_decay=0.1).step(), p without gradient"
    same(p, data[0], call=f"{call}: p", hint="Neither step nor decay without a grad.")
    moved = bool((np.abs(value(q) - data[1]) > 0.1).all())
    holds(moved, call=f"{call}: q", expected="a step of q", got="q as it was")


@needs("tensor::gradient_tracking_is_off_unless_asked_for")
@task("7.1")
@spec("SGD", "ValueError: a parameter does not track gradients.")
def test_untracked_parameters_are_refused(tt, rng):
    """A parameter that does not track gradients raises ValueError."""
    good = tt.Tensor(rng.normal(size=3), requires_grad=True)
    bad = tt.Tensor(rng.normal(size=3))
    tt.SGD([good]).step()  # the constructor is given; the rest must be there
    for name in NAMES:
        call = f"{name}([p, q]), q without requires_grad"
        hint = "Look at requires_grad of every parameter in the constructor."
        raises(ValueError, getattr(tt, name), [good, bad], call=call, hint=hint)


@needs("autograd::zero_grad_forgets")
@task("7.1")
@spec("optimizers.Optimizer.zero_grad", "Forget the gradients of all parameters.")
def test_zero_grad_clears_all(tt, rng):
    """zero_grad() clears the gradient of every parameter."""
    ps = [tt.Tensor(rng.normal(size=3), requires_grad=True) for _ in range(2)]
    for name in NAMES:
        for p in ps:
            give(tt, p, np.ones(3))
        optimizer = getattr(tt, name)(ps)
        optimizer.step()
        optimizer.zero_grad()
        for p in ps:
            left = p.grad
            clear = left is None or not value(left).any()
            call = f"{name}([p, q]): step(), zero_grad(), p.grad"
            holds(clear, call=call, expected="None or zeros", got="other numbers")


@ALL
@needs(SGD)
@task("7.1")
@spec("SGD.step", "`grad` itself stays as it is.")
def test_step_keeps_the_gradient(tt, rng, name):
    """step() changes the data and leaves the gradient as it is."""
    data, g = rng.normal(size=(2, 3))
    p = trained(tt, name, data, [g], lr=0.1, weight_decay=0.5)
    call = f"{name}([p], lr=0.1, weight_decay=0.5).step(): p.grad"
    hint = "`g += ...` writes into p.grad; `g = g + ...` does not."
    wrong = {"weight decay written into p.grad": np.float32(g + 0.5 * data)}
    same(p.grad, np.float32(g), call=call, hint=hint, misconceptions=wrong)
