"""Hidden checks of module 14: profiling.

Counts are worked out by hand from the formulas; times come from models that sleep.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import holds, needs, points, same, spec, task, value
from grader.checks.remote import remote_source

LINEAR = "profiling::flops_of_a_linear_layer"
CONV = "profiling::flops_of_a_convolution"
PARAMETERS = "profiling::parameters_are_counted_by_entries"


def sizes(rng, count):
    """Return different sizes from 3 to 12."""
    return (int(n) for n in rng.permutation(np.arange(3, 13))[:count])


# count_parameters


@points(2)
@needs("layers::sequential_has_the_parameters_of_its_layers")
@task("14.1")
@spec("Profiler.count_parameters", "the number of entries of all its `parameters()`")
def test_parameters_are_counted_by_entries(tt, rng):
    """count_parameters counts the entries of all weights and biases."""
    n, m, k = sizes(rng, 3)
    model = tt.Sequential(tt.Linear(n, m), tt.ReLU(), tt.Linear(m, k))
    same(
        tt.Profiler().count_parameters(model),
        n * m + m + m * k + k,
        call=f"count_parameters(Linear({n}, {m}), ReLU, Linear({m}, {k}))",
        tol="exact",
        hint="Each parameter has a size.",
        misconceptions={
            "the number of tensors": 4,
            "the biases left out": n * m + m * k,
            "bytes, not numbers": 4 * (n * m + m + m * k + k),
            "the first axis only": n + m + m + k,
        },
    )


@needs(PARAMETERS)
@task("14.1")
@spec("Profiler.count_parameters", "A parameter that is used twice counts once")
def test_shared_parameters_count_once(tt, rng):
    """A layer that stands in a model twice is counted once."""
    (n,) = sizes(rng, 1)
    shared = tt.Linear(n, n)
    got = tt.Profiler().count_parameters(tt.Sequential(shared, tt.ReLU(), shared))
    call = f"count_parameters(Sequential(a, ReLU, a)), a = Linear({n}, {n})"
    wrong = {"the shared layer counted twice": 2 * n * (n + 1)}
    same(got, n * (n + 1), call=call, tol="exact", misconceptions=wrong)


@needs(PARAMETERS, "spatial::batch_norm_starts_neutral")
@task("14.1")
@spec("Profiler.count_parameters", "running statistics are no parameters.")
def test_running_statistics_are_no_parameters(tt, rng):
    """Of a BatchNorm2d, gamma and beta are counted, running statistics are not."""
    c, m = sizes(rng, 2)
    model = tt.Sequential(tt.Conv2d(c, m, 3, bias=False), tt.BatchNorm2d(m))
    got = tt.Profiler().count_parameters(model)
    call = f"count_parameters(Conv2d({c}, {m}, 3, bias=False), BatchNorm2d({m}))"
    wrong = {"running statistics counted as well": 9 * c * m + 4 * m}
    same(got, 9 * c * m + 2 * m, call=call, tol="exact", misconceptions=wrong)


# count_flops


@points(2)
@needs("layers::linear_is_x_times_weight_plus_bias")
@task("14.2")
@spec("Profiler.count_flops", "a Linear costs 2 * in_features * out_features")
def test_flops_of_a_linear_layer(tt, rng):
    """A Linear costs 2 * in * out a sample, the bias not counted."""
    n, m, batch = sizes(rng, 3)
    same(
        tt.Profiler().count_flops(tt.Linear(n, m), (batch, n)),
        2 * n * m,
        call=f"count_flops(Linear({n}, {m}), ({batch}, {n}))",
        tol="exact",
        hint="One multiplication and one addition for each entry of the weight.",
        misconceptions={
            "multiplications only": n * m,
            "the whole batch": 2 * n * m * batch,
            "the bias counted": 2 * n * m + m,
        },
    )


@needs(LINEAR)
@task("14.2")
@spec("Profiler.count_flops", "times the number of rows a sample has")
def test_flops_of_sequences(tt, rng):
    """A Linear that works on (n, t, in) is used t times a sample."""
    n, m, t, batch = sizes(rng, 4)
    got = tt.Profiler().count_flops(tt.Linear(n, m), (batch, t, n))
    call = f"count_flops(Linear({n}, {m}), ({batch}, {t}, {n}))"
    wrong = {"one row a sample": 2 * n * m, "the whole batch": 2 * n * m * t * batch}
    hint = "The weight serves every row of a sample."
    same(got, 2 * n * m * t, call=call, tol="exact", hint=hint, misconceptions=wrong)


@points(2)
@needs("spatial::conv_strides_over_padding")
@task("14.2")
@spec("Profiler.count_flops", "2 * oh * ow * kh * kw * in_channels * out_channels.")
def test_flops_of_a_convolution(tt, rng):
    """A Conv2d costs 2 * oh * ow * kh * kw * in * out a sample."""
    c, m = (int(n) for n in rng.permutation(np.arange(3, 9))[:2])  # not 9 = 3 * 3
    batch = int(rng.choice([2, 5, 6]))  # not 4, the square of the stride
    h, w = (int(n) for n in rng.integers(8, 13, size=2))
    oh, ow, area = (h + 2 - 3) // 2 + 1, (w + 2 - 3) // 2 + 1, 9 * c * m
    same(
        tt.Profiler().count_flops(
            tt.Conv2d(c, m, 3, stride=2, padding=1), (batch, c, h, w)
        ),
        2 * oh * ow * area,
        call=f"count_flops(Conv2d({c}, {m}, 3, 2, 1), ({batch}, {c}, {h}, {w}))",
        tol="exact",
        hint="Every output number is a weighted sum of kh * kw * in_channels numbers.",
        misconceptions={
            "multiplications only": oh * ow * area,
            "the whole batch": 2 * oh * ow * area * batch,
            "the input's size in place of the output's": 2 * h * w * area,
            "one window": 2 * area,
            "the input channels left out": 2 * oh * ow * 9 * m,
            "the window left out": 2 * oh * ow * c * m,
            "the bias counted": 2 * oh * ow * area + oh * ow * m,
        },
    )


def near(got, want, call, hint):
    """Check a count in which cheap layers may count or not: within 2 %."""
    share = abs(float(got) / want - 1)
    holds(
        share <= 0.02,
        call=call,
        expected=f"{want}, or 2 % more for what is cheap",
        got=str(got),
        hint=hint,
    )


@points(2)
@needs(LINEAR, CONV, "spatial::flatten_keeps_the_batch")
@task("14.2")
@spec("Profiler.count_flops", "Every call counts, wherever the layer sits in the model")
def test_flops_of_a_model(tt, rng):
    """The FLOPs of nested Sequentials add up; ReLU and Flatten hardly count."""
    c = int(rng.integers(30, 40))
    first, second = (tt.Conv2d(n, 40, 3, padding=1) for n in (c, 40))
    block = tt.Sequential(first, tt.ReLU(), second, tt.ReLU())
    head = tt.Sequential(tt.Flatten(), tt.Sequential(tt.Linear(640, 200), tt.ReLU()))
    model = tt.Sequential(block, tt.Sequential(head), tt.Linear(200, 100))
    got = tt.Profiler().count_flops(model, (2, c, 4, 4))
    want = 2 * (16 * 9 * (c + 40) * 40 + 640 * 200 + 200 * 100)
    hint = "Look into Sequential, at any depth."
    near(got, want, f"count_flops of two Conv2d and two Linear, {c} channels", hint)


def _own_model(tt, width, batch):
    """Count a model of its own class, with layers in attributes and lists."""
    nonzero = []

    class Block(tt.Layer):
        def __init__(self):
            self.inner = [tt.Linear(width, 2 * width), (tt.Linear(2 * width, width),)]
            self.unused = tt.Linear(width, width)

        def forward(self, x):
            return x + self.inner[1][0](self.inner[0](x))

    class Net(tt.Layer):
        def __init__(self):
            self.blocks = [Block(), Block()]

        def forward(self, x):
            nonzero.append(bool(np.any(x.data)))
            for block in self.blocks:
                x = block(x)
            return x

    profiler, net = tt.Profiler(), Net()
    shape = (batch, width)
    counts = [profiler.count_parameters(net), profiler.count_flops(net, shape)]
    profiler.measure_memory(net, shape)
    return [*counts, any(nonzero)]


@points(2)
@needs(LINEAR, PARAMETERS)
@task("14.2")
@spec("Profiler.count_flops", "Every call counts, wherever the layer sits in the model")
def test_flops_of_a_students_own_model(tt, rng):
    """Models of one's own class count too: what their forward calls."""
    n = int(rng.integers(60, 80))
    parameters, flops, nonzero = remote_source(tt, _own_model, width=n, batch=3)
    call = f"Net of two blocks with Linear({n}, {2 * n}), Linear({2 * n}, {n})"
    want = 2 * (2 * n * n + 2 * n + 2 * n * n + n + n * n + n)
    same(parameters, want, call=f"count_parameters: {call}", tol="exact")
    hint = "trace tells what was called; an unused layer costs nothing."
    near(flops, 2 * 8 * n * n, f"count_flops: {call}", hint)
    call, got = "count_flops and measure_memory: the input they make", "other numbers"
    holds(not nonzero, call=call, expected="zeros", got=got)


@needs(LINEAR)
@task("14.2")
@spec("Profiler.count_flops", "a layer that is called twice counts twice.")
def test_flops_count_every_call(tt, rng):
    """A shared layer works twice."""
    n = int(rng.integers(100, 120))
    shared = tt.Linear(n, n)
    got = tt.Profiler().count_flops(tt.Sequential(shared, shared), (3, n))
    call = f"count_flops(Sequential(a, a)), a = Linear({n}, {n})"
    near(got, 4 * n * n, call, "Count calls, not layers.")


# measure_memory


def memory(tt, model, shape):
    """Return the three numbers that measure_memory gives."""
    found = tt.Profiler().measure_memory(model, shape)
    keys = ["activation_bytes", "parameter_bytes", "peak_bytes"]
    holds(
        isinstance(found, dict) and sorted(found) == keys,
        call=f"measure_memory(model, {shape})",
        expected="a dict with activation_bytes, parameter_bytes, peak_bytes",
        got=str(sorted(found)) if isinstance(found, dict) else found,
    )
    return {key: float(value(number)) for key, number in found.items()}


@points(2)
@needs(PARAMETERS)
@task("14.3")
@spec("Profiler.measure_memory", "parameter_bytes: 4 bytes for each parameter's entry.")
def test_memory_of_parameters(tt, rng):
    """parameter_bytes is 4 bytes an entry, whatever the batch."""
    n, m = sizes(rng, 2)
    for batch in (1, 5):
        same(
            memory(tt, tt.Linear(n, m), (batch, n))["parameter_bytes"],
            4 * (n * m + m),
            call=f"measure_memory(Linear({n}, {m}), ({batch}, {n})): parameter_bytes",
            hint="float32 has 4 bytes.",
            misconceptions={
                "numbers, not bytes": n * m + m,
                "8 bytes a number": 8 * (n * m + m),
                "the biases left out": 4 * n * m,
            },
        )


@points(2)
@needs("layers::sequential_calls_its_layers_in_order")
@task("14.3")
@spec("Profiler.measure_memory", "4 bytes for each number that the layers put out")
def test_memory_of_activations(tt, rng):
    """activation_bytes adds up the outputs of all layers, for the whole batch."""
    m, more, batch = (int(i) for i in rng.integers((3, 1, 5), (8, 6, 10)))
    n, k = int(rng.integers(26, 30)), m + more  # sizes that tell mistakes apart
    inner = tt.Sequential(tt.Linear(n, m), tt.ReLU())
    model = tt.Sequential(inner, tt.Linear(m, k))
    total = 4 * batch * (m + m + k)
    same(
        memory(tt, model, (batch, n))["activation_bytes"],
        total,
        call=f"measure_memory(model, ({batch}, {n})): activation_bytes",
        hint=f"Linear({n}, {m}), ReLU, Linear({m}, {k}): {m} + {m} + {k} a sample.",
        misconceptions={
            "one sample": total / batch,
            "the input counted": total + 4 * batch * n,
            "the output alone": 4 * batch * k,
            "Sequential counted again": total + 4 * batch * (m + k),
            "the activations left out": 4 * batch * (m + k),
            "numbers, not bytes": total / 4,
        },
    )


@needs("profiling::memory_of_parameters")
@task("14.3")
@spec(
    "Profiler.measure_memory",
    "no less than the parameters and the largest single output together.",
)
def test_memory_at_the_peak(tt, rng):
    """peak_bytes covers the parameters and the largest output, and grows with it."""
    n, k = sizes(rng, 2)
    model = tt.Sequential(tt.Linear(n, 2000), tt.Tanh(), tt.Linear(2000, k))
    parameters = 4 * (n * 2000 + 2000 + 2000 * k + k)
    for batch in (1, 30):
        found = memory(tt, model, (batch, n))["peak_bytes"]
        least = parameters + 4 * batch * 2000
        holds(
            found >= least,
            call=f"measure_memory(model, ({batch}, {n})): peak_bytes, {n}-2000-{k}",
            expected=f"{least} at least",
            got=f"{found:.0f}",
            hint="tracemalloc gives the peak of what was allocated while it runs.",
        )


# measure_latency


def _counted(tt, arguments):
    """Return whether a model was in evaluation, call by call."""
    seen = []

    class Model(tt.Layer):
        def forward(self, x):
            seen.append(bool(self.training))
            return x

    tt.Profiler().measure_latency(Model(), tt.Tensor([[1.0]]), *arguments)
    return seen


@needs("layers")
@task("14.4")
@spec("Profiler.measure_latency", "the model is called `warmup` times without a clock")
def test_latency_warms_up_first(tt, rng):
    """The model is called warmup + iterations times, in evaluation."""
    warmup, iterations = (int(n) for n in rng.integers(2, 7, size=2))
    given = f", warmup={warmup}, iterations={iterations}"
    for text, arguments in (("", [3, 10]), (given, [warmup, iterations])):
        seen = remote_source(tt, _counted, arguments=arguments if text else [])
        call, count = f"measure_latency(model, x{text})", sum(arguments)
        wrong = {"no warm-up": arguments[1], "one call more": count + 1}
        same(len(seen), count, call=f"{call}: calls", misconceptions=wrong)
        expected = "the model in evaluation"
        holds(not any(seen), call=call, expected=expected, got="training")


def _sleeper(tt, naps, warmup):
    """Return the latency of a model whose calls take `naps` seconds."""
    import time  # noqa: PLC0415 -- sent as source

    class Model(tt.Layer):
        def __init__(self):
            self.left = list(naps)

        def forward(self, x):
            time.sleep(self.left.pop(0))
            return x

    count = len(naps) - warmup
    return float(
        tt.Profiler().measure_latency(Model(), tt.Tensor([[1.0]]), warmup, count)
    )


@points(2)
@needs("profiling::latency_warms_up_first")
@task("14.4")
@spec(
    "Profiler.measure_latency", "Return the median time of model(x), in milliseconds."
)
def test_latency_is_the_median(tt, rng):
    """Slow calls of the warm-up, and a single one later, do not count."""
    slow = int(rng.integers(3, 8))
    naps = [0.03] * 3 + [0.002] * 5
    naps[slow] = 0.05
    # A busy host may stretch one sleep or two; it has three tries.
    found = 0.0
    for _ in range(3):
        found = remote_source(tt, _sleeper, naps=naps, warmup=3)
        if 1.9 <= found <= 8:
            break
    mean, total = 11.6, 58.0
    hint = {
        found < 0.1: "One second has 1000 milliseconds.",
        0.8 * mean < found < 2 * mean: "The median, not the mean.",
        found >= 0.9 * total: "The time of one call, not of all.",
    }
    holds(
        1.9 <= found <= 8,
        call="measure_latency(model, x, 3, 5), calls of 2 ms, one of 50 ms",
        expected="about 2, in milliseconds",
        got=f"{found:.3g}",
        hint=hint.get(True, "Time each call by itself, after the warm-up."),
    )


# The model afterwards


def _left_behind(tt, method, training):
    """Return what of a model has changed after `method`: a list of names."""
    import tracemalloc  # noqa: PLC0415 -- sent as source

    model = tt.Sequential(tt.Conv2d(2, 3, 3), tt.BatchNorm2d(3), tt.Dropout(0.5))
    model.train(training)
    norm, drop = model.layers[1], model.layers[2]
    norm.train(not training)
    tensors = {"running_mean": norm.running_mean, "running_var": norm.running_var}
    tensors |= {f"parameter {i}": p for i, p in enumerate(model.parameters())}
    before = {name: np.array(t.data) for name, t in tensors.items()}
    profiler, shape = tt.Profiler(), (2, 2, 5, 5)
    if method == "measure_latency":
        profiler.measure_latency(model, tt.Tensor(np.ones(shape)), 1, 1)
    else:
        getattr(profiler, method)(model, shape)
    changed = [n for n, t in tensors.items() if not np.array_equal(before[n], t.data)]
    changed += [f"{n}.grad" for n, t in tensors.items() if t.grad is not None]
    if model.training is not training or drop.training is not training:
        changed.append("the model's mode")
    if norm.training is training:
        changed.append("the mode of a layer that had its own")
    if tracemalloc.is_tracing():
        changed.append("tracemalloc, which is still on")
    return changed


@pytest.mark.parametrize("name", ["count_flops", "measure_memory", "measure_latency"])
@needs("spatial::batch_norm_running_statistics_move", LINEAR)
@task("14.2")
@spec("Profiler", "and leaves the model as it was: its mode, parameters and running")
def test_the_model_is_left_as_it_was(tt, name):
    """Mode, parameters and running statistics are the same afterwards."""
    for training in (True, False):
        changed = remote_source(tt, _left_behind, method=name, training=training)
        holds(
            not changed,
            call=f"{name}(model, ...), model {'in' if training else 'not in'} training",
            expected="the model as it was",
            got=f"changed: {', '.join(changed)}",
            hint="`with evaluation(model):` switches the modes there and back.",
        )
