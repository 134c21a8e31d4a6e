"""Hidden checks of module 03: activations, forward only."""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import holds, needs, points, same, spec, task, value

NAMES = ("Sigmoid", "ReLU", "Tanh", "GELU", "Softmax")
TASKS = dict(zip(NAMES, ("3.1", "3.2", "3.3", "3.4", "3.5"), strict=True))
EXTREMES = np.array([-1e4, -1e3, -100.0, 0.0, 100.0, 1e3, 1e4])


def softmax(x, axis=-1, *, shift=True):
    """Return what softmax gives in float32, with or without the shift."""
    x = np.asarray(x, np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=True) if shift else x)
        return e / e.sum(axis=axis, keepdims=True)


@needs("tensor")
@task("3.1")
@spec("Sigmoid.forward", "Return 1 / (1 + exp(-x)) of each entry.")
def test_sigmoid_squeezes_to_zero_and_one(tt, oracle, rng):
    """Sigmoid is 1 / (1 + exp(-x))."""
    x = rng.normal(size=(3, 4))
    same(
        tt.Sigmoid()(tt.Tensor(x)),
        oracle.Sigmoid()(oracle.Tensor(x)),
        call="Sigmoid()(x), x (3, 4)",
        hint="1 / (1 + exp(-x)): mind the sign.",
        misconceptions={
            "the sign of x lost": lambda: 1 / (1 + np.exp(x)),
            "tanh": lambda: np.tanh(x),
        },
    )


@points(2)
@needs("activations::sigmoid_squeezes_to_zero_and_one")
@task("3.1")
@spec("Sigmoid.forward", "Finite, and without overflow, for |x| up to 1e4")
def test_sigmoid_is_finite_far_out(tt, oracle):
    """Sigmoid is 0 and 1 at -1e4 and 1e4, never nan."""
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(EXTREMES.astype("f4"))
        ratio = e / (1 + e)
    same(
        tt.Sigmoid()(tt.Tensor(EXTREMES)),
        oracle.Sigmoid()(oracle.Tensor(EXTREMES)),
        call="Sigmoid()(x), x from -1e4 to 1e4",
        hint="exp overflows float32 beyond 88: let it see -|x| only.",
        misconceptions={"exp(x) / (1 + exp(x)), which overflows": ratio},
    )


@needs("tensor")
@task("3.2")
@spec("ReLU.forward", "Return max(x, 0) of each entry.")
def test_relu_keeps_the_positive_part(tt, oracle, rng):
    """ReLU is x where x > 0, else 0."""
    x = np.concatenate([rng.normal(size=20), EXTREMES])
    same(
        tt.ReLU()(tt.Tensor(x)),
        oracle.ReLU()(oracle.Tensor(x)),
        call="ReLU()(x), x (27,)",
        tol="exact",
        hint="Negative entries become 0, the others stay.",
        misconceptions={
            "the absolute value": lambda: np.abs(x.astype("f4")),
            "a step": lambda: (x > 0).astype("f4"),
            "min instead of max": lambda: np.minimum(x.astype("f4"), 0),
        },
    )


@needs("tensor")
@task("3.3")
@spec("Tanh.forward", "Return tanh(x) of each entry, finite for |x| up to 1e4.")
def test_tanh_squeezes_to_plus_and_minus_one(tt, oracle, rng):
    """Tanh is tanh, finite far out."""
    x = np.concatenate([rng.normal(size=20), EXTREMES])
    with np.errstate(over="ignore", invalid="ignore"):
        e, f = np.exp(x.astype("f4")), np.exp(-x.astype("f4"))
        written_out = (e - f) / (e + f)
    same(
        tt.Tanh()(tt.Tensor(x)),
        oracle.Tanh()(oracle.Tensor(x)),
        call="Tanh()(x), x (27,) with entries up to 1e4",
        hint="np.tanh never overflows.",
        misconceptions={
            "the formula with exp, which overflows": written_out,
            "the sigmoid": lambda: 1 / (1 + np.exp(-np.clip(x, -80, 80))),
        },
    )


@needs("tensor")
@task("3.4")
@spec("GELU.forward", "a result within 2.5e-2 of any of the three passes.")
def test_gelu_is_smooth_around_zero(tt, oracle, rng):
    """GELU is near x * sigmoid(1.702 x), in any of its three forms."""
    x = rng.uniform(-3, 3, size=(4, 10))
    same(
        tt.GELU()(tt.Tensor(x)),
        oracle.GELU()(oracle.Tensor(x)),
        call="GELU()(x), x (4, 10) from -3 to 3",
        tol="gelu",
        hint="Each entry times its share: x * sigmoid(1.702 * x).",
        misconceptions={
            "the sigmoid without the factor x": lambda: 1 / (1 + np.exp(-1.702 * x)),
            "x * sigmoid(x), without 1.702": lambda: x / (1 + np.exp(-x)),
            "ReLU": lambda: np.maximum(x, 0),
        },
    )


@needs("activations::gelu_is_smooth_around_zero")
@task("3.4")
@spec("GELU.forward", "Finite for |x| up to 1e4.")
def test_gelu_is_finite_far_out(tt, oracle):
    """GELU is 0 at -1e4 and x at 1e4."""
    same(
        tt.GELU()(tt.Tensor(EXTREMES)),
        oracle.GELU()(oracle.Tensor(EXTREMES)),
        call="GELU()(x), x from -1e4 to 1e4",
        tol="gelu",
        hint="Build it on a sigmoid that does not overflow.",
    )


@points(2)
@needs("tensor")
@task("3.5")
@spec("Softmax.forward", "Return exp(x) / sum of exp(x) along the axis `dim`.")
def test_softmax_normalises_the_last_axis(tt, oracle, rng):
    """Softmax()(x) makes each row sum to 1."""
    x = rng.normal(size=(4, 4))
    same(
        tt.Softmax()(tt.Tensor(x)),
        oracle.Softmax()(oracle.Tensor(x)),
        call="Softmax()(x), x (4, 4)",
        hint="The sum runs over the last axis, with keepdims=True.",
        misconceptions={
            "softmax over axis 0": lambda: softmax(x, 0),
            "softmax over all entries": lambda: softmax(x, None),
            "exp without the division": lambda: np.exp(x),
            "x / sum(x), without exp": lambda: x / x.sum(axis=-1, keepdims=True),
            "the sum without keepdims": lambda: np.exp(x) / np.exp(x).sum(-1),
        },
    )


@needs("activations::softmax_normalises_the_last_axis")
@task("3.5")
@spec("Softmax.forward", "Negative `dim` counts from the end.")
def test_softmax_takes_any_axis(tt, oracle, rng):
    """Softmax()(x, dim=...) normalises the axis it is given."""
    x = rng.normal(size=(3, 3, 3))
    for dim in (0, 1, 2, -2):
        same(
            tt.Softmax()(tt.Tensor(x), dim=dim),
            oracle.Softmax()(oracle.Tensor(x), dim=dim),
            call=f"Softmax()(x, dim={dim}), x (3, 3, 3)",
            hint="Use dim for the maximum and for the sum.",
            misconceptions={"softmax over the last axis": lambda: softmax(x)},
        )


@points(2)
@needs("activations::softmax_normalises_the_last_axis")
@task("3.5")
@spec(
    "Softmax.forward",
    "so that entries up to +-1e4 give finite shares and every row sums to 1.",
)
def test_softmax_survives_large_numbers(tt, oracle, rng):
    """Softmax of numbers around 1e4 and -1e4 is finite and right."""
    for centre in (1e4, -1e4):
        x = np.float32(centre) + rng.integers(-2, 3, size=(2, 5)).astype("f4")
        x[0, 0] = 0  # one row from 0 to the extreme
        same(
            tt.Softmax()(tt.Tensor(x)),
            oracle.Softmax()(oracle.Tensor(x)),
            call=f"Softmax()(x), x (2, 5) with entries from 0 to {centre:g}",
            hint="Subtract the row's maximum first: the ratio stays the same.",
            misconceptions={"softmax without the shift": softmax(x, shift=False)},
        )


@needs("activations::softmax_survives_large_numbers")
@task("3.5")
@spec("Softmax.forward", "with the maximum of each row along `dim` (keepdims)")
def test_softmax_shifts_each_row_by_its_own_maximum(tt, oracle, rng):
    """A row far below another one still sums to 1."""
    x = rng.normal(size=(3, 4)) + np.array([[0.0], [-500.0], [500.0]])
    e = np.exp((x - x.max()).astype("f4"))
    with np.errstate(invalid="ignore"):
        one_shift = e / e.sum(axis=-1, keepdims=True)
    same(
        tt.Softmax()(tt.Tensor(x)),
        oracle.Softmax()(oracle.Tensor(x)),
        call="Softmax()(x), rows around 0, -500 and 500",
        tol="reduction",
        hint="The maximum is taken per row too, with keepdims=True.",
        misconceptions={"all rows shifted by one maximum": one_shift},
    )


@needs("tensor")
@task("3.1")
@spec(
    "Sigmoid",
    "`sigmoid(x)` calls `forward`; the shape stays, and the input keeps its data.",
)
@pytest.mark.parametrize("name", NAMES)
def test_shape_and_dtype_stay(tt, oracle, rng, name):
    """Activations take any shape, give it back and leave their input alone."""
    activation = getattr(tt, name)()
    for shape in ((5,), (2, 3), (2, 1, 3, 2)):
        x = rng.normal(size=shape)
        t = tt.Tensor(x)
        got = activation(t)
        same(
            got,
            getattr(oracle, name)()(oracle.Tensor(x)),
            call=f"{name}()(x), x {shape}",
            tol="gelu",  # values are another check's
            hint="Each entry is treated alike; no axis is special.",
        )
        same(
            t,
            oracle.Tensor(x),
            call=f"x after {name}()(x)",
            tol="exact",
            hint="`out=` and `x.data[...] = ` write into the input; make a new array.",
        )
    same(
        activation.forward(t),
        value(got),
        call=f"{name}().forward(x), x {shape}",
        hint="Let __call__ call forward.",
    )


@needs("tensor")
@task("3.1")
@spec("Sigmoid", "`parameters()` is an empty list.")
def test_nothing_to_learn(tt):
    """parameters() of an activation is an empty list, after use too."""
    x = tt.Tensor([0.5, -0.5])
    for name in NAMES:
        activation = getattr(tt, name)()
        activation(x)
        found = activation.parameters()
        holds(
            isinstance(found, list) and len(found) == 0,
            call=f"{name}().parameters()",
            expected="an empty list",
            got=found,
        )
