"""Note what a package does while a script runs on it, without changing the script.

Theory of operation: for the time of a `with` block the classes of the model's layers,
the activations and optimizers that the script asks for, and Tensor.backward get
wrappers. A wrapper notes the time and calls the original. A layer inside a layer is
not noted: its work is the outer one's. At the end of the block every class is as it
was before.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Self

from milestones.script import Model

# Layers without parameters, which scripts make where they use them.
_PLAIN: Final = {"Sigmoid", "ReLU", "Tanh", "GELU", "Softmax", "Flatten", "Dropout"}
_OPTIMIZERS: Final = {"SGD", "Adam", "AdamW"}
_ABSENT: Final = object()


class Call(NamedTuple):
    """One call of a layer: what it gave, and when, by time.perf_counter."""

    layer: Any
    shape: tuple[int, ...]
    output_bytes: int
    start_s: float
    end_s: float


class Watch:
    """Notes calls of layers, backward passes and optimizers.

    Args:
        notice: is told "layer" before each call of a layer, "backward" and "after"
            around each backward pass.

    Attributes:
        backwards: start and end of each backward pass, by time.perf_counter.
        optimizers: those that were made.
    """

    def __init__(
        self, tt: Any, model: Model, notice: Callable[[str], None] | None = None
    ) -> None:
        self._tt, self._model = tt, model
        self._notice = notice
        self._undo: list[Callable[[], None]] = []
        self._patched: set[type] = set()
        self._inside = False
        self._raw: list[tuple[Any, tuple[int, ...], int, float, float]] = []
        self.backwards: list[tuple[float, float]] = []
        self.optimizers: list[Any] = []

    def __enter__(self) -> Self:
        for layer in self._model.values():
            self._patch(type(layer), "__call__", self._noting_calls)
        # Before module 06 there is none.
        if hasattr(self._tt.Tensor, "backward"):
            self._patch(self._tt.Tensor, "backward", self._noting_backward)
        return self

    def __exit__(self, *_error: object) -> None:
        for undo in reversed(self._undo):
            undo()

    @property
    def calls(self) -> list[Call]:
        """Calls of layers, in order."""
        return [Call(*raw) for raw in self._raw]

    def __getattr__(self, name: str) -> Any:
        """Stand in for `tinytorch`, so that what a script asks for is noted too."""
        found = getattr(self._tt, name)
        if isinstance(found, type) and name in _PLAIN:
            self._patch(found, "__call__", self._noting_calls)
        elif isinstance(found, type) and name in _OPTIMIZERS:
            self._patch(found, "__init__", self._noting_optimizers)
        vars(self)[name] = found  # the next time it is found without this method
        return found

    def _patch(self, owner: type, name: str, noting: Callable[[Any], Any]) -> None:
        if owner in self._patched:
            return
        self._patched.add(owner)
        own = vars(owner).get(name, _ABSENT)
        setattr(owner, name, noting(getattr(owner, name)))
        if own is _ABSENT:
            self._undo.append(lambda: delattr(owner, name))
        else:
            self._undo.append(lambda: setattr(owner, name, own))

    def _noting_calls(self, original: Any) -> Any:
        # Lean, for the smallest models take microseconds: plain tuples, local names.
        keep, notice, clock = self._raw.append, self._notice, time.perf_counter

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return original(layer, *args, **kwargs)
            if notice is not None:
                notice("layer")
            self._inside = True
            start_s = clock()
            try:
                out = original(layer, *args, **kwargs)
            finally:
                self._inside = False
            end_s = clock()
            # Shape and size only: a tensor kept here would keep its whole graph.
            data = out.data
            keep((layer, data.shape, data.nbytes, start_s, end_s))
            return out

        return call

    def _noting_backward(self, original: Any) -> Any:
        def backward(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            if self._notice is not None:
                self._notice("backward")
            start_s = time.perf_counter()
            found = original(tensor, *args, **kwargs)
            self.backwards.append((start_s, time.perf_counter()))
            if self._notice is not None:
                self._notice("after")
            return found

        return backward

    def _noting_optimizers(self, original: Any) -> Any:
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            self.optimizers.append(optimizer)
            original(optimizer, *args, **kwargs)

        return init
