"""The same script on the reference: a clock for this host and a second opinion."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from grader.checks.checklib import CheckFailure
from grader.checks.oracle import ORACLE_LIMITS
from grader.checks.remote import OracleError, Session
from grader.sandbox import Zygote
from grader.training.attempt import Attempt
from grader.training.driver import Arrays, Driver

# float32 sums in another order; relative to the largest output.
TOLERANCE: Final = 1e-3
AGREEING: Final = 0.99  # share of outputs within that tolerance


class Replay:
    """A process of the reference beside the student's, for as long as a run lasts."""

    def __init__(self, reference: Zygote, attempt: Attempt) -> None:
        self._attempt = attempt
        self._group = reference.group(attempt.preload, ORACLE_LIMITS)
        channel = self._group.check(ORACLE_LIMITS, seed=attempt.seed % 2**32)
        self._session = Session(channel, set(), trusted=True)
        self._meter = self._group.meter

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._group.close()

    def driver(self) -> Driver:
        """Return a model of the reference, untrained."""
        return driver_of(self._session, self._attempt)

    def calibrate(self) -> float:
        """Return how much slower than the standard machine this host is, at least 1."""
        driver, data = self.driver(), self._attempt.data
        rows = self._attempt.profile.calibration_rows or len(data.train_x)
        driver.start(data.train_x[:rows], data.train_y[:rows])
        before_s = self._meter.finish().cpu_s
        next(driver.slices())
        spent_s = self._meter.finish().cpu_s - before_s
        return max(1.0, spent_s / self._attempt.profile.calibration_cpu_s)

    def given(self, parameters: dict[str, NDArray[np.float32]]) -> Driver:
        """Return a model of the reference with a student's parameters.

        Raises:
            CheckFailure: the parameters do not fit the model.
        """
        driver = self.driver()
        own = driver.parameters()
        for path, value in own.items():
            if path not in parameters:
                raise _misses(path, f"shape {value.shape}", "nothing of that name")
            if parameters[path].shape != value.shape:
                got = f"shape {parameters[path].shape}"
                raise _misses(path, f"shape {value.shape}", got)
        with _fitting("parameters", "arrays that fit the model"):
            driver.restore({path: parameters[path] for path in own})
        return driver

    def predict(
        self, driver: Driver, x: NDArray[Any], places: int = 0
    ) -> NDArray[np.float32]:
        """Return what such a model answers.

        Raises:
            CheckFailure: it cannot be run with these parameters.
        """
        with _fitting("parameters", "arrays that fit the model"):
            return driver.predict(x, places)

    def predict_saved(self, arrays: Arrays, x: NDArray[Any]) -> NDArray[np.float32]:
        """Return what the reference answers with a student's saved model.

        Raises:
            CheckFailure: it cannot be loaded.
        """
        with _fitting("saved model", "arrays that `load` takes"):
            driver = self.driver()
            driver.load(arrays)
            return driver.predict_loaded(x)


def driver_of(session: Session, attempt: Attempt) -> Driver:
    """Return a driver of the attempt's script in the process behind `session`."""
    return Driver(
        session,
        attempt.script,
        seed=attempt.seed % 2**32,
        epochs=attempt.profile.epochs,
        build=attempt.profile.build,
    )


def close(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    """Return whether outputs are alike, but for the order of float32 sums."""
    if a.shape != b.shape:
        return False
    scale = float(np.max(np.abs(b), initial=1e-6))
    near = np.abs(a - b) <= TOLERANCE * scale
    return bool(np.mean(near) >= AGREEING)


def same_shape(outputs: NDArray[np.float32], again: NDArray[np.float32]) -> None:
    """Refuse outputs of another shape than the reference's.

    Raises:
        CheckFailure: they are.
    """
    if outputs.shape != again.shape:
        raise CheckFailure(
            "shape", call="predict", expected=str(again.shape), got=str(outputs.shape)
        )


@contextmanager
def _fitting(what: str, expected: str) -> Iterator[None]:
    """Turn what the reference raises into a failure of what it was given."""
    try:
        yield
    except OracleError as exc:
        raise _misses(what, expected, str(exc)) from exc


def _misses(path: str, expected: str, got: str) -> CheckFailure:
    return CheckFailure(
        "type",
        call=f"the trained parameter {path}" if "." in path else f"the {path}",
        expected=expected,
        got=got,
        hint="a layer keeps its parameters under the names that the course fixes",
    )
