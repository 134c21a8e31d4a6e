"""Module 14: profiling, where the time and the memory go.

You will build:

    14.1  Profiler.count_parameters    numbers to learn               1 line
    14.2  Profiler.count_flops         work per sample                about 10 lines
    14.3  Profiler.measure_memory      parameters, activations, peak  about 12 lines
    14.4  Profiler.measure_latency     how long one call takes        about 10 lines

Measure before you optimise: the slow part is rarely where one thinks. Two helpers at
the end of this file are given: `evaluation` runs a model without leaving a trace, and
`trace` tells which layers a model called, nested ones included.

Run `make test-14` after each task.
"""

from __future__ import annotations

import math
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tinytorch.activations import Activation
from tinytorch.autograd import no_grad
from tinytorch.layers import Layer, Linear
from tinytorch.spatial import Conv2d
from tinytorch.tensor import Tensor


class Profiler:
    """Count and measure what a model costs.

    Wherever a method runs the model, it does so in evaluation and without tracking,
    and leaves the model as it was: its mode, parameters and running statistics.
    """

    def count_parameters(self, model: Any) -> int:
        """Return how many numbers the model learns.

        That is the number of entries of all its `parameters()`. A parameter that is
        used twice counts once; running statistics are no parameters.

        Example:
            >>> Profiler().count_parameters(Linear(3, 4))
            16
        """
        return sum(p.size for p in model.parameters())

    def count_flops(self, model: Any, input_shape: Sequence[int]) -> int:
        """Return the floating point operations of one forward pass, per sample.

        A number that a Linear or a Conv2d puts out costs one multiplication and one
        addition for each number that it is the weighted sum of; adding the bias is not
        counted. So a Linear costs 2 * in_features * out_features, times the number of
        rows a sample has; a Conv2d costs 2 * oh * ow * kh * kw * in_channels *
        out_channels. Every call counts, wherever the layer sits in the model, and a
        layer that is called twice counts twice. Other layers count 0 or 1 for each
        number they put out, either.

        Args:
            model: is run once, on zeros.
            input_shape: with the batch axis first; the result is that of one sample,
                whatever its size.

        Example:
            >>> Profiler().count_flops(Linear(3, 4), (8, 3))
            24
            >>> Profiler().count_flops(Conv2d(1, 4, 3, padding=1), (1, 1, 5, 5))
            1800
        """
        flops = 0
        for call in trace(model, Tensor(np.zeros(input_shape))):
            outputs = math.prod(call.output[1:])
            if isinstance(call.layer, Linear):
                flops += 2 * call.layer.weight.shape[0] * outputs
            elif isinstance(call.layer, Conv2d):
                flops += 2 * math.prod(call.layer.weight.shape[1:]) * outputs
        return flops

    def measure_memory(self, model: Any, input_shape: Sequence[int]) -> dict[str, int]:
        """Return how many bytes the model needs for one forward pass.

        The result has three keys:

        parameter_bytes: 4 bytes for each parameter's entry.
        activation_bytes: 4 bytes for each number that the layers put out, for the
            whole batch. A layer that only calls others (Sequential) adds nothing of its
            own; activations and Flatten count like any layer.
        peak_bytes: parameter_bytes and the most memory that was allocated at one time
            while the model ran (`tracemalloc` sees numpy's arrays): no less than the
            parameters and the largest single output together. `tracemalloc` is stopped
            afterwards, as it slows everything down.

        Args:
            model: is run on zeros.
            input_shape: with the batch axis first.

        Example:
            >>> found = Profiler().measure_memory(Linear(3, 4), (8, 3))
            >>> found["parameter_bytes"], found["activation_bytes"]
            (64, 128)
        """
        x = Tensor(np.zeros(input_shape))
        calls = trace(model, x)
        parameters = 4 * self.count_parameters(model)
        with evaluation(model):
            tracemalloc.start()
            try:
                model(x)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
        return {
            "parameter_bytes": parameters,
            "activation_bytes": 4 * sum(math.prod(c.output) for c in calls if c.leaf),
            "peak_bytes": parameters + peak,
        }

    def measure_latency(
        self, model: Any, x: Tensor, warmup: int = 3, iterations: int = 10
    ) -> float:
        """Return the median time of model(x), in milliseconds.

        First the model is called `warmup` times without a clock: the first calls are
        slower. Then it is called `iterations` times, each timed by itself. The median,
        unlike the mean, is not moved by a single slow call.

        Example:
            >>> 0 < Profiler().measure_latency(Linear(3, 4), Tensor([[1, 2, 3]])) < 1000
            True
        """
        times = []
        with evaluation(model):
            for _ in range(warmup):
                model(x)
            for _ in range(iterations):
                start = time.perf_counter()
                model(x)
                times.append(time.perf_counter() - start)
        return 1000 * statistics.median(times)


# Given: how to run a model and see what it does.


class Call(NamedTuple):
    """One call of a layer or an activation.

    Attributes:
        layer: what was called.
        inputs, output: shapes of its first argument and of its result.
        leaf: whether it called no other layer.
    """

    layer: Any
    inputs: tuple[int, ...]
    output: tuple[int, ...]
    leaf: bool


@contextmanager
def evaluation(model: Any) -> Iterator[None]:
    """Switch a model to evaluation and tracking off, inside a `with` block.

    At the end each layer is in the mode that it was in before.

    Example:
        >>> layer = Linear(3, 4)
        >>> with evaluation(layer):
        ...     print(layer.training, layer(Tensor([[1, 2, 3]])).requires_grad)
        False False
        >>> layer.training
        True
    """
    modes = [(layer, layer.training) for layer in _layers(model)]
    for layer, _ in modes:
        layer.training = False
    try:
        with no_grad():
            yield
    finally:
        for layer, mode in modes:
            layer.training = mode


def trace(model: Any, x: Tensor) -> list[Call]:
    """Run the model once, in evaluation; return the calls in the order they ended.

    Example:
        >>> [call.output for call in trace(Linear(3, 4), Tensor([[1, 2, 3]]))]
        [(1, 4)]
    """
    calls: list[Call] = []

    def watched(plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            before = len(calls)
            out = plain(layer, *args, **kwargs)
            leaf = len(calls) == before
            inputs = tuple(getattr(args[0], "shape", ())) if args else ()
            calls.append(Call(layer, inputs, tuple(getattr(out, "shape", ())), leaf))
            return out

        return call

    kinds: tuple[Any, ...] = (Layer, Activation)
    plain = {kind: kind.__call__ for kind in kinds}
    try:
        for kind, method in plain.items():
            kind.__call__ = watched(method)
        with evaluation(model):
            model(x)
    finally:
        for kind, method in plain.items():
            kind.__call__ = method
    return calls


def _layers(model: Any) -> list[Layer]:
    """Given: return the model and all its sublayers, each once."""
    found: dict[int, Layer] = {}
    stack = [model]
    while stack:
        part = stack.pop()
        if isinstance(part, Layer) and id(part) not in found:
            found[id(part)] = part
            stack.extend(part._parts())  # noqa: SLF001 -- Layer's own way to its parts
    return list(found.values())
