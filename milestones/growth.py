"""What one training step takes, and how that grows when the model or batch doubles.

Times are means over the fastest quarter of some 100 steps (of large models: fewer),
for the others say more about what else the machine did.
A step begins when the first layer is called. Forward lasts until backward begins
(without backward: until the last layer is done), then comes backward, and the rest,
the update and the next batch, until the first layer is called again.
Watching costs about a microsecond a layer, which the smallest models show.
Memory is what numpy and Python allocate during one step, by tracemalloc.
"""

from __future__ import annotations

import inspect
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from milestones import architecture
from milestones.datasets import Part
from milestones.script import Script
from milestones.watch import Watch

_REPEATS: Final = 5
_STEPS: Final = 20
_STEPS_S: Final = 0.5  # fewer steps where they take longer together


@dataclass(frozen=True)
class Size:
    """One line of the growth table: a case and what a step takes there.

    Attributes:
        backward_s: None where the script has no backward pass.
        activation_bytes: what forward keeps for backward; None without backward.
        gradient_bytes: of the parameters' gradients after backward.
        optimizer_bytes: what the optimizer holds; None where none was found.
        peak_bytes: the most at once, from the batch to the update.
    """

    case: str
    batch: int
    parameters: int
    step_s: float
    forward_s: float
    backward_s: float | None
    other_s: float
    peak_bytes: int
    activation_bytes: int | None
    gradient_bytes: int
    optimizer_bytes: int | None


@dataclass(frozen=True)
class _Case:
    name: str
    batch: int
    doubled: str = ""  # an argument of `build`


_Times = tuple[float, float, float]  # of a step: whole, forward, backward


@dataclass
class _Memory:
    peak_bytes: int = 0
    activation_bytes: int | None = None
    gradient_bytes: int = 0
    optimizer_bytes: int | None = None


def measure(tt: Any, script: Script, train: Part, *, brief: bool) -> list[Size]:
    """Return the case as it is, and, unless `brief`, all that can be doubled."""
    cases = list(_cases(script))[: 1 if brief else None]
    steppers = [_Stepper(tt, script, train, case) for case in cases]
    counts = [_steps_of(stepper.steps(2)[0][0]) for stepper in steppers]
    taken: list[list[_Times]] = [[] for _ in cases]
    for _ in range(_REPEATS):
        # In turns, so that a slow moment of the machine meets all cases alike.
        for stepper, count, times in zip(steppers, counts, taken, strict=True):
            times.extend(stepper.steps(count))
    return [s.size(times) for s, times in zip(steppers, taken, strict=True)]


def _cases(script: Script) -> Iterator[_Case]:
    yield _Case("as it is", script.batch)
    wide = "inputs x2" if script.widens_inputs else "width x2"
    yield _Case(wide, script.batch, "width")
    for name in ("depth", "context"):
        if name in inspect.signature(script.build).parameters:
            yield _Case(f"{name} x2", script.batch, name)
    yield _Case("batch x2", 2 * script.batch)


def _times(watch: Watch, begin_s: float, end_s: float) -> _Times:
    """Return seconds of one whole step, of forward and of backward (0 without)."""
    passes = [p for p in watch.backwards if begin_s <= p[0] < end_s]
    if passes:
        until_s, done_s = passes[0]
        return end_s - begin_s, until_s - begin_s, done_s - until_s
    ends = [call.end_s for call in watch.calls if begin_s <= call.start_s < end_s]
    return end_s - begin_s, max(ends) - begin_s, 0.0


def _steps_of(step_s: float) -> int:
    """Return how many steps a repeat has: at least 2, for the time between them."""
    return max(2, min(_STEPS, int(_STEPS_S / step_s)))


class _Stepper:
    """A model of the case's size, and steps of its training."""

    def __init__(self, tt: Any, script: Script, train: Part, case: _Case) -> None:
        self._tt, self._script, self._case = tt, script, case
        doubled = {case.doubled: 2} if case.doubled else {}
        self._model = script.build(tt, np.random.default_rng(0), **doubled)
        self._data = dict(train)
        if script.widens_inputs and doubled:
            self._data["x"] = np.concatenate([train["x"]] * 2, axis=-1)

    def steps(self, count: int) -> list[_Times]:
        """Train for `count` steps and return what each took but the last.

        That one ends the step before.
        """
        with Watch(self._tt, self._model) as watch:
            self._run(watch, count)
        calls = watch.calls
        begun = [call for call in calls if call.layer is calls[0].layer]
        pairs = list(pairwise(begun))
        # Not the smaller batch that may stand at the end of a part of the data.
        full = [pair for pair in pairs if pair[0].shape[0] == self._case.batch]
        return [_times(watch, a.start_s, b.start_s) for a, b in full or pairs]

    def size(self, times: list[_Times]) -> Size:
        """Return the line of the table for the `times` of some steps."""
        memory = self._memory()
        fastest = sorted(times)[: max(1, len(times) // 4)]
        whole, forward, backward = np.mean(fastest, axis=0).tolist()
        return Size(
            self._case.name,
            self._case.batch,
            architecture.count(self._model.values()),
            *(whole, forward, backward or None, whole - forward - backward),
            memory.peak_bytes,
            memory.activation_bytes,
            memory.gradient_bytes,
            memory.optimizer_bytes,
        )

    def _memory(self) -> _Memory:
        """Return what one step allocates, itself started with nothing."""
        found, before = _Memory(), -1
        parameters = architecture.parameters(self._model.values())

        def notice(kind: str) -> None:
            nonlocal before
            now = tracemalloc.get_traced_memory()[0]
            if kind == "layer" and before < 0:
                before = now
            elif kind == "backward":
                found.activation_bytes = now - before
            elif kind == "after":
                grads = [p.grad for p in parameters if p.grad is not None]
                found.gradient_bytes = sum(grad.nbytes for grad in grads)

        tracemalloc.start()
        try:
            with Watch(self._tt, self._model, notice) as watch:
                self._run(watch, 1)
            found.peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        if watch.optimizers:
            found.optimizer_bytes = _held_bytes(watch.optimizers, parameters)
        return found

    def _run(self, tt: Any, count: int) -> None:
        """Train for `count` steps, one slice, on the first examples."""
        script, case, data = self._script, self._case, self._data
        budget = {"epochs": 1, "seed": 0, "batch": case.batch}
        if script.task == "language":
            budget["steps"] = count
        else:
            few = np.arange(count * case.batch) % len(data["x"])
            data = {name: values[few] for name, values in data.items()}
        for _ in script.train(tt, self._model, data, budget, lambda **_facts: None):
            pass


def _held_bytes(optimizers: list[Any], parameters: list[Any]) -> int:
    """Return the bytes of all arrays in the optimizers' attributes, each once.

    The parameters themselves and their gradients do not count.
    """
    seen = {id(p) for p in parameters}
    seen |= {id(p.data) for p in parameters} | {id(p.grad) for p in parameters}
    total, stack = 0, [value for o in optimizers for value in vars(o).values()]
    while stack:
        part = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, np.ndarray):
            total += int(part.nbytes)
        elif isinstance(part, dict):
            stack.extend(part.values())
        elif isinstance(part, list | tuple):
            stack.extend(part)
        elif isinstance(getattr(part, "data", None), np.ndarray):
            stack.append(part.data)
    return total
