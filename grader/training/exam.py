"""What a judge of milestones works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from grader.training.attempt import Attempt, Trained
from grader.training.driver import Arrays, Driver
from grader.training.replay import Replay

Outputs = NDArray[np.float32]


@dataclass
class Exam:
    """A trained model in its sandbox, and what it is compared with.

    Attributes:
        untrained: the model's score on the probe before training.
        spent_s: returns the CPU seconds of the student's process, from outside.
    """

    attempt: Attempt
    trained: Trained
    replay: Replay
    driver: Driver
    untrained: float
    spent_s: Callable[[], float]


class Judge(Protocol):
    """How models of one kind are scored; all numbers are computed here, outside.

    Attributes:
        probe: how many validation examples a point of the learning curve takes.
    """

    probe: int

    def places(self, x: NDArray[Any]) -> int:
        """Return how many characters an input has, each with an answer; 0: no text."""

    def score(self, outputs: Outputs, labels: NDArray[Any]) -> float:
        """Return the metric of these outputs."""

    def shown(self, score: float) -> str:
        """Return a score as a line of progress shows it."""

    def judge(self, exam: Exam) -> Arrays | None:
        """Fill in what is known of `exam.trained`.

        Returns:
            what the student's package is to load in a new process, if anything.
        """

    def judge_loaded(self, driver: Driver, saved: Arrays, exam: Exam) -> None:
        """Judge what another process of the student's makes of `saved`."""
