"""Drive one milestone script inside a sandbox, slice by slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grader.checks.checklib import CheckFailure
from grader.checks.remote import Session
from grader.sandbox import BadAnswer

SLICES_PER_EPOCH: Final = 16  # scripts yield once an epoch, or a few times
BATCH: Final = 2048  # predictions are asked for in parts, so that frames stay small

# Sent into the sandbox beside the milestone's script. `ATTRIBUTES` are the parameter
# names that the course fixes for leaf layers.
SOURCE: Final = """
import numpy as np

ATTRIBUTES = ("weight", "bias", "gamma", "beta", "running_mean", "running_var")


class Run:
    def __init__(self, tt, milestone, seed, epochs):
        self.tt, self.milestone = tt, milestone
        self.budget = {"epochs": epochs, "seed": seed}
        self.losses = []
        self.model = milestone.build(tt, np.random.default_rng(seed))

    def log(self, epoch=None, loss=None, **more):
        self.losses.append(float(loss))

    def start(self, x, y):
        data = {"x": x, "y": y}
        self.steps = self.milestone.train(
            self.tt, self.model, data, self.budget, self.log
        )

    def slice(self):
        for _ in self.steps:
            return True, (self.losses or [None])[-1]
        return False, (self.losses or [None])[-1]

    def predict(self, x):
        return np.asarray(self.milestone.predict(self.tt, self.model, x), np.float32)

    def parameters(self):
        found = {}
        for name, layer in self.model.items():
            for attribute in ATTRIBUTES:
                tensor = getattr(layer, attribute, None)
                if tensor is not None:
                    data = getattr(tensor, "data", tensor)
                    found[name + "." + attribute] = np.array(data, np.float32)
        return found

    def restore(self, values):
        for path, value in values.items():
            name, attribute = path.split(".")
            tensor = getattr(self.model[name], attribute)
            if np.shape(tensor.data) != value.shape:
                raise ValueError(f"{path}: {value.shape}")
            tensor.data = np.array(value)
"""


@dataclass(frozen=True)
class Slice:
    """What one slice of training reported."""

    goes_on: bool
    loss: float | None


class Driver:
    """One model in one sandbox."""

    def __init__(
        self, session: Session, script: str, *, seed: int, epochs: int
    ) -> None:
        tt = session.namespace()
        milestone = session.ask("source", script, name="milestone")
        driver = session.ask("source", SOURCE, name="driver")
        self._most_slices = SLICES_PER_EPOCH * epochs
        self._run = driver.Run(tt, milestone, seed, epochs)

    def start(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Hand over the training data."""
        self._run.start(x, y)

    def slices(self) -> Iterator[Slice]:
        """Train slice by slice until the script has no more.

        Raises:
            BadAnswer: it never ends; each slice costs us a probe, so that counts.
        """
        for _ in range(self._most_slices):
            match self._run.slice():
                case (bool() as goes_on, float() | None as loss):
                    yield Slice(goes_on, _finite(loss))
                    if not goes_on:
                        return
                case other:
                    raise _useless("train", "one slice of training", other)
        msg = f"training did not end after {self._most_slices} slices"
        raise BadAnswer(msg)

    def predict(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return the model's outputs for `x`. Shapes: x (n, ...) -> (n, k)."""
        parts = []
        for start in range(0, len(x), BATCH):
            rows = x[start : start + BATCH]
            part = self._run.predict(np.ascontiguousarray(rows))
            if not isinstance(part, np.ndarray) or part.dtype != np.float32:
                raise _useless("predict", "a float32 array", part)
            if part.ndim != 2 or len(part) != len(rows) or not part.shape[1]:
                raise _useless("predict", f"({len(rows)}, k)", part.shape)
            parts.append(part)
        if len({p.shape[1] for p in parts}) != 1:
            raise _useless("predict", "as many outputs for every input", "several")
        return np.concatenate(parts)

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """Return the trained parameters by "layer.attribute"."""
        found = self._run.parameters()
        if not isinstance(found, dict) or not all(
            isinstance(v, np.ndarray) and v.dtype == np.float32 for v in found.values()
        ):
            raise _useless("parameters", "float32 arrays by name", found)
        return found

    def restore(self, values: dict[str, NDArray[np.float32]]) -> None:
        """Give the model other parameters."""
        self._run.restore(values)


def _finite(loss: float | None) -> float | None:
    return None if loss is None or not np.isfinite(loss) else loss


def _useless(call: str, expected: str, got: Any) -> CheckFailure:
    text = got if isinstance(got, str | tuple) else f"a {type(got).__name__}"
    return CheckFailure("type", call=call, expected=expected, got=str(text))


def classes_of(outputs: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return class ids: the largest of several outputs, or one probability over 0.5."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0.5).astype(np.int64)
    ids: NDArray[np.int64] = np.argmax(outputs, axis=1)
    return ids
