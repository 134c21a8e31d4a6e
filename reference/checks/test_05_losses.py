"""Hidden checks of module 05: losses."""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import holds, needs, points, raises, same, spec, task, value

MSE = "losses::mse_is_the_mean_of_squares"
CROSS = "losses::cross_entropy_is_the_mean_over_samples"
BCE = "losses::bce_is_the_mean_over_entries"
LOG_SOFTMAX = "losses::log_softmax_is_the_logarithm_of_softmax"


def log_softmax(x, axis=-1):
    """Return log(softmax(x)) in float64."""
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def picked(table, ids):
    """Return the entry of each row that its class id names."""
    return table[np.arange(len(ids)), ids]


@points(2)
@needs("tensor")
@task("5.1")
@spec("log_softmax", "Return the logarithm of softmax along the axis `dim`.")
def test_log_softmax_is_the_logarithm_of_softmax(tt, oracle, rng):
    """log_softmax(x) works along the last axis."""
    x = rng.normal(size=(3, 3, 3))
    same(
        tt.log_softmax(tt.Tensor(x)),
        oracle.log_softmax(oracle.Tensor(x)),
        call="log_softmax(x), x (3, 3, 3)",
        hint="x - max - log(sum(exp(x - max))), along the last axis.",
        misconceptions={
            "softmax, without the logarithm": lambda: np.exp(log_softmax(x)),
            "log_softmax over axis 0": lambda: log_softmax(x, 0),
            "log_softmax over all entries": lambda: log_softmax(x.ravel()).reshape(
                x.shape
            ),
            "the sign turned": lambda: -log_softmax(x),
        },
    )


@needs(LOG_SOFTMAX)
@task("5.1")
@spec("log_softmax", "where m is the maximum along `dim`.")
def test_log_softmax_takes_any_axis(tt, oracle, rng):
    """log_softmax(x, dim=...) works along that axis."""
    x = rng.normal(size=(3, 3, 3))
    for dim in (0, 1, -2):
        same(
            tt.log_softmax(tt.Tensor(x), dim=dim),
            oracle.log_softmax(oracle.Tensor(x), dim=dim),
            call=f"log_softmax(x, dim={dim}), x (3, 3, 3)",
            hint="Use dim for the maximum and for the sum, with keepdims.",
            misconceptions={"log_softmax over the last axis": lambda: log_softmax(x)},
        )


@points(2)
@needs(LOG_SOFTMAX)
@task("5.1")
@spec("log_softmax", "Finite for entries up to +-1e3")
def test_log_softmax_is_exact_far_out(tt, oracle):
    """log_softmax of logits up to 1e3 is finite."""
    x = np.array([[1e3, 0, -1e3], [-1e3, -1e3, -1e3], [1e3, 1e3, 999.0]])
    e = np.exp(x - x.max(axis=-1, keepdims=True)).astype("f4")
    with np.errstate(divide="ignore"):
        two_steps = np.log(e / e.sum(axis=-1, keepdims=True))
    same(
        tt.log_softmax(tt.Tensor(x)),
        oracle.log_softmax(oracle.Tensor(x)),
        call="log_softmax(x), x (3, 3) up to 1e3",
        hint="Take the logarithm of the sum, never of a probability.",
        misconceptions={"the logarithm of a softmax that became 0": two_steps},
    )


@points(2)
@needs("tensor")
@task("5.2")
@spec(
    "MSELoss.forward",
    "Return the mean of (predictions - targets) ** 2 over all entries.",
)
def test_mse_is_the_mean_of_squares(tt, oracle, rng):
    """MSELoss is the mean over all entries of (p - t)**2."""
    p, t = rng.normal(size=(2, 3, 4))
    d = (p - t) ** 2
    same(
        tt.MSELoss()(tt.Tensor(p), tt.Tensor(t)),
        oracle.MSELoss()(oracle.Tensor(p), oracle.Tensor(t)),
        call="MSELoss()(p, t), both (3, 4)",
        tol="reduction",
        hint="Divide by the number of entries; the result has shape ().",
        misconceptions={
            "the sum of squares": d.sum,
            "half the mean": lambda: d.mean() / 2,
            "the sum of each row, averaged": lambda: d.sum(axis=1).mean(),
            "the root of the mean": lambda: np.sqrt(d.mean()),
            "the mean absolute difference": lambda: np.abs(p - t).mean(),
            "the square of the mean": lambda: (p - t).mean() ** 2,
        },
    )


@needs(MSE)
@task("5.2")
@spec(
    "MSELoss.forward",
    "the shapes differ, even if they would broadcast; the message names both.",
)
@pytest.mark.parametrize("name", ["MSELoss", "BinaryCrossEntropyLoss"])
def test_shapes_must_be_equal(tt, rng, name):
    """(n, 1) against (n,) raises ValueError instead of broadcasting."""
    n = int(rng.integers(2, 9))
    loss = getattr(tt, name)()
    for first, second in (((n, 1), (n,)), ((n, 2), (n, 1))):
        p, t = (tt.Tensor(rng.uniform(0.1, 0.9, size=s)) for s in (first, second))
        raises(
            ValueError,
            loss,
            p,
            t,
            call=f"{name}()(p, t), p {first}, t {second}",
            mentions=[first, second],
            hint="Compare the shapes first: these would broadcast.",
        )


@points(3)
@needs(LOG_SOFTMAX)
@task("5.3")
@spec(
    "CrossEntropyLoss.forward",
    "Return the mean over the rows of -log_softmax(logits)[row, its class id].",
)
def test_cross_entropy_is_the_mean_over_samples(tt, oracle, rng):
    """CrossEntropyLoss is the mean of -log_softmax(logits)[i, id_i]."""
    x, ids = rng.normal(size=(6, 4)), rng.permutation([0, 1, 2, 3, 3, 0])
    right = log_softmax(x)
    same(
        tt.CrossEntropyLoss()(tt.Tensor(x), tt.Tensor(ids)),
        oracle.CrossEntropyLoss()(oracle.Tensor(x), oracle.Tensor(ids)),
        call="CrossEntropyLoss()(logits, ids), logits (6, 4), ids (6,)",
        tol="reduction",
        hint="Minus the mean of one log-probability a sample.",
        misconceptions={
            "the sum over samples": lambda: -picked(right, ids).sum(),
            "the mean over all entries": lambda: -picked(right, ids).sum() / x.size,
            "the minus sign left out": lambda: picked(right, ids).mean(),
            "the logits not normalised": lambda: -picked(x, ids).mean(),
            "softmax taken twice": lambda: (
                -picked(log_softmax(np.exp(right)), ids).mean()
            ),
            "softmax over the samples": lambda: -picked(log_softmax(x, 0), ids).mean(),
            "a probability, no logarithm": lambda: -picked(np.exp(right), ids).mean(),
        },
    )


@needs(CROSS)
@task("5.3")
@spec("CrossEntropyLoss.forward", "Shapes: logits (n, c), targets (n,) -> ()")
def test_class_ids_may_be_an_array_or_a_list(tt, oracle, rng):
    """Class ids work as a Tensor, an array and a list."""
    x, ids = rng.normal(size=(5, 3)), rng.integers(0, 3, size=5)
    want = oracle.CrossEntropyLoss()(oracle.Tensor(x), oracle.Tensor(ids))
    for kind, given in (("an array", ids), ("a list", ids.tolist())):
        same(
            tt.CrossEntropyLoss()(tt.Tensor(x), given),
            want,
            call=f"CrossEntropyLoss()(logits (5, 3), ids as {kind})",
            tol="reduction",
            hint="Make an integer array of whatever the ids come as.",
        )


@needs(CROSS)
@task("5.3")
@spec("CrossEntropyLoss.forward", "ValueError: there is not one class id a row")
def test_cross_entropy_wants_one_id_a_row(tt, rng):
    """Three rows and four ids raise ValueError naming both shapes."""
    n = int(rng.integers(4, 9))
    logits = tt.Tensor(rng.normal(size=(3, 2)))
    for shape in ((n,), (3, 2), (1,)):
        raises(
            ValueError,
            tt.CrossEntropyLoss(),
            logits,
            tt.Tensor(np.zeros(shape)),
            call=f"CrossEntropyLoss()(logits (3, 2), ids {shape})",
            mentions=[(3, 2), shape],
            hint="Compare ids.shape with logits.shape[:1] first.",
        )


@needs(CROSS)
@task("5.3")
@spec(
    "CrossEntropyLoss.forward",
    "Logits are any real numbers: no softmax before this loss.",
)
def test_equal_logits_cost_the_logarithm_of_the_classes(tt, rng):
    """Equal logits of c classes give log(c), whatever the ids."""
    c = int(rng.integers(3, 20))
    ids = rng.integers(0, c, size=5)
    same(
        value(tt.CrossEntropyLoss()(tt.Tensor(np.full((5, c), 2.5)), tt.Tensor(ids))),
        np.float32(np.log(c)),
        call=f"CrossEntropyLoss()(equal logits (5, {c}), ids)",
        tol="reduction",
        misconceptions={"the logarithm to base 2": np.log2(c)},
    )


@points(2)
@needs(CROSS)
@task("5.3")
@spec("CrossEntropyLoss.forward", "Finite for logits up to +-1e3.")
def test_cross_entropy_is_stable(tt, oracle):
    """Logits of 1e3 and -1e3 give a finite loss, right and wrong class."""
    x = np.array([[1e3, -1e3, 0.0], [-1e3, 1e3, 1e3]])
    for ids in ([0, 1], [1, 0], [2, 0]):
        same(
            tt.CrossEntropyLoss()(tt.Tensor(x), tt.Tensor(ids)),
            oracle.CrossEntropyLoss()(oracle.Tensor(x), oracle.Tensor(ids)),
            call="CrossEntropyLoss()(logits, ids), logits (2, 3) up to 1e3",
            tol="reduction",
            hint="Build it on log_softmax, not on log(softmax(x)).",
            misconceptions={
                "probabilities clipped before the logarithm": lambda i=ids: (
                    -np.log(np.clip(np.exp(picked(log_softmax(x), i)), 1e-7, 1)).mean()
                )
            },
        )


@points(2)
@needs("tensor")
@task("5.4")
@spec(
    "BinaryCrossEntropyLoss.forward",
    "Return the mean of -(y log p + (1 - y) log(1 - p)) over all entries.",
)
def test_bce_is_the_mean_over_entries(tt, oracle, rng):
    """BCE is the mean of -(t log p + (1 - t) log(1 - p))."""
    p = rng.uniform(0.05, 0.95, size=(4, 3))
    t = rng.integers(0, 2, size=(4, 3)).astype(float)
    t.flat[:2] = 0.0, 1.0
    loss = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    same(
        tt.BinaryCrossEntropyLoss()(tt.Tensor(p), tt.Tensor(t)),
        oracle.BinaryCrossEntropyLoss()(oracle.Tensor(p), oracle.Tensor(t)),
        call="BinaryCrossEntropyLoss()(p, t), both (4, 3)",
        tol="reduction",
        hint="Both halves count: t log p, and (1 - t) log(1 - p).",
        misconceptions={
            "the sum over entries": loss.sum,
            "only the half of target 1": lambda: -(t * np.log(p)).mean(),
            "the minus sign left out": lambda: -loss.mean(),
            "p and t exchanged": lambda: (
                -(
                    p * np.log(np.clip(t, 1e-7, 1 - 1e-7))
                    + (1 - p) * np.log(1 - np.clip(t, 1e-7, 1 - 1e-7))
                ).mean()
            ),
            "a sigmoid applied to probabilities": (np.logaddexp(0, p) - t * p).mean,
        },
    )


@points(2)
@needs(BCE)
@task("5.4")
@spec(
    "BinaryCrossEntropyLoss.forward",
    "clipped to [1e-7, 1 - 1e-7] so that the loss stays finite at 0 and 1.",
)
def test_bce_clips_probabilities(tt):
    """Probabilities 0 and 1 give a finite loss."""
    for p, t, low, high in ((0, 1, 10, 200), (1, 0, 10, 200), (1, 1, -1e-6, 1e-4)):
        got = value(tt.BinaryCrossEntropyLoss()(tt.Tensor([p, p]), tt.Tensor([t, t])))
        holds(
            bool(np.isfinite(got).all()) and bool(((low <= got) & (got <= high)).all()),
            call=f"BinaryCrossEntropyLoss()(p = {p}, t = {t})",
            expected="a small number" if p == t else "a large but finite number",
            got=str(got),
            hint="np.clip(p, eps, 1 - eps), and 1 - 1e-8 is 1 in float32.",
        )


@needs(MSE)
@task("5.2")
@spec("Tensor", "No method changes the tensor it is called on.")
def test_losses_leave_their_inputs_alone(tt, oracle, rng):
    """No loss writes into predictions or targets."""
    p, t = rng.uniform(0.1, 0.9, size=(2, 3, 3))
    ids = rng.integers(0, 3, size=3)
    for name, target in (
        ("MSELoss", t),
        ("BinaryCrossEntropyLoss", t),
        ("CrossEntropyLoss", ids),
    ):
        a, b = tt.Tensor(p), tt.Tensor(target)
        getattr(tt, name)()(a, b)
        for place, x, was in (("prediction", a, p), ("target", b, target)):
            same(
                x,
                oracle.Tensor(was),
                call=f"the {place} after {name}()",
                tol="exact",
                hint="`-=` and `out=` write into the array; make a new one.",
            )
