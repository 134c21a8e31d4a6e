"""The operations that are compared, at the sizes of the milestones.

Each case has the same inputs on both sides. Images lie in memory channels last, as
tinytorch keeps them and as PyTorch is fastest.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.nn import functional

tt: Any = importlib.import_module("tinytorch")
Array = np.ndarray[Any, np.dtype[np.float32]]


class Side(NamedTuple):
    """One operation of one library."""

    forward: Callable[[], Any]  # () -> the result
    inputs: tuple[Any, ...]  # the tensors that get gradients


class Case(NamedTuple):
    """The same operation of both libraries."""

    name: str
    ours: Side
    theirs: Side


def numbers(*shape: int, seed: int = 0) -> Array:
    """Return random numbers; images (n, c, h, w) lie in memory as (n, h, w, c)."""
    rng = np.random.default_rng(seed)
    if len(shape) != 4:
        return rng.standard_normal(shape, dtype=np.float32)
    n, c, h, w = shape
    return rng.standard_normal((n, h, w, c), dtype=np.float32).transpose(0, 3, 1, 2)


def pair(array: Array, *, tracked: bool = True) -> tuple[Any, Any]:
    """Return a tensor of each library with the same numbers, in the same order."""
    theirs = torch.from_numpy(array.copy(order="K")).requires_grad_(tracked)
    return tt.Tensor(array, requires_grad=tracked), theirs


def matmul(rows: int, inner: int, columns: int) -> Case:
    """Return a product of two matrices."""
    (a, ta), (b, tb) = pair(numbers(rows, inner)), pair(numbers(inner, columns, seed=1))
    name = f"matmul {rows} x {inner} x {columns}"
    return Case(name, Side(lambda: a @ b, (a, b)), Side(lambda: ta @ tb, (ta, tb)))


def linear(rows: int, inner: int, columns: int) -> Case:
    """Return a Linear layer."""
    (x, tx), layer = pair(numbers(rows, inner)), tt.Linear(inner, columns)
    w = torch.from_numpy(layer.weight.data.T.copy()).requires_grad_()
    b = torch.zeros(columns, requires_grad=True)
    return Case(
        f"linear {rows} x {inner} -> {columns}",
        Side(lambda: layer(x), (x, layer.bias, layer.weight)),
        Side(lambda: functional.linear(tx, w, b), (tx, b, w)),
    )


def conv(shape: tuple[int, ...], many: int, side: int, *, first: bool = False) -> Case:
    """Return a convolution that keeps the size; the `first` has plain images."""
    layer = tt.Conv2d(shape[1], many, side, padding=side // 2)
    x, tx = pair(numbers(*shape), tracked=not first)
    w = torch.from_numpy(layer.weight.data.copy())
    w = w.contiguous(memory_format=torch.channels_last).requires_grad_()
    b = torch.zeros(many, requires_grad=True)
    ours = (layer.weight, layer.bias) if first else (x, layer.weight, layer.bias)
    return Case(
        f"conv {side} x {side}, {shape[1]} -> {many}, {shape[2]} x {shape[3]}",
        Side(lambda: layer(x), ours),
        Side(
            lambda: functional.conv2d(tx, w, b, padding=side // 2),
            (w, b) if first else (tx, w, b),
        ),
    )


def max_pool(shape: tuple[int, ...]) -> Case:
    """Return pooling of 2 x 2 entries."""
    (x, tx), layer = pair(numbers(*shape)), tt.MaxPool2d(2)
    return Case(
        f"max-pool 2 x 2, {shape[1]} channels, {shape[2]} x {shape[3]}",
        Side(lambda: layer(x), (x,)),
        Side(lambda: functional.max_pool2d(tx, 2), (tx,)),
    )


def batch_norm(shape: tuple[int, ...]) -> Case:
    """Return batch normalisation in training."""
    (x, tx), layer = pair(numbers(*shape)), tt.BatchNorm2d(shape[1])
    theirs = torch.nn.BatchNorm2d(shape[1])
    return Case(
        f"batch norm, {shape[1]} channels, {shape[2]} x {shape[3]}",
        Side(lambda: layer(x), (x, layer.gamma, layer.beta)),
        Side(lambda: theirs(tx), (tx, theirs.weight, theirs.bias)),
    )


def layer_norm(*shape: int) -> Case:
    """Return layer normalisation."""
    (x, tx), layer = pair(numbers(*shape)), tt.LayerNorm(shape[-1])
    theirs = torch.nn.LayerNorm(shape[-1])
    return Case(
        f"layer norm {shape}",
        Side(lambda: layer(x), (x, layer.gamma, layer.beta)),
        Side(lambda: theirs(tx), (tx, theirs.weight, theirs.bias)),
    )


def gelu(*shape: int) -> Case:
    """Return GELU: the form with sigmoid here, the one with tanh there."""
    (x, tx), layer = pair(numbers(*shape)), tt.GELU()
    return Case(
        f"GELU {shape}",
        Side(lambda: layer(x), (x,)),
        Side(lambda: functional.gelu(tx, approximate="tanh"), (tx,)),
    )


def relu(*shape: int) -> Case:
    """Return ReLU."""
    (x, tx), layer = pair(numbers(*shape)), tt.ReLU()
    return Case(
        f"ReLU {shape}",
        Side(lambda: layer(x), (x,)),
        Side(lambda: functional.relu(tx), (tx,)),
    )


def cross_entropy(rows: int, classes: int) -> Case:
    """Return softmax and cross-entropy in one."""
    (x, tx), loss = pair(numbers(rows, classes)), tt.CrossEntropyLoss()
    ids = np.random.default_rng(1).integers(0, classes, rows)
    return Case(
        f"softmax-cross-entropy {rows} x {classes}",
        Side(lambda: loss(x, ids), (x,)),
        Side(lambda: functional.cross_entropy(tx, torch.from_numpy(ids)), (tx,)),
    )


def attention(batch: int, heads: int, length: int, size: int) -> Case:
    """Return causal attention of several heads."""
    # As in a model: (batch, length, heads, size) in memory.
    arrays = [
        np.random.default_rng(i)
        .standard_normal((batch, length, heads, size), dtype=np.float32)
        .swapaxes(1, 2)
        for i in range(3)
    ]
    pairs = [pair(array) for array in arrays]
    ours, theirs = (tuple(p[i] for p in pairs) for i in (0, 1))
    mask = tt.create_causal_mask(length)
    attend = functional.scaled_dot_product_attention
    return Case(
        f"causal attention {batch} x {heads} x {length} x {size}",
        Side(lambda: tt.scaled_dot_product_attention(*ours, mask)[0], ours),
        Side(lambda: attend(*theirs, is_causal=True), theirs),
    )


def embedding(rows: int, size: int, *ids: int) -> Case:
    """Return the rows of a table."""
    layer = tt.Embedding(rows, size)
    w = torch.from_numpy(layer.weight.data.copy()).requires_grad_()
    some = np.random.default_rng(1).integers(0, rows, ids)
    return Case(
        f"embedding {ids} of {rows} x {size}",
        Side(lambda: layer(some), (layer.weight,)),
        Side(lambda: functional.embedding(torch.from_numpy(some), w), (w,)),
    )


def cases() -> list[Case]:
    """Return all of them, at the sizes of milestones 03, 04 and 05."""
    return [
        matmul(1024, 1024, 1024),
        linear(128, 784, 128),
        linear(768, 128, 512),
        conv((64, 3, 32, 32), 32, 5, first=True),
        conv((64, 32, 16, 16), 64, 3),
        conv((64, 32, 16, 16), 48, 3),
        conv((64, 48, 8, 8), 96, 3),
        max_pool((64, 32, 32, 32)),
        max_pool((64, 64, 16, 16)),
        batch_norm((64, 32, 16, 16)),
        relu(64, 32, 16, 16),
        layer_norm(12, 64, 128),
        gelu(12, 64, 512),
        cross_entropy(128, 10),
        cross_entropy(768, 67),
        attention(12, 4, 64, 32),
        attention(12, 4, 128, 32),
        embedding(67, 128, 12, 64),
    ]
