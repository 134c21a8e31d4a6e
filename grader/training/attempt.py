"""One training run in the sandbox, probed, judged and replayed on the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from grader.checks.checklib import CheckFailure
from grader.checks.remote import OracleError, Session
from grader.checks.runner import ORACLE_LIMITS
from grader.datasets import DataSet, shifted
from grader.models.course import MilestoneProfile
from grader.models.measure import Limits, Usage
from grader.models.outcome import Inconclusive, Limit, Mismatch, Outcome, Passed
from grader.models.report import Epoch, Requirement
from grader.sandbox import LimitHit, Zygote
from grader.training.driver import Driver, classes_of

MARGIN: Final = 1.15
FRAME_BYTES: Final = 2**30  # predictions for every probe of a run, together
PROBE: Final = 512  # validation examples a probe; a learning curve needs no more
# float32 sums in another order; relative to the largest output.
REPLAY_TOLERANCE: Final = 1e-3
AGREEING: Final = 0.99  # share of outputs within that tolerance


@dataclass
class Attempt:
    """What is run, and under which limits."""

    name: str
    script: str
    profile: MilestoneProfile
    data: DataSet
    seed: int
    preload: list[str]
    load_limits: Limits
    factor: float = 1.0  # of the CPU budget, for a host slower than the standard one

    @property
    def cpu_limit_s(self) -> float:
        """CPU seconds this run may take on this host."""
        return self.profile.cpu_s * self.factor

    @property
    def limits(self) -> Limits:
        """Limits at which a run is killed; a little over the CPU limit it may go on."""
        return Limits(
            cpu_s=self.cpu_limit_s * MARGIN,
            wall_s=self.profile.wall_s * self.factor,
            memory_bytes=self.profile.memory_mib * 2**20,
            frame_bytes=FRAME_BYTES,
        )

    def stated(self, hit: LimitHit) -> str:
        """Return a limit as the course states it, without this host's factor."""
        match hit.which:
            case Limit.CPU:
                return f"{self.profile.cpu_s:g} s of CPU time"
            case Limit.WALL:
                return f"{self.profile.wall_s:g} s of wall time"
            case _:
                return hit.limit

    @property
    def data_title(self) -> str:
        """The data by name, origin and digest."""
        return f"{self.data.title} ({self.data.origin}), {self.data.digest[:19]}"


@dataclass
class Trained:
    """What is known of a run so far; complete after `train_once`."""

    outcome: Outcome = field(default_factory=lambda: Inconclusive(reason="not run"))
    metric: float | None = None
    requirements: list[Requirement] = field(default_factory=list)
    curve: list[Epoch] = field(default_factory=list)
    replayed: bool = False
    usage: Usage | None = None
    how: str = ""
    stage: str = "at import"


def train_once(
    zygote: Zygote,
    reference: Zygote,
    attempt: Attempt,
    trained: Trained,
    progress: Callable[[str], None],
) -> None:
    """Train the student's model and judge it; `trained` keeps what is known so far.

    Raises:
        StudentError, Ending, CheckFailure: the run did not come to an end.
    """
    with _Replay(reference, attempt) as replay:
        attempt.factor = max(attempt.factor, replay.calibrate())
        group = zygote.group(attempt.preload, attempt.load_limits)
        try:
            channel = group.check(attempt.limits, seed=attempt.seed % 2**32)
            session = Session(channel, set(), trusted=False)
            killed = False
            try:
                _train(session, attempt, trained, replay, progress)
            except LimitHit:
                killed = True
                raise
            finally:
                done = group.finish(kill=killed)
                trained.usage, trained.how = done.usage, done.how
        finally:
            group.close()


def _train(
    session: Session,
    attempt: Attempt,
    trained: Trained,
    replay: _Replay,
    progress: Callable[[str], None],
) -> None:
    data, profile = attempt.data, attempt.profile
    trained.stage = "building the model"
    seed = attempt.seed % 2**32
    driver = Driver(session, attempt.script, seed=seed, epochs=profile.epochs)
    probe_x, probe_y = data.val_x[:PROBE], data.val_y[:PROBE]
    untrained = _accuracy(driver.predict(probe_x), probe_y)
    trained.stage = "in training"
    driver.start(data.train_x, data.train_y)
    for step in driver.slices():
        if not step.goes_on:
            break
        metric = _accuracy(driver.predict(probe_x), probe_y)
        epoch = len(trained.curve) + 1
        trained.curve.append(
            Epoch(epoch=epoch, metric=round(metric, 4), reported_loss=step.loss)
        )
        progress(f"{attempt.name}: epoch {epoch} of {profile.epochs}, {metric:.1%}")
    trained.stage = "predicting unseen inputs"
    _judge(driver, attempt, trained, replay, untrained)


def _judge(
    driver: Driver,
    attempt: Attempt,
    trained: Trained,
    replay: _Replay,
    untrained: float,
) -> None:
    """Compute the metric on unseen inputs, counted where the reference agrees."""
    data, profile = attempt.data, attempt.profile
    unseen = shifted(data.test_x, attempt.seed)
    outputs = driver.predict(unseen)
    again = replay.predict(driver.parameters(), unseen)
    trained.replayed = _close(outputs, again)
    right = classes_of(outputs) == data.test_y
    if again.shape != outputs.shape:
        raise _unlike(outputs.shape, again.shape)
    agreed = right & (classes_of(again) == classes_of(outputs))
    trained.metric = round(float(np.mean(agreed)), 4)
    needed = trained.requirements
    if data.untrained_below is not None:
        name = "accuracy of the untrained model"
        needed.append(_at_most(name, untrained, data.untrained_below))
    if data.exact_x is not None and data.exact_y is not None:
        table = _accuracy(driver.predict(data.exact_x), data.exact_y)
        needed.append(_at_least("truth table, exact", table, 1.0))
    name = f"{profile.metric} on {len(unseen):,} unseen inputs"
    needed.append(_at_least(name, trained.metric, profile.target))
    agreement = float(np.mean(classes_of(again) == classes_of(outputs)))
    needed.append(
        _at_least(
            "same answers from these parameters on the reference", agreement, 0.95
        )
    )
    trained.outcome = _verdict(attempt, needed)


def _verdict(attempt: Attempt, needed: list[Requirement]) -> Outcome:
    for requirement in needed:
        if not requirement.met:
            return Mismatch(
                what="value",
                call=f"milestone {attempt.name}: {requirement.name}",
                expected=requirement.bound,
                got=requirement.got,
                hint=_HINTS.get(requirement.name.split(" ")[0], ""),
            )
    return Passed()


_HINTS: Final = {
    "accuracy": "run the script alone and watch the loss: does it fall every epoch?",
    "truth": "all four corners must be right; look at the one that is not",
    "same": "the layers must compute from `weight` and `bias`, and from nothing else",
}


def _at_least(name: str, got: float, bound: float) -> Requirement:
    return Requirement(
        name=name, bound=f">= {bound:.1%}", got=f"{got:.2%}", met=got >= bound
    )


def _at_most(name: str, got: float, bound: float) -> Requirement:
    return Requirement(
        name=name, bound=f"<= {bound:.1%}", got=f"{got:.2%}", met=got <= bound
    )


def _accuracy(outputs: NDArray[np.float32], labels: NDArray[Any]) -> float:
    return float(np.mean(classes_of(outputs) == labels))


def _close(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    if a.shape != b.shape:
        return False
    scale = float(np.max(np.abs(b), initial=1e-6))
    near = np.abs(a - b) <= REPLAY_TOLERANCE * scale
    return bool(np.mean(near) >= AGREEING)


def _unlike(got: tuple[int, ...], expected: tuple[int, ...]) -> CheckFailure:
    return CheckFailure("shape", call="predict", expected=str(expected), got=str(got))


class _Replay:
    """The same script on the reference: a clock for this host and a second opinion."""

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

    def _driver(self) -> Driver:
        seed, epochs = self._attempt.seed % 2**32, self._attempt.profile.epochs
        return Driver(self._session, self._attempt.script, seed=seed, epochs=epochs)

    def calibrate(self) -> float:
        """Return how much slower than the standard machine this host is, at least 1."""
        driver = self._driver()
        driver.start(self._attempt.data.train_x, self._attempt.data.train_y)
        before_s = self._meter.finish().cpu_s
        next(driver.slices())
        spent_s = self._meter.finish().cpu_s - before_s
        return max(1.0, spent_s / self._attempt.profile.calibration_cpu_s)

    def predict(
        self, parameters: dict[str, NDArray[np.float32]], x: NDArray[Any]
    ) -> NDArray[np.float32]:
        """Return the reference's outputs for a student's parameters.

        Raises:
            CheckFailure: the parameters do not fit the model.
        """
        driver = self._driver()
        own = driver.parameters()
        for path, value in own.items():
            if path not in parameters:
                raise _misses(path, f"shape {value.shape}", "nothing of that name")
            if parameters[path].shape != value.shape:
                got = f"shape {parameters[path].shape}"
                raise _misses(path, f"shape {value.shape}", got)
        try:
            driver.restore({path: parameters[path] for path in own})
            return driver.predict(x)
        except OracleError as exc:
            raise _misses("parameters", "arrays that fit the model", str(exc)) from exc


def _misses(path: str, expected: str, got: str) -> CheckFailure:
    return CheckFailure(
        "type",
        call=f"the trained parameter {path}",
        expected=expected,
        got=got,
        hint="a layer keeps its parameters under the names that the course fixes",
    )
