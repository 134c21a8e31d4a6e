"""One draw of a project in the sandbox: probed between slices, scored at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from grader.checks.judge import judge, normal
from grader.checks.remote import Session
from grader.errors import GraderError
from grader.models.capstone import Capstone
from grader.models.measure import Limits, Usage
from grader.models.outcome import (
    Crashed,
    Inconclusive,
    Limit,
    LimitExceeded,
    Outcome,
    Passed,
    Raised,
)
from grader.models.project import Draw, Point
from grader.projects.driver import Driver
from grader.projects.questions import Questions
from grader.projects.scores import score
from grader.sandbox import Died, Group, LimitHit, StudentError, Zygote

MARGIN: Final = 1.15  # what is over its budget by less is run once more
WALL: Final = 4.0  # times the CPU seconds, and a while to start: a backstop only
START_S: Final = 20.0
FRAME_BYTES: Final = 2**28  # predictions for every probe of a draw, together
PLACE: Final = "<project>"


@dataclass(frozen=True)
class Attempt:
    """What one draw runs, and under which limits.

    Attributes:
        factor: of the CPU budget, for a host slower than the standard one.
    """

    number: int
    declared: Capstone
    script: str
    asked: Questions
    seed: int
    preload: tuple[str, ...]
    load_limits: Limits
    factor: float = 1.0

    @property
    def cpu_limit_s(self) -> float:
        """CPU seconds that the budget is on this host."""
        return self.declared.budget.cpu_s * self.factor

    @property
    def limits(self) -> Limits:
        """Limits at which a draw is killed; a little over its budget it may go on."""
        cpu_s = self.cpu_limit_s * MARGIN
        return Limits(
            cpu_s=cpu_s,
            wall_s=WALL * cpu_s + START_S,
            memory_bytes=self.declared.budget.memory_bytes,
            frame_bytes=FRAME_BYTES,
        )

    @property
    def budget(self) -> str:
        """The CPU budget as declared."""
        return f"{self.declared.budget.cpu_s:g} s of CPU time, its own budget"


@dataclass
class Found:
    """What is known of a draw so far."""

    stage: str = "at import"
    place: str = ""  # of an error, in the script
    how: str = ""
    metric: float | None = None
    standard_error: float | None = None
    examples: int = 0
    reported: float | None = None
    curve: list[Point] = field(default_factory=list)
    usage: Usage | None = None


def draw(zygote: Zygote, attempt: Attempt) -> Draw:
    """Run one draw and turn whatever happened into an outcome.

    Raises:
        GraderError: ours; nothing a submission does raises.
    """
    found = Found()
    outcome: Outcome
    try:
        _run(zygote, attempt, found)
        outcome = Passed()
    except GraderError:
        raise
    except Exception as exc:  # noqa: BLE001 -- judged, whatever it is
        outcome = _outcome(exc, attempt, found)
    if isinstance(outcome, Passed) and over_budget(attempt, found.usage):
        where = "in training and predicting"
        outcome = LimitExceeded(which=Limit.CPU, limit=attempt.budget, where=where)
    counts = isinstance(outcome, Passed)
    return Draw(
        number=attempt.number,
        outcome=outcome,
        metric=found.metric if counts else None,
        standard_error=found.standard_error if counts else None,
        examples=found.examples if counts else 0,
        reported=found.reported,
        curve=tuple(found.curve),
        usage=found.usage,
    )


def over_budget(attempt: Attempt, usage: Usage | None) -> bool:
    """Return whether a run took more CPU time than was declared."""
    return usage is not None and usage.cpu_s > attempt.cpu_limit_s


def _run(zygote: Zygote, attempt: Attempt, found: Found) -> None:
    """Train and ask.

    Raises:
        StudentError, Ending, CheckFailure: the draw did not come to its end.
    """
    group = zygote.group(attempt.preload, attempt.load_limits)
    try:
        _in_group(group, attempt, found)
    finally:
        group.close()


def _in_group(group: Group, attempt: Attempt, found: Found) -> None:
    """Run in a process of the group; what it used is known afterwards."""
    channel = group.check(attempt.limits, seed=attempt.seed % 2**32)
    killed = False
    try:
        session = Session(channel, set(), trusted=False)
        with _placed(session, attempt, found) as driver:
            _train(driver, session, attempt, found)
            if attempt.declared.metric.measured:
                found.stage = "predicting held-out examples"
                _examine(driver, attempt, found)
    except LimitHit:
        killed = True
        raise
    finally:
        done = group.finish(kill=killed)
        found.usage, found.how = done.usage, done.how
    if done.over:
        raise done.over


@contextmanager
def _placed(session: Session, attempt: Attempt, found: Found) -> Iterator[Driver]:
    """Give a driver; where the script raises, keep the line."""
    found.stage = "reading the script"
    seed, cpu_s = attempt.seed % 2**32, attempt.declared.budget.cpu_s
    driver = Driver(session, attempt.script, seed=seed, cpu_s=cpu_s)
    try:
        yield driver
    except StudentError:
        found.place = driver.where()
        raise


def _train(driver: Driver, session: Session, attempt: Attempt, found: Found) -> None:
    """Run all slices, and measure the learning curve between them."""
    metric, asked = attempt.declared.metric, attempt.asked
    found.stage = "building the model"
    driver.build(attempt.declared.script.build)
    found.stage = "in training"
    driver.start(asked.train)
    for number, step in enumerate(driver.slices(), start=1):
        found.reported = step.metric if not metric.measured else None
        if not step.goes_on:
            return
        value = None
        if metric.measured:
            outputs = driver.predict(asked.val_x)
            value = score(metric, outputs, asked.val_y, asked).value
        found.curve.append(
            Point(
                slice=number,
                cpu_s=session.channel.spent_cpu_s(),
                metric=value,
                reported_loss=step.loss,
            )
        )


def _examine(driver: Driver, attempt: Attempt, found: Found) -> None:
    """Ask the held-out questions, and score the answers here."""
    asked = attempt.asked
    outputs = driver.predict(asked.test_x)
    result = score(attempt.declared.metric, outputs, asked.test_y, asked)
    found.metric, found.standard_error, found.examples = result


def _outcome(exc: Exception, attempt: Attempt, found: Found) -> Outcome:
    limits, stage = attempt.limits, found.stage
    match exc:
        case LimitHit(which=Limit.CPU) if stage != "at import":
            return LimitExceeded(which=Limit.CPU, limit=attempt.budget, where=stage)
        case Died():
            return Crashed(how=found.how or str(exc), where=stage)
        case _:
            # What nobody foresaw is ours: no reference runs this script.
            outcome = judge(
                exc, how=found.how, call=stage, limits=limits, holds=lambda: False
            )
    if isinstance(outcome, Raised):
        return _in_script(outcome, attempt, found)
    return outcome


def _in_script(outcome: Raised, attempt: Attempt, found: Found) -> Raised:
    """Return an error with the line of the script, where it is known."""
    file, where = attempt.declared.script.file, outcome.where
    if where.startswith(PLACE):  # it does not parse
        where = file + where.removeprefix(PLACE)
    elif found.place:
        script = normal(f"{file}:{found.place}", 160)
        where = f"{where}; called at {script}" if where else script
    return Raised(**(dict(outcome) | {"where": where, "hint": outcome.hint}))


def interrupted(number: int) -> Draw:
    """Return a draw that Ctrl-C ended."""
    return Draw(number=number, outcome=Inconclusive(reason="interrupted by Ctrl-C"))
