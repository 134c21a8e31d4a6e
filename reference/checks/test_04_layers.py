"""Hidden checks of module 04: layers."""

from __future__ import annotations

import numpy as np

from grader.checks import (
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

LINEAR = "layers::linear_is_x_times_weight_plus_bias"
DROPOUT = "layers::dropout_keeps_the_mean"


def linear(package, w, b=None):
    """Return a Linear of `package` that holds the given weight and bias."""
    layer = package.Linear(*w.shape, bias=b is not None)
    set_data(layer.weight, w)
    if b is not None:
        set_data(layer.bias, b)
    return layer


@points(3)
@needs("tensor::matmul_sums_over_the_inner_axis", "tensor::arithmetic_broadcasts_add")
@task("4.4")
@spec("Linear.forward", "Return x @ weight + bias")
def test_linear_is_x_times_weight_plus_bias(tt, oracle, rng):
    """Linear computes x W + b, the weight being (in, out)."""
    x, w, b = rng.normal(size=(4, 4)), rng.normal(size=(4, 4)), rng.normal(size=4)
    same(
        linear(tt, w, b)(tt.Tensor(x)),
        linear(oracle, w, b)(oracle.Tensor(x)),
        call="Linear(4, 4)(x), x (4, 4)",
        tol="reduction",
        hint="x @ weight + bias, in this order.",
        misconceptions={
            "the weight transposed": lambda: x @ w.T + b,
            "the bias left out": lambda: x @ w,
            "weight times x": lambda: w @ x + b,
            "the bias subtracted": lambda: x @ w - b,
        },
    )


@needs("tensor")
@task("4.3")
@spec("Linear", "weight: parameter of shape (in_features, out_features).")
def test_linear_parameters_are_weight_and_bias(tt, rng):
    """The weight is (in, out), the bias (out,), and both are parameters."""
    n, m = (int(k) for k in rng.integers(2, 9, size=2) + np.array([0, 8]))
    layer = tt.Linear(n, m)
    call = f"Linear({n}, {m})"
    hint = "x (n, in) @ weight (in, out) needs no transpose."
    for name, shape in (("weight", (n, m)), ("bias", (m,))):
        same(
            tuple(getattr(layer, name).shape),
            shape,
            call=f"{call}.{name}.shape",
            tol="exact",
            hint=hint,
            misconceptions={"(out, in), as in PyTorch": (m, n)},
        )
    shapes = sorted(value(p).shape for p in layer.parameters())
    holds(
        shapes == sorted([(n, m), (m,)]),
        call=f"shapes of {call}.parameters()",
        expected=f"{(n, m)} and {(m,)}",
        got=str(shapes),
    )


@needs(LINEAR)
@task("4.4")
@spec("Linear", "bias: parameter of shape (out_features,), or None if `bias=False`.")
def test_linear_without_bias(tt, oracle, rng):
    """Linear(in, out, bias=False) computes x W and has one parameter."""
    x, w = rng.normal(size=(2, 3)), rng.normal(size=(3, 5))
    layer = linear(tt, w)
    how = {"call": "Linear(3, 5, bias=False)", "hint": "Leave self.bias as None."}
    same(
        layer(tt.Tensor(x)), linear(oracle, w)(oracle.Tensor(x)), tol="reduction", **how
    )
    count = len(layer.parameters())
    holds(count == 1, expected="one parameter", got=f"{count}", **how)


@needs(LINEAR)
@task("4.4")
@spec("Linear.forward", "any number of axes before the last one, or none.")
def test_linear_takes_any_leading_axes(tt, oracle, rng):
    """Linear works on (..., in)."""
    w, b = rng.normal(size=(3, 2)), rng.normal(size=2)
    for shape in ((1, 3), (4, 5, 3), (2, 2, 2, 3), (3,)):
        x = rng.normal(size=shape)
        same(
            linear(tt, w, b)(tt.Tensor(x)),
            linear(oracle, w, b)(oracle.Tensor(x)),
            call=f"Linear(3, 2)(x), x {shape}",
            tol="reduction",
            hint="matmul and broadcasting do this without a loop; (3,) is (1, 3).",
        )


@points(2)
@needs("layers::linear_parameters_are_weight_and_bias")
@task("4.3")
@spec(
    "Linear.__init__",
    "a standard deviation between 0.5 and 2 times 1 / sqrt(in_features)",
)
def test_initial_weights_keep_the_size_of_signals(tt):
    """Initial weights are random, centred, smaller for more inputs; biases too."""
    for n in (100, 400):
        layer = tt.Linear(n, n)
        w, b = value(layer.weight), value(layer.bias)
        call, unit = f"Linear({n}, {n}).weight", n**-0.5
        holds(
            0.5 * unit <= w.std() <= 2 * unit,
            call=call,
            expected=f"standard deviation from {0.5 * unit:.3g} to {2 * unit:.3g}",
            got=f"{w.std():.3g}",
            hint="Divide random numbers by the root of the number of inputs.",
        )
        holds(
            abs(w.mean()) <= 0.1 * w.std(),  # its standard deviation is 0.01 std
            call=call,
            expected="mean near 0",
            got=f"{w.mean():.3g}",
            hint="rand() is centred on 0.5.",
        )
        holds(
            abs(b).max() <= 1.001 * unit,  # rounded to float32
            call=f"Linear({n}, {n}).bias",
            expected=f"no entry larger than {unit:.3g}",
            got=f"{abs(b).max():.3g}",
            hint="A bias of zeros leaves signals as they are.",
        )


@needs(LINEAR)
@task("4.4")
@spec("Linear.forward", "ValueError: the last size of x is not in_features")
def test_linear_names_the_shapes_that_do_not_fit(tt, rng):
    """Linear(3, 2) of x (4, 5) raises ValueError naming x's and weight's shape."""
    n = int(rng.integers(4, 9))
    raises(
        ValueError,
        tt.Linear(3, 2),
        tt.Tensor(rng.normal(size=(4, n))),
        call=f"Linear(3, 2)(x), x (4, {n})",
        mentions=[(4, n), (3, 2)],
        hint="matmul of task 2.4 raises it by itself.",
    )


@needs("layers::linear_parameters_are_weight_and_bias")
@task("4.3")
@spec("Linear.__init__", "Draw the weight from numpy's global random numbers")
def test_initial_weights_all_differ(tt):
    """No two units, and no two layers, start alike."""
    first, second = (value(tt.Linear(20, 30).weight) for _ in range(2))
    units = len(np.unique(first, axis=1).T)
    holds(
        units == 30,
        call="columns of Linear(20, 30).weight",
        expected="30 different ones",
        got=f"{units}",
        hint="Draw one random number for each entry.",
    )
    holds(
        not np.allclose(first, second),
        call="weights of two Linear(20, 30)",
        expected="different ones",
        got="the same twice",
        hint="A seed set inside Linear makes all layers alike.",
    )


def _seeded(tt, seed):
    """Return the weights of three layers, the first and last from one seed."""
    np.random.seed(seed)
    first, second = tt.Linear(3, 4).weight.data, tt.Linear(3, 4).weight.data
    np.random.seed(seed)
    return [first, second, tt.Linear(3, 4).weight.data]


@needs("layers::initial_weights_all_differ")
@task("4.3")
@spec("Linear.__init__", "After `numpy.random.seed(0)` the same numbers come again.")
def test_initial_weights_follow_the_seed_of_numpy(tt, rng):
    """The same numpy.random.seed gives the same weights."""
    first, _, again = remote_source(tt, _seeded, seed=int(rng.integers(2**31)))
    same(
        again,
        first,
        call="np.random.seed(s); Linear(3, 4), both twice",
        tol="exact",
        hint="Draw from np.random's own functions, not from default_rng().",
    )


@points(2)
@needs("tensor")
@task("4.5")
@spec(
    "Dropout.forward",
    "Drop each entry with probability p; scale the others by 1 / (1 - p).",
)
def test_dropout_keeps_the_mean(tt, rng):
    """Dropout zeroes a share p and scales the rest by 1 / (1 - p)."""
    p = float(rng.choice([0.2, 0.3]))
    x = rng.uniform(1, 2, size=(100, 200)).astype("f4")
    out = value(tt.Dropout(p)(tt.Tensor(x)))
    call, kept = f"Dropout({p})(x), x (100, 200)", out != 0
    same(
        round(1 - float(kept.mean()), 1),  # its standard deviation is 0.003
        p,
        call=f"the share of zeros in {call}",
        hint="Keep an entry where a number from [0, 1) is at least p.",
        misconceptions={"a share p kept, the rest dropped": 1 - p},
    )
    same(
        out[kept],
        x[kept] / (1 - p),
        call=f"the entries kept by {call}",
        hint="Dividing by 1 - p keeps the expected value.",
        misconceptions={
            "entries not scaled up": x[kept],
            "entries scaled by 1 - p": x[kept] * (1 - p),
            "entries divided by p": x[kept] / p,
        },
    )


@needs(DROPOUT)
@task("4.5")
@spec(
    "Dropout.forward",
    "The mask comes from numpy's global random numbers, afresh in every call.",
)
def test_dropout_draws_a_new_mask_each_call(tt):
    """Two calls of one Dropout drop different entries: half of them unless told."""
    layer, x = tt.Dropout(), tt.Tensor(np.ones((10, 50)))
    first, second = value(layer(x)), value(layer(x))
    zeros = float((first == 0).mean())
    holds(
        0.3 < zeros < 0.7,  # its standard deviation is 0.02
        call="Dropout()(x), x (10, 50)",
        expected="about half zeros",
        got=f"a share {zeros:.3g}",
        hint="p is 0.5 where it is not given.",
    )
    holds(
        not np.array_equal(first, second),
        call="Dropout()(x) called twice",
        expected="different entries dropped",
        got="the same twice",
        hint="Draw the mask in forward, not in __init__.",
    )
    rows = len(np.unique(first, axis=0))
    holds(
        rows == 10,
        call="rows of Dropout()(x)",
        expected="10 different ones",
        got=f"{rows}",
        hint="Draw one random number for each entry of x.",
    )


@points(2)
@needs(DROPOUT)
@task("4.5")
@spec("Dropout.forward", "Not in training, the result equals x.")
def test_dropout_is_off_in_evaluation(tt, oracle, rng):
    """After eval() Dropout returns its input; train() turns it on again."""
    x = rng.uniform(1, 2, size=(20, 20))
    layer = tt.Dropout(0.5)
    layer.eval()
    same(
        layer(tt.Tensor(x)),
        oracle.Tensor(x),
        call="Dropout(0.5)(x) after eval()",
        hint="Inverted dropout has nothing to do in evaluation.",
        misconceptions={"entries scaled by 1 - p": lambda: x / 2},
    )
    layer.train()
    zeros = float((value(layer(tt.Tensor(x))) == 0).mean())
    holds(
        0.3 < zeros < 0.7,
        call="Dropout(0.5)(x) after eval() and train()",
        expected="about half zeros",
        got=f"a share {zeros:.3g}",
    )


@needs(DROPOUT)
@task("4.5")
@spec(
    "Dropout.forward",
    "`training=True` or `training=False` wins over the layer's own mode",
)
def test_the_argument_training_wins(tt, oracle, rng):
    """training= of the call beats train() and eval()."""
    x = rng.uniform(1, 2, size=(20, 20))
    layer = tt.Dropout(0.5)
    layer.train()
    same(
        layer(tt.Tensor(x), training=False),
        oracle.Tensor(x),
        call="Dropout(0.5)(x, training=False) after train()",
        hint="The argument wins where it is given.",
    )
    layer.eval()
    zeros = float((value(layer(tt.Tensor(x), training=True)) == 0).mean())
    holds(
        0.3 < zeros < 0.7,
        call="Dropout(0.5)(x, training=True) after eval()",
        expected="about half zeros",
        got=f"a share {zeros:.3g}",
        hint="The argument wins where it is given.",
    )


@needs(DROPOUT)
@task("4.5")
@spec("Dropout.forward", "Drop each entry with probability p")
def test_dropout_of_nothing_changes_nothing(tt, oracle, rng):
    """Dropout(0.0) returns what it gets, and has no parameters."""
    x = rng.normal(size=(3, 4))
    layer = tt.Dropout(0.0)
    same(layer(tt.Tensor(x)), oracle.Tensor(x), call="Dropout(0.0)(x), x (3, 4)")
    count = len(layer.parameters())
    holds(
        count == 0,
        call="Dropout(0.0).parameters()",
        expected="an empty list",
        got=f"{count} parameters",
    )


@needs(DROPOUT)
@task("4.5")
@spec("Dropout.__init__", "ValueError: p is not in the range 0 <= p < 1.")
def test_dropout_refuses_what_is_no_share(tt, rng):
    """Dropout(1.5) and Dropout(-0.5) raise ValueError."""
    for p in (1 + float(rng.uniform(0.1, 0.9)), -float(rng.uniform(0.1, 0.9))):
        raises(
            ValueError,
            tt.Dropout,
            p,
            call=f"Dropout({p:.3g})",
            hint="Check p before you keep it: 1 / (1 - p) needs a p below 1.",
        )


@needs(LINEAR, "activations::relu_keeps_the_positive_part")
@task("4.6")
@spec(
    "Sequential.forward",
    "Return the last layer's output, each layer being fed the one before it.",
)
def test_sequential_calls_its_layers_in_order(tt, oracle, rng):
    """Sequential(a, b)(x) is b(a(x))."""
    x, b = rng.normal(size=(2, 3)), rng.normal(size=3)
    w, v = rng.normal(size=(2, 3, 3))

    def model(package):
        return package.Sequential(
            linear(package, w, b), package.ReLU(), linear(package, v)
        )

    same(
        model(tt)(tt.Tensor(x)),
        model(oracle)(oracle.Tensor(x)),
        call="Sequential(Linear, ReLU, Linear)(x)",
        tol="reduction",
        hint="The output of one layer is the input of the next.",
        misconceptions={
            "the layers in reverse": lambda: np.maximum(x @ v, 0) @ w + b,
            "only the last layer": lambda: x @ v,
            "only the first layer": lambda: x @ w + b,
        },
    )


@needs(
    "layers::linear_parameters_are_weight_and_bias",
    "activations::relu_keeps_the_positive_part",
)
@task("4.1")
@spec(
    "Layer.parameters",
    "Return the list of parameters of this layer and of all its sublayers.",
)
def test_sequential_has_the_parameters_of_its_layers(tt):
    """parameters() lists those of all layers, nested ones included."""
    inner = tt.Sequential(tt.Linear(4, 5), tt.ReLU(), tt.Dropout(0.1))
    model = tt.Sequential(tt.Linear(3, 4), inner, tt.Linear(5, 2, bias=False))
    shapes = [value(p).shape for p in model.parameters()]
    expected = [(3, 4), (4,), (4, 5), (5,), (5, 2)]
    holds(
        sorted(shapes) == sorted(expected),
        call="shapes of the parameters of a nested Sequential",
        expected=str(expected),
        got=str(shapes),
        hint="Add layer.parameters() of every layer to one list.",
    )


@points(2)
@needs(
    "layers::dropout_is_off_in_evaluation", "activations::relu_keeps_the_positive_part"
)
@task("4.2")
@spec("Layer.train", "Set `training` to `mode` in this layer and in all its sublayers.")
def test_sequential_hands_train_and_eval_on(tt, oracle, rng):
    """eval() of a Sequential reaches the Dropout inside it."""
    x = rng.uniform(1, 2, size=(10, 20))
    model = tt.Sequential(tt.ReLU(), tt.Sequential(tt.Dropout(0.5)))
    model.eval()
    same(
        model(tt.Tensor(x)),
        oracle.Tensor(x),
        call="Sequential(ReLU, Sequential(Dropout))(x) after eval()",
        hint="eval() of a container calls eval() of each layer.",
    )
    model.train()
    zeros = float((value(model(tt.Tensor(x))) == 0).mean())
    holds(
        zeros > 0.3,
        call="the same after train()",
        expected="about half zeros",
        got=f"a share {zeros:.3g}",
        hint="train() is handed on too.",
    )
