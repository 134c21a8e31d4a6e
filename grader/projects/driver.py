"""Drive one project's script inside a sandbox, slice by slice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.checks.remote import Session
from grader.models.project import MAX_POINTS
from grader.projects.inside import SOURCE
from grader.sandbox import BadAnswer, StudentError
from grader.training.driver import useless

NAME: Final = "project"  # of the script's module; errors call its file "<project>"
ASKED_AT_ONCE: Final = 1024  # so that frames stay small


class Step(NamedTuple):
    """What one slice of training says; numbers are the submission's own."""

    goes_on: bool
    loss: float | None
    metric: float | None


class Driver:
    """One project in one sandbox.

    Raises:
        StudentError: from every call, where the script raised.
        Ending: the process is over.
    """

    def __init__(
        self, session: Session, script: str, *, seed: int, cpu_s: float
    ) -> None:
        tt = session.namespace()
        module = session.ask("source", script, name=NAME)
        driver = session.ask("source", SOURCE, name="driver")
        self._run = driver.Run(tt, module, seed, cpu_s)

    def build(self, name: str) -> None:
        """Make the model."""
        self._run.build(name)

    def start(self, data: Mapping[str, Any]) -> None:
        """Hand over the training data."""
        self._run.start(dict(data))

    def slices(self) -> Iterator[Step]:
        """Train slice by slice until the script has no more.

        Raises:
            BadAnswer: it never ends; each slice costs us a probe, so that counts.
        """
        for _ in range(MAX_POINTS):
            match self._run.slice():
                case (bool() as goes_on, float() | None as loss, float() | None as own):
                    yield Step(goes_on, finite(loss), finite(own))
                    if not goes_on:
                        return
                case other:
                    raise useless("train", "one slice of training", other)
        msg = f"training did not end after {MAX_POINTS} slices"
        raise BadAnswer(msg)

    def predict(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return the model's outputs.

        Shapes: x (n, ...) -> (n, k)

        Raises:
            CheckFailure: they are no such array.
        """
        parts = []
        for start in range(0, len(x), ASKED_AT_ONCE):
            rows = np.ascontiguousarray(x[start : start + ASKED_AT_ONCE])
            part = self._run.predict(rows)
            if not isinstance(part, np.ndarray) or part.dtype != np.float32:
                raise useless("predict", "an array of numbers", part)
            shape = part.shape
            if part.ndim != 2 or len(part) != len(rows) or not shape[1]:
                raise useless("predict", f"({len(rows)}, k)", shape)
            parts.append(part)
        if len({p.shape[1] for p in parts}) != 1:
            raise useless("predict", "as many outputs for every input", "several")
        return np.concatenate(parts)

    def where(self) -> str:
        """Return the line of the script that raised, as the process tells it."""
        try:
            told = self._run.where()
        except StudentError:
            return ""
        return told if isinstance(told, str) else ""


def finite(number: float | None) -> float | None:
    """Return a number that a document can hold, or None."""
    usable = number is not None and math.isfinite(number) and abs(number) <= 1e30
    return number if usable else None
