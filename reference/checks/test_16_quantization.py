"""Hidden checks of module 16: quantization.

The rounding is left to the student, so that most checks demand a bound on the error
and not certain bytes.
"""

from __future__ import annotations

import numpy as np
import pytest

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

ROUND_TRIP = "quantization::round_trip_error_is_at_most_scale"
DEQUANTIZE = "quantization::dequantize_is_q_minus_zero_point_times_scale"
KEEPS = "quantization::layer_keeps_int8_weights"
FORWARD = "quantization::layer_computes_x_times_weight_plus_bias"
MODEL = "quantization::model_has_no_linear_left"
SIZE = "quantization::size_of_a_float_model"

RANGES = {
    "around_zero": ((-3.0, 5.0), (-1e4, 10.0), (-2e-4, 1e-4)),
    "one_sided": ((100.0, 101.0), (-7.0, -5.0), (999.95, 1000.05)),
}


def spread(rng, low, high, shape=(40,)):
    """Return float32 numbers between low and high, both ends included."""
    x = rng.uniform(low, high, size=shape).astype(np.float32)
    x.flat[:2] = low, high
    return rng.permutation(x.ravel()).reshape(shape)


def unquantized(q, scale, zero_point):
    """Return what a quantized array stands for, in float64."""
    return (value(q).astype(np.float64) - int(zero_point)) * float(scale)


def linear(package, w, b=None):
    """Return a Linear of `package` that holds the given weight and bias."""
    layer = package.Linear(*w.shape, bias=b is not None)
    set_data(layer.weight, w)
    if b is not None:
        set_data(layer.bias, b)
    return layer


@points(2)
@needs("tensor")
@task("16.1")
@spec("quantize_int8", "q is an int8 array of the shape of t, scale a float")
def test_quantize_gives_int8_float_and_int(tt, rng):
    """Q is an int8 array, the scale a float, the zero point an int."""
    q, scale, zero_point = tt.quantize_int8(tt.Tensor(rng.normal(size=(3, 4))))
    call = "quantize_int8(t), t (3, 4)"
    same(tuple(value(q).shape), (3, 4), call=f"{call}: q.shape", tol="exact")
    kind = str(value(q).dtype)
    hint = "Round and clip first, then astype(np.int8)."
    holds(kind == "int8", call=f"{call}: q.dtype", expected="int8", got=kind, hint=hint)
    fine = isinstance(scale, float | np.floating) and scale > 0
    holds(fine, call=f"{call}: scale", expected="a positive float", got=scale)
    whole = isinstance(zero_point, int | np.integer)
    holds(whole, call=f"{call}: zero_point", expected="an int", got=zero_point)


@pytest.mark.parametrize("name", list(RANGES))
@points(2)
@needs("quantization::quantize_gives_int8_float_and_int")
@task("16.1")
@spec("quantize_int8", "gives every entry back with an error of at most scale")
def test_round_trip_error_is_at_most_scale(tt, rng, name):
    """Each entry comes back within one scale, wherever the range lies."""
    for low, high in RANGES[name]:
        x = spread(rng, low, high)
        q, scale, zero_point = tt.quantize_int8(tt.Tensor(x))
        error = np.abs(unquantized(q, scale, zero_point) - x)
        bad = error > 1.01 * float(scale) + 1e-6 * np.abs(x)
        holds(
            not bad.any(),
            call=f"quantize_int8(40 numbers from {low:g} to {high:g}) and back",
            expected="an error of at most one scale",
            got=f"{(error / float(scale)).max():.3g} times the scale",
            hint="The grid starts at min, not at 0; the zero point is never clipped.",
        )


@pytest.mark.parametrize("name", list(RANGES))
@points(2)
@needs("quantization::quantize_gives_int8_float_and_int")
@task("16.1")
@spec("quantize_int8", "The grid spans the range of t")
def test_scale_is_range_over_255(tt, rng, name):
    """256 steps span the range, no more and no less."""
    for ends in RANGES[name]:
        x = spread(rng, *ends)
        low, high = float(x.min()), float(x.max())
        _, scale, _ = tt.quantize_int8(tt.Tensor(x))
        width, most = high - low, max(abs(low), abs(high))
        wrong = {
            "2 * max |t| / 255, for a grid around 0": 2 * most / width,
            "max |t| / 127, for a grid around 0": most / 127 * 255 / width,
            "for a range widened to contain 0": (max(high, 0) - min(low, 0)) / width,
            "(max - min) / 256": 255 / 256,
        }
        call = f"quantize_int8({low:g} to {high:g})"
        same(
            float(scale) * 255 / width,
            1.0,
            call=f"{call}: scale, divided by (max - min) / 255",
            tol="training",
            hint="(max - min) / 255, of the entries themselves.",
            misconceptions={k: v for k, v in wrong.items() if abs(v - 1) > 2e-3},
        )


@pytest.mark.parametrize("name", list(RANGES))
@points(2)
@needs(ROUND_TRIP)
@task("16.1")
@spec("quantize_int8", "zero_point need not fit into int8 and must not be clipped")
def test_zero_point_stands_where_zero_would_be(tt, rng, name):
    """The zero point is round(-128 - min / scale), outside int8 if need be."""
    for low, high in RANGES[name][:2]:
        x = spread(rng, low, high)
        _, scale, zero_point = tt.quantize_int8(tt.Tensor(x))
        right = -128 - float(x.min()) / float(scale)
        clipped = int(np.clip(round(right), -128, 127))
        near = abs(int(zero_point) - right) <= 1.51
        named = {
            "clipped to int8": clipped,
            "the sign of min turned": round(-128 + float(x.min()) / float(scale)),
            "for unsigned bytes": round(right) + 128,
            "always 0, for a grid around 0": 0,
        }
        same(
            round(right) if near else int(zero_point),
            round(right),
            call=f"quantize_int8(40 numbers from {low:g} to {high:g}): zero_point",
            tol="exact",
            hint="A Python int has no limits; only q is clipped.",
            misconceptions={k: v for k, v in named.items() if abs(v - right) > 2},
        )


@points(2)
@needs(ROUND_TRIP)
@task("16.1")
@spec("quantize_int8", "If all entries are c, the error is at most 1e-6 * max(1, |c|).")
def test_constants_come_back(tt, rng):
    """A tensor of one number comes back, zeros included."""
    for c in (0.0, 1.0, -1.0, *(rng.normal(size=3) * [0.01, 1, 100])):
        x = np.full((2, 3), c, dtype=np.float32)
        q, scale, zero_point = tt.quantize_int8(tt.Tensor(x))
        call = f"quantize_int8(6 times {c:.3g}) and back"
        hint = "Where max equals min, the scale must not become 0."
        holds(
            bool(np.isfinite(scale)) and float(scale) > 0,
            call=f"quantize_int8(6 times {c:.3g}): scale",
            expected="a positive number",
            got=scale,
            hint=hint,
        )
        same(unquantized(q, scale, zero_point), x, call=call, hint=hint)


@needs(ROUND_TRIP)
@task("16.1")
@spec("quantize_int8", "t itself stays as it is.")
def test_quantize_leaves_its_input_alone(tt, rng):
    """quantize_int8 does not write into the tensor."""
    x = rng.normal(size=(3, 4)).astype(np.float32)
    t = tt.Tensor(x)
    tt.quantize_int8(t)
    same(t, x, call="t after quantize_int8(t)", tol="exact")


@points(2)
@needs("tensor")
@task("16.2")
@spec("dequantize_int8", "Return the Tensor (q - zero_point) * scale")
def test_dequantize_is_q_minus_zero_point_times_scale(tt, oracle, rng):
    """dequantize_int8 is (q - zero_point) * scale, as a float32 Tensor."""
    q = rng.integers(-128, 128, size=(4, 5)).astype(np.int8)
    q.flat[:2] = -128, 127
    scale, wide = float(rng.uniform(0.01, 0.1)), q.astype(np.float64)
    for zero_point in (int(rng.integers(50, 100)), int(rng.integers(-9000, -8000))):
        wrapped = (q.astype(np.int64) - zero_point).astype(np.int8) * scale
        same(
            tt.dequantize_int8(q, scale, zero_point),
            oracle.dequantize_int8(q, scale, zero_point),
            call=f"dequantize_int8(q, {scale:.3g}, {zero_point}), q (4, 5)",
            hint="Convert q before the subtraction.",
            misconceptions={
                "an int8 subtraction that overflowed": wrapped,
                "the zero point added": (wide + zero_point) * scale,
                "the zero point subtracted after the scale": wide * scale - zero_point,
                "the zero point ignored": wide * scale,
            },
        )


# QuantizedLinear


def bytes_of(layer, x_size):
    """Return the float64 weight that a QuantizedLinear stands for."""
    assert value(layer.weight).shape[0] == x_size
    return unquantized(layer.weight, layer.scale, layer.zero_point)


def keeps(tt, w):
    """Return the names of the attributes that hold the weight as floats."""
    layer = tt.Linear(*w.shape)
    layer.weight = tt.Tensor(w, requires_grad=True)
    made = tt.QuantizedLinear(layer)
    found = []
    for name, part in vars(made).items():
        array = getattr(part, "data", part)
        if hasattr(part, "weight"):
            found.append(name)
        elif isinstance(array, np.ndarray) and array.size == w.size:
            found += [name] if array.dtype.itemsize > 1 else []
    return found


@points(2)
@needs(ROUND_TRIP, "layers")
@task("16.3")
@spec("QuantizedLinear", "weight: int8 array of shape (in_features, out_features).")
def test_layer_keeps_int8_weights(tt, rng):
    """The layer's weight is an int8 array (in, out)."""
    n, m = (int(k) for k in rng.integers(2, 9, size=2) + np.array([0, 8]))
    layer = tt.QuantizedLinear(linear(tt, rng.normal(size=(n, m))))
    got = value(layer.weight)
    call = f"QuantizedLinear(Linear({n}, {m})).weight"
    same(got.shape, (n, m), call=f"{call}.shape", tol="exact")
    holds(
        got.dtype == np.int8,
        call=f"{call}.dtype",
        expected="int8",
        got=str(got.dtype),
        hint="The array that quantize_int8 gives, as it is: a Tensor holds float32.",
    )


@needs(KEEPS)
@task("16.3")
@spec("QuantizedLinear.__init__", "The int8 array is all that is kept of it")
def test_layer_keeps_no_floats_beside(tt, rng):
    """Neither the Linear layer nor a float copy of its weight is kept."""
    found = remote_source(tt, keeps, w=rng.normal(size=(6, 7)))
    holds(
        found == [],
        call="QuantizedLinear(Linear(6, 7)): attributes with the weight as floats",
        expected="none",
        got=", ".join(found),
        hint="What is kept beside the bytes is memory that is not saved.",
    )


@points(3)
@needs(KEEPS, DEQUANTIZE)
@task("16.4")
@spec("QuantizedLinear.forward", "Return x @ W + bias")
def test_layer_computes_x_times_weight_plus_bias(tt, oracle, rng):
    """The layer computes x W + b from the bytes."""
    x, b = rng.normal(size=(5, 6)).astype(np.float32), rng.normal(size=6)
    w = spread(rng, 0.5, 2.0, (6, 6))
    layer = tt.QuantizedLinear(linear(tt, w, b))
    kept = bytes_of(layer, 6)
    same(
        layer(tt.Tensor(x)),
        oracle.Tensor(x @ kept + b),
        call="QuantizedLinear(Linear(6, 6))(x), x (5, 6)",
        tol="reduction",
        hint="Dequantize the weight, then multiply as in Linear.",
        misconceptions={
            "the float weight, not the bytes": x @ w + b,
            "the bias left out": x @ kept,
            "the zero point not subtracted": x
            @ (value(layer.weight) * float(layer.scale))
            + b,
            "the bytes not multiplied by scale": x
            @ (value(layer.weight).astype(float) - int(layer.zero_point))
            + b,
            "the weight transposed": x @ kept.T + b,
        },
    )


@points(2)
@needs(FORWARD)
@task("16.4")
@spec("QuantizedLinear.forward", "Each entry of W differs from the original weight by")
def test_layer_is_close_to_the_float_layer(tt, rng):
    """The outputs differ from the float layer's by one scale a weight at most."""
    for low, high in ((-1.0, 1.0), (3.0, 4.0)):
        x = rng.normal(size=(8, 20)).astype(np.float32)
        w = spread(rng, low, high, (20, 10))
        got = value(tt.QuantizedLinear(linear(tt, w))(tt.Tensor(x)))
        most = np.abs(x).sum(axis=1, keepdims=True) * (high - low) / 255 * 1.01 + 1e-4
        error = np.abs(got - x.astype(np.float64) @ w)
        holds(
            bool((error <= most).all()),
            call=f"QuantizedLinear(Linear(20, 10))(x), weights {low:g} to {high:g}",
            expected="x @ weight, within one scale a weight",
            got=f"off by up to {(error / most).max():.3g} times that",
            hint="Compare dequantize_int8(*quantize_int8(weight)) with the weight.",
        )


@needs(FORWARD)
@task("16.4")
@spec("QuantizedLinear.forward", "Any number of axes before the last one, or none.")
def test_layer_takes_any_leading_axes(tt, oracle, rng):
    """The layer works on (batch, time, in) and on (in,) too."""
    w = rng.normal(size=(4, 5))
    layer = tt.QuantizedLinear(linear(tt, w))
    kept = bytes_of(layer, 4)
    for shape in ((2, 3, 4), (4,)):
        x = rng.normal(size=shape)
        same(
            layer(tt.Tensor(x)),
            oracle.Tensor(x @ kept),
            call=f"QuantizedLinear(Linear(4, 5, bias=False))(x), x {shape}",
            tol="reduction",
        )


@needs(FORWARD)
@task("16.4")
@spec("QuantizedLinear.forward", "ValueError: the last size of x is not in_features")
def test_layer_refuses_other_sizes(tt, rng):
    """A wrong last size raises ValueError that names both shapes."""
    n = int(rng.integers(5, 9))
    layer = tt.QuantizedLinear(linear(tt, rng.normal(size=(n, 3))))
    x = tt.Tensor(rng.normal(size=(2, 4)))
    call = f"QuantizedLinear(Linear({n}, 3))(x), x (2, 4)"
    raises(ValueError, layer, x, call=call, mentions=[(2, 4), (n, 3)])


# Models


def kinds(tt, make_own):
    """Return the names of the leaf layers of a quantized model, in order."""

    class Own(tt.Layer):
        def __init__(self):
            self.first = tt.Linear(4, 8)
            self.blocks = [tt.Linear(8, 8), tt.Sequential(tt.Linear(8, 8), tt.ReLU())]
            self.pair = (tt.Linear(8, 3), tt.Tanh())

        def forward(self, x):
            x = self.blocks[1](self.blocks[0](self.first(x)))
            return self.pair[1](self.pair[0](x))

    def leaves(part):
        if isinstance(part, list | tuple):
            return [name for p in part for name in leaves(p)]
        inside = (
            [n for v in vars(part).values() for n in leaves(v)] if below(part) else []
        )
        return inside or ([type(part).__name__] if hasattr(part, "forward") else [])

    def below(part):
        name = type(part).__name__
        return hasattr(part, "forward") and "Linear" not in name

    inner = tt.Sequential(tt.ReLU(), tt.Linear(8, 8), tt.Sequential(tt.Linear(8, 3)))
    model = Own() if make_own else tt.Sequential(tt.Linear(4, 8), inner)
    out = tt.quantize_model(model)
    shape = out(tt.Tensor(np.ones((2, 4)))).shape
    return leaves(out), out is model, list(shape)


@pytest.mark.parametrize("own", [False, True], ids=["sequential", "own_layer"])
@points(2)
@needs(FORWARD)
@task("16.5")
@spec("quantize_model", "and in lists and tuples there (as in Sequential).")
def test_model_has_no_linear_left(tt, own):
    """Every Linear is replaced: in attributes, lists, tuples, nested layers."""
    names, inplace, shape = remote_source(tt, kinds, make_own=own)
    what = "a layer with attributes, a list and a tuple" if own else "nested Sequential"
    call = f"quantize_model({what})"
    count, expected = names.count("QuantizedLinear"), 4 if own else 3
    holds(
        "Linear" not in names and count == expected,
        call=f"{call}: the layers in it",
        expected=f"{expected} QuantizedLinear, no Linear",
        got=", ".join(names),
        hint="Replace each Linear where it is held; go into all other layers.",
    )
    holds(shape == [2, 3], call=f"{call}(x).shape", expected="(2, 3)", got=str(shape))
    text = "the same object, changed in place"
    holds(inplace, call=f"{call}: what is returned", expected=text, got="another one")


@needs(MODEL)
@task("16.5")
@spec("quantize_model", "a QuantizedLinear of it is returned.")
def test_a_linear_is_a_model_too(tt, rng):
    """quantize_model of a Linear returns a QuantizedLinear."""
    w = spread(rng, -1, 1, (6, 4))
    got = tt.quantize_model(linear(tt, w))
    kept = value(got.weight)
    holds(
        kept.dtype == np.int8,
        call="quantize_model(Linear(6, 4)).weight.dtype",
        expected="int8",
        got=str(kept.dtype),
        hint="The model itself may be the layer to replace.",
    )


def shared(tt):
    """Return whether a layer used twice is one layer afterwards."""
    layer = tt.Linear(3, 3)
    model = tt.quantize_model(tt.Sequential(layer, tt.Sequential(layer)))
    return model.layers[0] is model.layers[1].layers[0]


@needs(MODEL)
@task("16.5")
@spec("quantize_model", "is quantized once and stays one layer.")
def test_a_layer_used_twice_stays_one(tt):
    """A shared layer is shared after quantization too."""
    call = "quantize_model(Sequential(layer, Sequential(layer)))"
    holds(
        remote_source(tt, shared),
        call=call,
        expected="one QuantizedLinear in both places",
        got="two",
        hint="Remember what each Linear was replaced by.",
    )


@points(2)
@needs(MODEL)
@task("16.5")
@spec("quantize_model", "A classifier loses less than one point of accuracy")
def test_accuracy_stays(tt, rng):
    """A classifier of ten clouds stays as good as it was."""
    centres = rng.normal(size=(10, 32))
    ids = rng.integers(0, 10, size=500)
    x = centres[ids] + 0.3 * rng.normal(size=(500, 32))
    head = linear(tt, centres.T, -0.5 * (centres**2).sum(axis=1))
    turn = np.linalg.qr(rng.normal(size=(32, 32)))[0]
    model = tt.Sequential(linear(tt, turn), linear(tt, turn.T), head)
    before = value(model(tt.Tensor(x))).argmax(axis=1) == ids
    after = value(tt.quantize_model(model)(tt.Tensor(x))).argmax(axis=1) == ids
    holds(
        after.mean() > before.mean() - 0.01,
        call="accuracy of a quantized classifier of 10 clouds",
        expected=f"at least {before.mean() - 0.01:.1%}",
        got=f"{after.mean():.1%}",
        hint="One scale a layer; look at the round trip of each weight first.",
    )


@points(2)
@needs("layers")
@task("16.6")
@spec("model_size_bytes", "the number of entries times the bytes of one entry")
def test_size_of_a_float_model(tt, rng):
    """A float32 model takes 4 bytes a parameter."""
    n, m = (int(k) for k in rng.integers(20, 40, size=2) + np.array([0, 30]))
    model = tt.Sequential(tt.Linear(n, m), tt.ReLU(), tt.Sequential(tt.Linear(m, 5)))
    entries = n * m + m + m * 5 + 5
    same(
        int(tt.model_size_bytes(model)),
        4 * entries,
        call=f"model_size_bytes(Linear({n}, {m}), ReLU, (Linear({m}, 5)))",
        tol="exact",
        misconceptions={
            "the number of entries, not of bytes": entries,
            "8 bytes an entry": 8 * entries,
            "biases not counted": 4 * (n * m + m * 5),
            "only the first level counted": 4 * (n * m + m),
        },
    )


@points(2)
@needs(SIZE, MODEL)
@task("16.6")
@spec("model_size_bytes", "4 in float32 and 1 in int8.")
def test_quantized_model_is_a_quarter(tt, rng):
    """Quantized weights take a byte each, biases four."""
    n, m = (int(k) for k in rng.integers(60, 90, size=2))
    model = tt.quantize_model(tt.Sequential(tt.Linear(n, m), tt.Linear(m, n)))
    least = 2 * n * m + 4 * (n + m)
    got = int(tt.model_size_bytes(model))
    holds(
        least <= got <= least + 2 * 32,
        call=f"model_size_bytes(quantized Linear({n}, {m}), Linear({m}, {n}))",
        expected=f"{least}: {2 * n * m} weights of 1 byte, {n + m} biases of 4",
        got=str(got),
        hint="Ask each array for nbytes; the weights must be int8 arrays.",
    )


def stored(tt):
    """Return the size of a layer used twice, and of one with a buffer."""

    class Counting(tt.Layer):
        def __init__(self):
            self.seen = tt.Tensor(np.zeros(10))
            self.weight = tt.Tensor(np.zeros(10), requires_grad=True)

    layer = tt.Linear(3, 3)
    twice = tt.model_size_bytes(tt.Sequential(layer, layer))
    return int(twice), int(tt.model_size_bytes(Counting()))


@needs(SIZE)
@task("16.6")
@spec("model_size_bytes", "An array that is used twice is counted once")
def test_size_counts_each_array_once_and_buffers(tt):
    """Shared arrays count once; buffers count too."""
    twice, with_buffer = remote_source(tt, stored)
    wrong = {"a shared layer counted twice": 96}
    call = "model_size_bytes(Sequential(layer, layer)), layer Linear(3, 3)"
    same(twice, 48, call=call, tol="exact", misconceptions=wrong)
    wrong = {"buffers not counted": 40}
    call = "model_size_bytes(layer): a parameter of 10 entries, a buffer of 10"
    same(with_buffer, 80, call=call, tol="exact", misconceptions=wrong)
