"""Models that tell classes apart, judged by their accuracy on unseen inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grader.datasets import shifted
from grader.training.driver import Arrays, Driver
from grader.training.exam import Exam, Outputs
from grader.training.replay import close, same_shape
from grader.training.requirements import AGREEING, SAME_ANSWERS, at_least, at_most


def classes_of(outputs: Outputs) -> NDArray[np.int64]:
    """Return class ids: the largest of several outputs, or one probability over 0.5."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0.5).astype(np.int64)
    ids: NDArray[np.int64] = np.argmax(outputs, axis=1)
    return ids


def accuracy(outputs: Outputs, labels: NDArray[Any]) -> float:
    """Return the share of right answers. Shapes: (n, k) and (n,)."""
    return float(np.mean(classes_of(outputs) == labels))


class Classes:
    """Accuracy, counted where the reference answers alike from the same parameters."""

    probe: int = 512  # a learning curve needs no more

    def places(self, x: NDArray[Any]) -> int:  # noqa: ARG002 -- no text
        """Return 0: one answer an input."""
        return 0

    def score(self, outputs: Outputs, labels: NDArray[Any]) -> float:
        """Return the accuracy."""
        return accuracy(outputs, labels)

    def shown(self, score: float) -> str:
        """Return "accuracy 91.2%"."""
        return f"accuracy {score:.1%}"

    def judge(self, exam: Exam) -> Arrays | None:
        """Judge the trained model on unseen inputs."""
        attempt, trained, data = exam.attempt, exam.trained, exam.attempt.data
        unseen = shifted(data.test_x, attempt.seed)
        right, agreement, trained.replayed = agreed_accuracy(exam, unseen)
        trained.metric = round(right, 4)
        needed = trained.requirements
        if data.untrained_below is not None:
            name = "accuracy of the untrained model"
            needed.append(at_most(name, exam.untrained, data.untrained_below))
        if data.exact_x is not None and data.exact_y is not None:
            table = accuracy(exam.driver.predict(data.exact_x), data.exact_y)
            needed.append(at_least("truth table, exact", table, 1.0))
        name = f"accuracy on {len(unseen):,} unseen inputs"
        needed.append(at_least(name, trained.metric, attempt.profile.target))
        needed.append(at_least(SAME_ANSWERS, agreement, AGREEING))
        return None

    def judge_loaded(self, driver: Driver, saved: Arrays, exam: Exam) -> None:
        """Nothing is saved."""


def agreed_accuracy(exam: Exam, unseen: NDArray[Any]) -> tuple[float, float, bool]:
    """Return what the model's parameters are worth on unseen inputs.

    Returns:
        the accuracy where the reference gives the same answers, the share of same
        answers, and whether outputs are alike, too.

    Raises:
        CheckFailure: the parameters or outputs do not fit.
    """
    outputs = exam.driver.predict(unseen)
    model = exam.replay.given(exam.driver.parameters())
    again = exam.replay.predict(model, unseen)
    same_shape(outputs, again)
    right = classes_of(outputs) == exam.attempt.data.test_y
    same = classes_of(again) == classes_of(outputs)
    return float(np.mean(right & same)), float(np.mean(same)), close(outputs, again)
