"""Metrics of held-out questions, and what they say of a claim. Pure functions.

Every metric is a mean over questions, so that one draw already has an uncertainty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.checks.checklib import CheckFailure
from grader.models.capstone import Metric
from grader.models.project import (
    Claim,
    ClaimMissed,
    ClaimReproduced,
    ClaimUnclear,
    Draw,
    Reproduction,
)
from grader.projects.questions import Questions
from grader.training.classes import classes_of
from grader.training.language import nats_of

SLACK: Final = 0.01  # of the claim: rounding, and another draw's luck
MOST: Final = 1e12  # of one squared error
# Two-sided 95 % of Student's distribution, by degrees of freedom; and of the normal.
STUDENT: Final = {2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365}
NORMAL: Final = 1.960
FEWEST: Final = 3  # draws for an interval over draws

Outputs = NDArray[np.float32]
Each = NDArray[np.float64]  # the metric of every question


class Score(NamedTuple):
    """A mean over questions."""

    value: float
    standard_error: float
    examples: int


def score(
    metric: Metric, outputs: Outputs, answers: NDArray[Any], asked: Questions
) -> Score:
    """Return the metric of predictions.

    Shapes: outputs (n, k), answers (n,) or (n, k)

    Raises:
        CheckFailure: the predictions have the wrong shape, or are no numbers.
    """
    each = _EACH[metric.name](outputs, answers, asked)
    spread = float(np.std(each, ddof=1)) if len(each) > 1 else 0.0
    return Score(float(np.mean(each)), spread / math.sqrt(len(each)), len(each))


def _right(outputs: Outputs, answers: NDArray[Any], asked: Questions) -> Each:
    wide = asked.classes if asked.classes > 2 or outputs.shape[1] > 1 else 1
    _check(outputs, wide)
    right: Each = (classes_of(outputs) == answers).astype(np.float64)
    return right


def _squared(outputs: Outputs, answers: NDArray[Any], asked: Questions) -> Each:  # noqa: ARG001
    _check(outputs, answers.shape[1])
    error = outputs.astype(np.float64) - answers
    each: Each = np.minimum(np.mean(error * error, axis=1), MOST)
    return each


def _nats(outputs: Outputs, answers: NDArray[Any], asked: Questions) -> Each:
    _check(outputs, asked.classes, finite=False)  # -inf is an honest "never"
    return nats_of(outputs[:, None, :], answers[:, None])[:, 0]


_EACH: Final = {
    "accuracy": _right,
    "mean squared error": _squared,
    "nats per token": _nats,
}


def _check(outputs: Outputs, wide: int, *, finite: bool = True) -> None:
    call = f"predict(x) for {len(outputs)} examples"
    if outputs.shape[1] != wide:
        expected, got = f"({len(outputs)}, {wide})", str(outputs.shape)
        raise CheckFailure("shape", call=call, expected=expected, got=got)
    if finite and not np.all(np.isfinite(outputs)):
        got = "nan or infinity"
        raise CheckFailure("finite", call=call, expected="finite numbers", got=got)


def reproduced(metric: Metric, draws: Sequence[Draw]) -> Reproduction | None:
    """Return the mean over draws with its 95 % interval; None: a draw has no metric."""
    values = [draw.metric for draw in draws if draw.metric is not None]
    if not values or len(values) < len(draws):
        return None
    value, over_draws = math.fsum(values) / len(values), len(values) >= FEWEST
    if over_draws:
        spread = math.fsum((v - value) ** 2 for v in values) / (len(values) - 1)
        half = STUDENT[len(values) - 1] * math.sqrt(spread / len(values))
    else:
        errors = [(draw.standard_error or 0.0) ** 2 for draw in draws]
        half = NORMAL * math.sqrt(math.fsum(errors)) / len(errors)
    most = 1.0 if metric.name == "accuracy" else 2 * MOST
    return Reproduction(
        value=value,
        low=max(0.0, value - half),
        high=min(most, value + half),
        over="draws" if over_draws else "examples",
        draws=len(values),
    )


def judged(metric: Metric, found: Reproduction) -> Claim:
    """Hold the claim against what was measured.

    A run whose draws differ widely gets no benefit of it: a claim that is merely inside
    of a wide interval is unclear, not reproduced.
    """
    sign = 1 if metric.higher_is_better else -1
    by = sign * (metric.claimed - found.value)
    if by <= SLACK * abs(metric.claimed):
        return ClaimReproduced()
    best = found.high if metric.higher_is_better else found.low
    if sign * (metric.claimed - best) <= 0:
        return ClaimUnclear(by=by)
    return ClaimMissed(by=by)
