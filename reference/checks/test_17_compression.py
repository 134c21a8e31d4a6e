"""Hidden checks of module 17: compression."""

from __future__ import annotations

import numpy as np

from grader.checks import (
    gradients,
    holds,
    needs,
    points,
    raises,
    same,
    set_data,
    spec,
    task,
    value,
)
from grader.checks.remote import remote_source

SPARSITY = "compression::sparsity_is_the_share_of_zeros"
MAGNITUDE = "compression::smallest_weights_become_zero"
STRUCTURED = "compression::weakest_units_become_zero"
LOW_RANK = "compression::low_rank_is_the_nearest_matrix"
DISTILL = "compression::distillation_loss"


def linear(package, w, b=None):
    """Return a Linear of `package` that holds the given weight and bias."""
    layer = package.Linear(*w.shape, bias=b is not None)
    set_data(layer.weight, w)
    if b is not None:
        set_data(layer.bias, b)
    return layer


def different(rng, *shapes):
    """Return arrays whose absolute values all differ, by 0.01 at least, none 0."""
    n = sum(int(np.prod(s)) for s in shapes)
    x = rng.permutation(np.arange(1, n + 1)) * 0.01 * rng.choice([-1, 1], size=n)
    ends = np.cumsum([int(np.prod(s)) for s in shapes])
    return [p.reshape(s) for p, s in zip(np.split(x, ends[:-1]), shapes, strict=True)]


def cut(arrays, share, *, key=np.abs):
    """Return the arrays with the given share of the smallest entries set to 0."""
    flat = np.concatenate([key(a).ravel() for a in arrays])
    bound = np.sort(flat)[round(share * flat.size)]
    return [np.where(key(a) < bound, 0, a) for a in arrays]


def join(arrays):
    """Return all entries as one row."""
    return np.concatenate([value(a).ravel() for a in arrays])


# Single weights


@points(2)
@needs("layers")
@task("17.1")
@spec("measure_sparsity", "Return the share of zeros among all weights of `model`")
def test_sparsity_is_the_share_of_zeros(tt, rng):
    """Sparsity counts zeros over all weights, biases left out."""
    w, v = different(rng, (6, 10), (10, 2))
    w.flat[rng.permutation(60)[:15]] = 0
    v.flat[rng.permutation(20)[:10]] = 0
    model = tt.Sequential(
        linear(tt, w, np.zeros(10)), tt.ReLU(), tt.Sequential(linear(tt, v, np.ones(2)))
    )
    same(
        float(tt.measure_sparsity(model)),
        25 / 80,
        call="measure_sparsity(Linear(6, 10), ReLU, (Linear(10, 2)))",
        hint="All zeros of all weights, over all entries of all weights.",
        misconceptions={
            "the mean of the layers' sparsities": (15 / 60 + 10 / 20) / 2,
            "biases counted too": 35 / 92,
            "the share of what is left": 55 / 80,
            "the number of zeros": 25,
            "the first level only": 15 / 60,
            "a percentage": 100 * 25 / 80,
        },
    )


@needs(SPARSITY)
@task("17.1")
@spec("measure_sparsity", "Without any weight the result is 0.0.")
def test_sparsity_of_nothing(tt):
    """A model without weights has sparsity 0; one zero of one weight is all."""
    call = "measure_sparsity(Sequential(ReLU()))"
    same(float(tt.measure_sparsity(tt.Sequential(tt.ReLU()))), 0.0, call=call)
    full = linear(tt, np.ones((3, 3)), np.zeros(3))
    call = "measure_sparsity(Linear(3, 3)), weights 1, biases 0"
    wrong = {"biases counted too": 0.25}
    same(float(tt.measure_sparsity(full)), 0.0, call=call, misconceptions=wrong)
    call = "measure_sparsity(Linear(1, 1)), the weight 0"
    same(float(tt.measure_sparsity(linear(tt, np.zeros((1, 1))))), 1.0, call=call)


@points(3)
@needs("layers")
@task("17.2")
@spec("magnitude_prune", "Set the weights with the smallest absolute values to zero.")
def test_smallest_weights_become_zero(tt, oracle, rng):
    """The smallest absolute values go, the largest stay as they are."""
    (w,) = different(rng, (6, 10))
    layer = linear(tt, w)
    tt.magnitude_prune(layer, 0.4)
    same(
        layer.weight,
        oracle.Tensor(cut([w], 0.4)[0]),
        call="magnitude_prune(Linear(6, 10), 0.4): the weight",
        hint="Sort by absolute value and clear the first 40 %.",
        misconceptions={
            "the largest weights removed": np.where(np.abs(w) > 0.365, 0, w),
            "the smallest by value: the most negative ones": cut(
                [w], 0.4, key=np.array
            )[0],
            "the share taken for what stays": cut([w], 0.6)[0],
            "nothing changed: the pruned array is a copy": w,
            "a mask of ones and zeros": (np.abs(w) > 0.245).astype(float),
        },
    )


@points(2)
@needs(MAGNITUDE)
@task("17.2")
@spec("magnitude_prune", "the weights of all layers together, not layer by layer")
def test_pruning_is_global(tt, rng):
    """One ranking over all layers decides."""
    parts = different(rng, (5, 6), (6, 4))
    scaled = [3.005 * parts[0], parts[1]]  # the second loses more; no ties
    layers = [linear(tt, w) for w in scaled]
    tt.magnitude_prune(tt.Sequential(layers[0], tt.ReLU(), layers[1]), 0.5)
    flat = join(scaled)
    order = np.argsort(np.abs(flat), kind="stable")
    right = flat.copy()
    right[order[:27]] = 0
    same(
        join([layer.weight for layer in layers]),
        right.astype(np.float32),
        call="magnitude_prune(Sequential(Linear(5, 6), ReLU, Linear(6, 4)), 0.5)",
        hint="Join the absolute values of all layers before you rank them.",
        misconceptions={
            "each layer pruned by itself": join([cut([w], 0.5)[0] for w in scaled])
        },
    )


def pruned(tt, name, weights, shares):
    """Return for each share the weights of layers pruned by it, by function `name`."""
    found = []
    for share in shares:
        layers = []
        for w in weights:
            layer = tt.Linear(*w.shape)
            layer.weight.data = np.array(w, dtype=np.float32)
            layers.append(layer)
        inner = tt.Sequential(tt.ReLU(), *layers[1:])
        getattr(tt, name)(tt.Sequential(layers[0], inner), share)
        found.append([np.array(layer.weight.data) for layer in layers])
    return found


@points(4)
@needs(MAGNITUDE)
@task("17.2")
@spec("magnitude_prune", "sparsity * n of them are zero afterwards, to within")
def test_sparsity_is_exact_to_one_entry(tt, rng):
    """The share of zeros is the one asked for, to one entry."""
    weights, shares = different(rng, (7, 9), (9, 5)), [0.0, 0.1, 0.37, 0.9, 1.0]
    found = remote_source(
        tt, pruned, name="magnitude_prune", weights=weights, shares=shares
    )
    for share, arrays in zip(shares, found, strict=True):
        zeros = int((join(arrays) == 0).sum())
        holds(
            abs(zeros - share * 108) <= 1,
            call=f"magnitude_prune(model with 108 weights, {share}): zeros",
            expected=f"{share * 108:.4g}, to within one",
            got=str(zeros),
            hint="Count positions; a threshold misses by one or takes all.",
        )


@needs(MAGNITUDE)
@task("17.2")
@spec("magnitude_prune", "any may go first, but never more than are needed")
def test_ties_are_cut_exactly(tt, rng):
    """Of equal weights only as many go as are needed."""
    w = np.where(rng.random((8, 10)) < 0.5, -0.5, 0.5)
    layer = linear(tt, w)
    tt.magnitude_prune(layer, 0.25)
    got = value(layer.weight)
    zeros = int((got == 0).sum())
    holds(
        abs(zeros - 20) <= 1,
        call="magnitude_prune(80 weights of the same size, 0.25): zeros",
        expected="20, to within one",
        got=str(zeros),
        hint="With a threshold, `<=` takes all ties and `<` none; pick positions.",
    )


@needs(MAGNITUDE)
@task("17.2")
@spec("magnitude_prune", "those that were zero before count too")
def test_pruning_again_is_not_added(tt, oracle, rng):
    """Pruned to 0.3 and then to 0.5, a model has 0.5 zeros."""
    (w,) = different(rng, (6, 10))
    layer = linear(tt, w)
    tt.magnitude_prune(layer, 0.3)
    tt.magnitude_prune(layer, 0.5)
    first = cut([w], 0.3)[0]
    left = np.sort(np.abs(first[first != 0]))
    more = np.where(np.abs(first) < left[21], 0, first)
    same(
        layer.weight,
        oracle.Tensor(cut([w], 0.5)[0]),
        call="magnitude_prune(Linear(6, 10), 0.3), then 0.5: the weight",
        misconceptions={"half of what was left pruned": more},
    )


@needs(MAGNITUDE)
@task("17.2")
@spec("magnitude_prune", "All other weights, and all biases, keep their values.")
def test_biases_are_not_pruned(tt, oracle, rng):
    """The smallest bias stays, whatever the sparsity."""
    (w,) = different(rng, (4, 6))
    b = rng.uniform(1e-4, 1e-3, size=6)
    layer = linear(tt, w, b)
    tt.magnitude_prune(layer, 0.5)
    same(
        layer.bias,
        oracle.Tensor(b),
        call="magnitude_prune(Linear(4, 6), 0.5): the bias, smaller than the weights",
        tol="exact",
        misconceptions={"biases pruned too": np.zeros(6)},
    )


@needs(MAGNITUDE, STRUCTURED)
@task("17.2")
@spec("magnitude_prune", "ValueError: sparsity is not in the range 0 <= sparsity <= 1.")
def test_a_share_beyond_1_is_refused(tt, rng):
    """Shares below 0 and above 1 raise ValueError."""
    layer = linear(tt, rng.normal(size=(3, 4)))
    for name in ("magnitude_prune", "structured_prune"):
        for share in (-0.1, 1.5):
            call = f"{name}(Linear(3, 4), {share})"
            raises(ValueError, getattr(tt, name), layer, share, call=call)


# Whole units


@points(3)
@needs("layers")
@task("17.3")
@spec("structured_prune", "have the smallest Euclidean norm become zero, biases too")
def test_weakest_units_become_zero(tt, oracle, rng):
    """The columns with the smallest norms become zero, with their biases."""
    w = rng.normal(size=(8, 8))
    w *= rng.permutation(np.arange(1, 9)) / np.linalg.norm(w, axis=0)
    b = rng.uniform(1, 2, size=8)
    layer = linear(tt, w, b)
    tt.structured_prune(layer, 0.5)
    alive = np.linalg.norm(w, axis=0) > 4.5
    rows = np.linalg.norm(w, axis=1)
    strong = rows >= np.sort(rows)[4]
    call = "structured_prune(Linear(8, 8), 0.5)"
    same(
        layer.weight,
        oracle.Tensor(w * alive),
        call=f"{call}: the weight",
        hint="Column j of the weight (in, out) makes output j.",
        misconceptions={
            "input units: rows, not columns": w * strong[:, None],
            "the strongest units removed": w * ~alive,
            "nothing changed": w,
        },
    )
    same(
        layer.bias,
        oracle.Tensor(b * alive),
        call=f"{call}: the bias",
        hint="A bias that stays lets a pruned unit speak.",
        misconceptions={"the biases of pruned units left": b},
    )


@points(3)
@needs(STRUCTURED)
@task("17.3")
@spec("structured_prune", "the int(ratio * out) units whose weights")
def test_number_of_units_is_cut_off(tt, rng):
    """int(ratio * out) units of each layer go, of nested layers too."""
    weights = [rng.normal(size=s) for s in ((5, 7), (7, 11), (11, 6))]
    shares = [0.2, 0.55, 0.0, 1.0]
    found = remote_source(
        tt, pruned, name="structured_prune", weights=weights, shares=shares
    )
    for share, arrays in zip(shares, found, strict=True):
        a, b, _ = right = [int(share * n) for n in (7, 11, 6)]
        wrong = {
            "rounded up": [int(np.ceil(share * n)) for n in (7, 11, 6)],
            "the last layer left out": [a, b, 0],
            "only the first level of layers": [a, 0, 0],
            "nothing pruned": [0, 0, 0],
        }
        same(
            [int((value(w) == 0).all(axis=0).sum()) for w in arrays],
            right,
            call=f"structured_prune(layers of 7, 11 and 6 units, {share}): zero units",
            tol="exact",
            hint="Every layer loses its own share, the last one included.",
            misconceptions={k: v for k, v in wrong.items() if v != right},
        )


@needs(STRUCTURED, "spatial")
@task("17.3")
@spec("structured_prune", "one of a Conv2d layer is weight[i] with bias[i]")
def test_filters_are_units(tt, oracle, rng):
    """A Conv2d loses whole filters: weight[i] and bias[i]."""
    layer = tt.Conv2d(6, 6, 3)
    w = rng.normal(size=(6, 6, 3, 3))
    norms = np.sqrt((w**2).sum(axis=(1, 2, 3)))
    w *= (rng.permutation(np.arange(1, 7)) / norms)[:, None, None, None]
    b = rng.uniform(1, 2, size=6)
    set_data(layer.weight, w)
    set_data(layer.bias, b)
    tt.structured_prune(tt.Sequential(layer), 0.5)
    alive = np.sqrt((w**2).sum(axis=(1, 2, 3))) > 3.5
    call = "structured_prune(Sequential(Conv2d(6, 6, 3)), 0.5)"
    right = oracle.Tensor(w * alive[:, None, None, None])
    wrong = {"convolutions left as they are": w}
    same(layer.weight, right, call=f"{call}: the weight", misconceptions=wrong)
    same(layer.bias, oracle.Tensor(b * alive), call=f"{call}: the bias")


# Low rank


@points(2)
@needs("tensor")
@task("17.4")
@spec("low_rank_approximate", "No matrix of rank k is nearer to W")
def test_low_rank_is_the_nearest_matrix(tt, rng):
    """U S Vt is the truncated singular value decomposition."""
    w = rng.normal(size=(8, 6)).astype(np.float32)
    left, s, right = np.linalg.svd(w.astype(np.float64), full_matrices=False)
    u, values, vt = map(value, tt.low_rank_approximate(tt.Tensor(w), 0.5))
    call = "low_rank_approximate(W, 0.5), W (8, 6)"
    for name, got, shape in (("U", u, (8, 3)), ("S", values, (3,)), ("Vt", vt, (3, 6))):
        same(got.shape, shape, call=f"{call}: {name}.shape", tol="exact")
    same(
        (u * values) @ vt,
        (left[:, :3] * s[:3]) @ right[:3],
        call=f"{call}: U @ diag(S) @ Vt",
        tol="reduction",
        hint="Keep the largest singular values: numpy gives them first.",
        misconceptions={
            "the smallest singular values kept": (left[:, 3:] * s[3:]) @ right[3:],
            "S multiplied in twice": (left[:, :3] * s[:3] ** 2) @ right[:3],
            "S left out": left[:, :3] @ right[:3],
        },
    )
    same(
        values,
        s[:3].astype(np.float32),
        call=f"{call}: S",
        tol="reduction",
        misconceptions={"the squares of the singular values": s[:3] ** 2},
    )


RANKS = (  # shape, ratio, rank
    ((5, 12), 0.4, 2),
    ((12, 5), 0.3, 1),
    ((6, 5), 0.1, 1),  # at least one
    ((9, 10), 0.4, 3),  # cut off
    ((6, 6), 1.0, 6),
)


@points(4)
@needs(LOW_RANK)
@task("17.4")
@spec("low_rank_approximate", "The rank is k = max(1, int(rank_ratio * min(m, n))).")
def test_rank_follows_the_smaller_side(tt, rng):
    """The rank is max(1, int(ratio * min(m, n)))."""
    for (m, n), ratio, k in RANKS:
        u, s, vt = map(value, tt.low_rank_approximate(rng.normal(size=(m, n)), ratio))
        larger = max(1, int(ratio * max(m, n)))
        wrong = {"the rank taken from the larger side": [m, larger, larger, larger, n]}
        same(
            [*u.shape, s.size, *vt.shape],
            [m, k, k, k, n],
            call=f"low_rank_approximate(W, {ratio}), W ({m}, {n}): sizes of U, S, Vt",
            tol="exact",
            hint="int() cuts off; a rank of 0 would leave nothing.",
            misconceptions=wrong if larger != k else {},
        )


@needs(LOW_RANK)
@task("17.4")
@spec("low_rank_approximate", "U has orthonormal columns, Vt orthonormal rows")
def test_factors_are_orthonormal(tt, rng):
    """U^T U and Vt Vt^T are the identity, in float32."""
    u, s, vt = map(value, tt.low_rank_approximate(rng.normal(size=(9, 7)), 0.6))
    call = "low_rank_approximate(W, 0.6), W (9, 7)"
    dtypes = " ".join(str(array.dtype) for array in (u, s, vt))
    fine = dtypes == "float32 float32 float32"
    holds(fine, call=f"{call}: dtypes", expected="float32", got=dtypes)
    hint = "S stays apart: neither factor is scaled."
    eye = np.eye(4, dtype=np.float32)
    same(u.T @ u, eye, call=f"{call}: U.T @ U", tol="reduction", hint=hint)
    same(vt @ vt.T, eye, call=f"{call}: Vt @ Vt.T", tol="reduction", hint=hint)


@needs(LOW_RANK)
@task("17.4")
@spec("low_rank_approximate", "W is a Tensor or an array and stays as it is")
def test_low_rank_leaves_the_matrix_alone(tt, rng):
    """The matrix given is not changed."""
    w = rng.normal(size=(4, 5)).astype(np.float32)
    t = tt.Tensor(w)
    tt.low_rank_approximate(t, 0.5)
    same(t, w, call="W after low_rank_approximate(W, 0.5)", tol="exact")


# Distillation


def log_softmax(x, axis=-1):
    """Return log(softmax(x)) in float64."""
    x = x - x.max(axis=axis, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=axis, keepdims=True))


def distance(teacher, student, temperature):
    """Return the KL divergence of the rows, averaged, in float64."""
    p, q = log_softmax(teacher / temperature), log_softmax(student / temperature)
    return (np.exp(p) * (p - q)).sum(axis=-1).mean()


def cross_entropy(logits, ids):
    return -log_softmax(logits)[np.arange(len(ids)), ids].mean()


def lesson(rng):
    """Return inputs (6, 4), class ids, and the weights (4, 5) of both models."""
    x, ids = rng.normal(size=(6, 4)), rng.integers(0, 5, size=6)
    return x, ids, 2 * rng.normal(size=(4, 5)), 2 * rng.normal(size=(4, 5))


@points(3)
@needs(
    "layers::linear_is_x_times_weight_plus_bias",
    "losses::cross_entropy_is_the_mean_over_samples",
    "losses::log_softmax_is_the_logarithm_of_softmax",
)
@task("17.5")
@spec("KnowledgeDistillation.forward", "Return alpha * T^2 * KL + (1 - alpha) * CE")
def test_distillation_loss(tt, rng):
    """The loss is alpha T^2 KL + (1 - alpha) CE."""
    x, ids, w, v = lesson(rng)
    t, alpha = 2.5, 0.7
    a, b = x @ w, x @ v
    loss = tt.KnowledgeDistillation(linear(tt, w), linear(tt, v), t, alpha)
    kl, ce = distance(a, b, t), cross_entropy(b, ids)
    same(
        value(loss(tt.Tensor(x), tt.Tensor(ids))),
        alpha * t**2 * kl + (1 - alpha) * ce,
        call="KnowledgeDistillation(teacher, student, 2.5, 0.7)(x, ids), x (6, 4)",
        tol="reduction",
        hint="KL at the temperature, times T^2; CE of the plain logits.",
        misconceptions={
            "the factor T^2 left out": alpha * kl + (1 - alpha) * ce,
            "T instead of T^2": alpha * t * kl + (1 - alpha) * ce,
            "alpha and 1 - alpha exchanged": (1 - alpha) * t**2 * kl + alpha * ce,
            "teacher and student exchanged in KL": alpha * t**2 * distance(b, a, t)
            + (1 - alpha) * ce,
            "KL averaged over the classes too": alpha * t**2 * kl / 5
            + (1 - alpha) * ce,
            "KL summed over the rows": alpha * t**2 * kl * 6 + (1 - alpha) * ce,
            "the logits not divided by T": alpha * t**2 * distance(a, b, 1)
            + (1 - alpha) * ce,
            "CE of the logits divided by T": alpha * t**2 * kl
            + (1 - alpha) * cross_entropy(b / t, ids),
            "the cross-entropy of soft targets, not KL": alpha
            * t**2
            * -(np.exp(log_softmax(a / t)) * log_softmax(b / t)).sum(axis=-1).mean()
            + (1 - alpha) * ce,
        },
    )


@needs(DISTILL)
@task("17.5")
@spec("KnowledgeDistillation.forward", "CE is the CrossEntropyLoss of the student's")
def test_alpha_weighs_both_parts(tt, rng):
    """Alpha 0 is cross-entropy alone, 1 is KL alone; half of both by default."""
    x, ids, w, v = lesson(rng)
    pair, given = (linear(tt, w), linear(tt, v)), tt.Tensor(x)
    kl, ce = 9 * distance(x @ w, x @ v, 3), cross_entropy(x @ v, ids)
    for options, want in (((3.0, 0.0), ce), ((3.0, 1.0), kl), ((), (kl + ce) / 2)):
        loss = tt.KnowledgeDistillation(*pair, *options)
        text = "".join(f", {number:g}" for number in options)
        call = f"KnowledgeDistillation(teacher, student{text})(x, ids)"
        same(value(loss(given, ids)), want, call=call, tol="reduction")


@points(2)
@needs(DISTILL)
@task("17.5")
@spec("KnowledgeDistillation.forward", "finite for logits up to +-1e3.")
def test_distillation_is_stable(tt):
    """Logits of +-1e3 give a finite loss."""
    teacher = np.array([[1e3, -1e3, 0.0], [-1e3, 1e3, 1e3]])
    student = np.array([[-1e3, 1e3, 0.0], [1e3, 1e3, -1e3]])
    pair = linear(tt, teacher), linear(tt, student)
    loss = tt.KnowledgeDistillation(*pair, 1.0, 0.5)(tt.Tensor(np.eye(2)), [0, 1])
    kl, ce = distance(teacher, student, 1), cross_entropy(student, [0, 1])
    same(
        value(loss),
        0.5 * kl + 0.5 * ce,
        call="KnowledgeDistillation(teacher, student, 1, 0.5), logits up to 1e3",
        tol="reduction",
        hint="Never take the logarithm of a softmax; log_softmax is there.",
    )


@points(2)
@needs(DISTILL, "autograd")
@task("17.5")
@spec("KnowledgeDistillation.forward", "The gradient reaches the student only.")
def test_distillation_gradient(tt, rng):
    """The student's weight gets the gradient of both parts."""
    x, ids, w, v = lesson(rng)

    def loss(weight):
        student = tt.Linear(4, 5, bias=False)
        student.weight = weight
        pair = linear(tt, w), student
        return tt.KnowledgeDistillation(*pair, 2.0, 0.6)(tt.Tensor(x), tt.Tensor(ids))

    def exact(z):
        return np.array(
            0.6 * 4 * distance(x @ w, x @ z, 2) + 0.4 * cross_entropy(x @ z, ids)
        )

    gradients(
        tt,
        loss,
        exact,
        [v],
        rng,
        call="KnowledgeDistillation(teacher, student, 2.0, 0.6)(x, ids).backward(g)",
        hint="Use operations of Tensor on the student's logits, no bare arrays.",
    )


@needs("compression::distillation_gradient")
@task("17.5")
@spec("KnowledgeDistillation.forward", "(where it has `eval`) and is not tracked")
def test_the_teacher_learns_nothing(tt, rng):
    """No parameter of the teacher gets a gradient."""
    x, ids, w, v = lesson(rng)
    teacher = linear(tt, w, np.zeros(5))
    loss = tt.KnowledgeDistillation(teacher, linear(tt, v), 2.0, 0.6)
    loss(tt.Tensor(x), tt.Tensor(ids)).backward()
    for name in ("weight", "bias"):
        found = getattr(teacher, name).grad
        holds(
            found is None or not value(found).any(),
            call=f"KnowledgeDistillation(...).backward(): the teacher's {name}.grad",
            expected="None",
            got="a gradient",
            hint="Run the teacher inside `no_grad()`.",
        )


@needs(DISTILL)
@task("17.5")
@spec("KnowledgeDistillation.forward", "The teacher runs in evaluation mode")
def test_the_teacher_is_in_evaluation(tt, rng):
    """Dropout in the teacher is off; the student's mode stays."""
    x, ids, w, v = lesson(rng)
    teacher = tt.Sequential(linear(tt, w), tt.Dropout(0.5))
    student = tt.Sequential(linear(tt, v))
    loss = tt.KnowledgeDistillation(teacher, student, 2.0, 1.0)
    same(
        value(loss(tt.Tensor(x), tt.Tensor(ids))),
        4 * distance(x @ w, x @ v, 2),
        call="KnowledgeDistillation((Linear, Dropout), student, 2.0, 1.0)(x, ids)",
        tol="reduction",
        hint="teacher.eval() before it is asked.",
    )
    mode = student.training
    call = "student.training after KnowledgeDistillation(...)(x, ids)"
    holds(mode is True, call=call, expected="True, as before", got=mode)
