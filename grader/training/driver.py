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
from grader.training.inside import SOURCE

SLICES_PER_EPOCH: Final = 16  # scripts yield once an epoch, or a few times
# Predictions are asked for in parts, so that frames stay small.
OUTPUTS_A_PART: Final = 1 << 20
INPUTS_A_PART: Final = 2048

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Slice:
    """What one slice of training reported."""

    goes_on: bool
    loss: float | None


class Driver:
    """One model in one sandbox.

    Args:
        build: the script's function that makes the model.
    """

    def __init__(
        self,
        session: Session,
        script: str,
        *,
        seed: int,
        epochs: int,
        build: str = "build",
    ) -> None:
        tt = session.namespace()
        milestone = session.ask("source", script, name="milestone")
        driver = session.ask("source", SOURCE, name="driver")
        self._most_slices = SLICES_PER_EPOCH * epochs
        self._run = driver.Run(tt, milestone, build, seed, epochs)

    def start(self, x: NDArray[Any], y: NDArray[Any]) -> None:
        """Hand over the training data."""
        self._run.start(x, y)

    def prune(self) -> None:
        """Go on with the script's `prune`, on the same data; `slices` runs it."""
        self._run.prune()

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
                    raise useless("train", "one slice of training", other)
        msg = f"training did not end after {self._most_slices} slices"
        raise BadAnswer(msg)

    def predict(self, x: NDArray[Any], places: int = 0) -> NDArray[np.float32]:
        """Return the model's outputs for `x`.

        Shapes: x (n, ...) -> (n, k), or (n, places, k) where every input is a text

        Args:
            places: characters of every input, each with an answer; 0: no text.
        """
        return self._outputs(self._run.predict, x, places)

    def predict_loaded(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return the outputs of what `load` made. Shapes: x (n, ...) -> (n, k)."""
        return self._outputs(self._run.predict_loaded, x, 0)

    def _outputs(self, call: Any, x: NDArray[Any], places: int) -> NDArray[np.float32]:
        size = max(1, min(INPUTS_A_PART, OUTPUTS_A_PART // (128 * max(1, places))))
        parts = []
        for start in range(0, len(x), size):
            rows = x[start : start + size]
            part = call(np.ascontiguousarray(rows))
            if not isinstance(part, np.ndarray) or part.dtype != np.float32:
                raise useless("predict", "a float32 array", part)
            front = (len(rows), places) if places else (len(rows),)
            if part.shape[:-1] != front or not part.shape[-1]:
                wanted = ", ".join(map(str, front))
                raise useless("predict", f"({wanted}, k)", part.shape)
            parts.append(part)
        if len({p.shape[-1] for p in parts}) != 1:
            raise useless("predict", "as many outputs for every input", "several")
        return np.concatenate(parts)

    def parameters(self) -> dict[str, NDArray[np.float32]]:
        """Return the trained parameters by "layer.attribute"."""
        found = self._run.parameters()
        if not isinstance(found, dict) or not all(
            isinstance(v, np.ndarray) and v.dtype == np.float32 for v in found.values()
        ):
            raise useless("parameters", "float32 arrays by name", found)
        return found

    def restore(self, values: dict[str, NDArray[np.float32]]) -> None:
        """Give the model other parameters."""
        self._run.restore(values)

    def quantized(self) -> Arrays:
        """Return what the script saves of the quantized model."""
        found = self._run.quantized()
        if not isinstance(found, dict) or not all(
            isinstance(v, np.ndarray) for v in found.values()
        ):
            raise useless("quantized", "arrays by name", found)
        return found

    def load(self, arrays: Arrays) -> int:
        """Make a model of what was saved; return the bytes of all arrays it holds."""
        held = self._run.load(arrays)
        if not isinstance(held, int) or held < 0:
            raise useless("load", "a model with arrays", held)
        return held

    def decoder(self) -> None:
        """Make the model that writes text."""
        self._run.decoder()

    def decode(self, prompt: list[int], count: int, *, cached: bool) -> list[int]:
        """Return the ids that the decoder writes after `prompt`, each the likeliest."""
        found = self._run.decode(prompt, count, cached)
        if not isinstance(found, list) or not all(isinstance(i, int) for i in found):
            raise useless("decode", "a list of ids", found)
        return found


def _finite(loss: float | None) -> float | None:
    return None if loss is None or not np.isfinite(loss) else loss


def useless(call: str, expected: str, got: Any) -> CheckFailure:
    """Return the failure of a call that gave something of another kind."""
    text = got if isinstance(got, str | tuple) else f"a {type(got).__name__}"
    return CheckFailure("type", call=call, expected=expected, got=str(text))
