"""The architecture table: what each layer gives, holds, computes and takes.

FLOPs are counted, for one sample (of a text: one window):
Linear: 2 * in * out for each row, so for each character of a window.
Conv2d: 2 * weights for each place of its output.
MultiHeadAttention: its four Linear layers, and 4 * T * T * width for the products
with keys and values (all T * T of them are computed, the masked ones too).
Embedding: none, it looks up. Any other layer: one for each value of its output.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from milestones.script import Model, Script
from milestones.watch import Call, Watch

_REPEATS: Final = 5


@dataclass
class Row:
    """One line of the architecture table; `forward_s` is of one call on a batch."""

    layer: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    flops: int  # a sample
    output_bytes: int
    forward_s: float
    share: float = 0.0


def table(tt: Any, script: Script, model: Model, x: NDArray[Any]) -> list[Row]:
    """Run forward several times and keep each layer's best time.

    Shapes: x (batch, ...)
    """
    best: list[Row] = []
    for _ in range(_REPEATS):
        with Watch(tt, model) as watch:
            script.predict(watch, model, x)
        rows = [_row(model, part) for part in _parts_together(watch.calls)]
        for old, new in zip(best, rows, strict=False):
            new.forward_s = min(old.forward_s, new.forward_s)
        best = rows
    total = sum(row.forward_s for row in best)
    for row in best:
        row.share = row.forward_s / total
    return best


def flops(layer: Any, shape: tuple[int, ...]) -> int:
    """Return the FLOPs of `layer` for one sample of its output's `shape`."""
    kind = type(layer).__name__
    if kind == "Embedding":
        return 0
    if kind == "Linear":
        return 2 * int(layer.weight.data.size) * _product(shape[1:-1])
    if kind == "Conv2d":
        return 2 * int(layer.weight.data.size) * _product(shape[2:])
    if kind == "MultiHeadAttention":
        length, width = shape[1:]
        matrices = [p.data.size for p in layer.parameters() if p.data.ndim == 2]
        return int(2 * sum(matrices) * length + 4 * length * length * width)
    return _product(shape[1:])


def parameters(layers: Any) -> list[Any]:
    """Return the parameters of all `layers`, each once."""
    found = [p for layer in layers for p in layer.parameters()]
    return list({id(p): p for p in found}.values())


def count(layers: Any) -> int:
    """Return how many numbers the parameters of all `layers` have."""
    return sum(int(p.data.size) for p in parameters(layers))


def _parts_together(calls: list[Call]) -> list[list[Call]]:
    """Return the calls of each layer: several if predict works in smaller batches."""
    starts = [i for i, call in enumerate(calls) if call.layer is calls[0].layer]
    length = starts[1] if len(starts) > 1 else len(calls)
    if length * len(starts) != len(calls):
        return [[call] for call in calls]  # not the same again and again
    return [calls[i::length] for i in range(length)]


def _row(model: Model, calls: list[Call]) -> Row:
    layer, first = calls[0].layer, calls[0].shape
    kind = type(layer).__name__
    names = {id(value): key for key, value in model.items()}
    shape = (sum(call.shape[0] for call in calls), *first[1:])
    return Row(
        names.get(id(layer), kind.lower()),
        kind,
        shape,
        count([layer]),
        flops(layer, shape),
        sum(call.output_bytes for call in calls),
        sum(call.end_s - call.start_s for call in calls),
    )


def _product(sizes: tuple[int, ...]) -> int:
    return int(np.prod(sizes, dtype=np.int64))
