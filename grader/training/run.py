"""One training run in the sandbox: probed between slices, judged at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from grader.checks.remote import Session
from grader.models.measure import Usage
from grader.models.report import Epoch
from grader.sandbox import LimitHit, Zygote
from grader.sandbox.group import Group
from grader.training.attempt import Attempt, Trained
from grader.training.classes import Classes
from grader.training.driver import Arrays, Driver
from grader.training.exam import Exam, Judge
from grader.training.language import Language
from grader.training.replay import Replay, driver_of
from grader.training.requirements import verdict
from grader.training.systems import Systems

JUDGES: Final[dict[str, Judge]] = {
    "classes": Classes(),
    "language": Language(),
    "systems": Systems(),
}
Talk = Callable[[str], None]


def train_once(
    zygote: Zygote,
    reference: Zygote,
    attempt: Attempt,
    trained: Trained,
    progress: Talk,
) -> None:
    """Train the student's model and judge it; `trained` keeps what is known so far.

    Raises:
        StudentError, Ending, CheckFailure: the run did not come to an end.
    """
    judge = JUDGES[attempt.profile.judge]
    with Replay(reference, attempt) as replay:
        attempt.factor = max(attempt.factor, replay.calibrate())
        group = zygote.group(attempt.preload, attempt.load_limits)
        try:
            with _process(group, attempt, trained) as session:
                exam = _prepared(session, attempt, trained, replay)
                _train(exam, _Lines(progress, attempt, group))
                trained.stage = "predicting unseen inputs"
                saved = judge.judge(exam)
            if saved is not None:
                _reload(group, exam, saved)
        finally:
            group.close()
    trained.outcome = verdict(attempt, trained.requirements)


@contextmanager
def _process(group: Group, attempt: Attempt, trained: Trained) -> Iterator[Session]:
    """Give a fresh process of the student's; what it used is added up."""
    channel = group.check(attempt.limits, seed=attempt.seed % 2**32)
    killed = False
    try:
        yield Session(channel, set(), trusted=False)
    except LimitHit:
        killed = True
        raise
    finally:
        done = group.finish(kill=killed)
        trained.usage, trained.how = _both(trained.usage, done.usage), done.how
    if done.over:
        raise done.over


def _both(first: Usage | None, second: Usage) -> Usage:
    """Return the usage of two processes that ran one after the other."""
    if first is None:
        return second
    return Usage(
        cpu_s=first.cpu_s + second.cpu_s,
        wall_s=first.wall_s + second.wall_s,
        peak_rss_bytes=max(first.peak_rss_bytes, second.peak_rss_bytes),
        curve=first.curve,
    )


def _prepared(
    session: Session, attempt: Attempt, trained: Trained, replay: Replay
) -> Exam:
    """Build the model, look at what it can untrained, and hand it the data."""
    data, judge = attempt.data, JUDGES[attempt.profile.judge]
    trained.stage = "building the model"
    driver = driver_of(session, attempt)
    x, y = data.val_x[: judge.probe], data.val_y[: judge.probe]
    untrained = judge.score(driver.predict(x, judge.places(x)), y)
    trained.stage = "in training"
    driver.start(data.train_x, data.train_y)
    return Exam(
        attempt, trained, replay, driver, untrained, session.channel.spent_cpu_s
    )


def _train(exam: Exam, lines: _Lines) -> None:
    """Run all slices, and measure the learning curve between them."""
    data, judge = exam.attempt.data, JUDGES[exam.attempt.profile.judge]
    x, y = data.val_x[: judge.probe], data.val_y[: judge.probe]
    for step in exam.driver.slices():
        if not step.goes_on:
            break
        score = judge.score(exam.driver.predict(x, judge.places(x)), y)
        epoch = len(exam.trained.curve) + 1
        exam.trained.curve.append(
            Epoch(epoch=epoch, metric=round(score, 4), reported_loss=step.loss)
        )
        lines.show(epoch, judge.shown(score), step.loss)


class _Lines:
    """A line of progress for every epoch."""

    def __init__(self, progress: Talk, attempt: Attempt, group: Group) -> None:
        self._say, self._attempt, self._group = progress, attempt, group
        self._started = time.monotonic()

    def show(self, epoch: int, score: str, loss: float | None) -> None:
        """Say how far training is, what it has cost, and how long it may take yet."""
        epochs = max(epoch, self._attempt.profile.epochs)
        elapsed_s = time.monotonic() - self._started
        left_s = elapsed_s / epoch * (epochs - epoch)
        used = self._group.meter.sample()
        parts = [
            f"{self._attempt.name}: epoch {epoch} of {epochs}, {score}",
            f"{elapsed_s:.0f} s, about {left_s:.0f} s to go",
            f"{used.cpu_s:.1f} of {self._attempt.cpu_limit_s:.0f} s CPU",
            f"{used.rss_bytes / 2**20:.0f} of {self._attempt.profile.memory_mib} MiB",
            *([] if loss is None else [f"it reports a loss of {loss:.4g}"]),
        ]
        self._say(", ".join(parts))


def _reload(group: Group, exam: Exam, saved: Arrays) -> None:
    """Let a new process of the student's load what was saved, and judge it."""
    attempt, trained = exam.attempt, exam.trained
    with _process(group, attempt, trained) as session:
        driver: Driver = driver_of(session, attempt)
        JUDGES[attempt.profile.judge].judge_loaded(driver, saved, exam)
