"""Metrics of predictions, and claims held against them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from grader.checks.checklib import CheckFailure
from grader.models.capstone import Metric
from grader.models.project import (
    ClaimMissed,
    ClaimReproduced,
    ClaimUnclear,
    DataFacts,
    Reproduction,
)
from grader.projects.questions import Questions
from grader.projects.scores import judged, reproduced, score
from projects.made import A_DIGEST, draw

ACCURACY = Metric(name="accuracy", claimed=0.9)
ERROR = Metric(name="mean squared error", claimed=0.5)
NATS = Metric(name="nats per token", claimed=2.0)
NONE = np.zeros((0, 1), np.float32)
ASKED = Questions(
    train={},
    val_x=NONE,
    val_y=NONE,
    test_x=NONE,
    test_y=NONE,
    classes=3,
    digest=A_DIGEST,
    facts=DataFacts(title="data", own=True, train=1, held_out=1),
)


def test_accuracy_is_the_share_of_right_answers_with_its_error() -> None:
    outputs = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]

    found = score(ACCURACY, outputs, np.array([0, 1, 2, 1]), ASKED)

    assert found.value == 0.75
    assert found.standard_error == pytest.approx(0.5 / 2)
    assert found.examples == 4


def test_of_two_classes_one_probability_is_enough() -> None:
    outputs = np.array([[0.9], [0.2]], np.float32)

    two = replace(ASKED, classes=2)
    assert score(ACCURACY, outputs, np.array([1, 0]), two).value == 1.0
    with pytest.raises(CheckFailure):
        score(ACCURACY, outputs, np.array([1, 0]), ASKED)


def test_squared_errors_are_averaged_and_bounded() -> None:
    outputs = np.array([[1.0, 2.0], [3e38, 0.0]], np.float32)

    found = score(ERROR, outputs, np.array([[0.0, 0.0], [0.0, 0.0]]), ASKED)

    assert found.value == pytest.approx((2.5 + 1e12) / 2)


def test_nats_are_of_the_right_token_whatever_the_scale() -> None:
    even = np.full((5, 3), 7.0, np.float32)

    found = score(NATS, even, np.zeros(5, np.int64), ASKED)

    assert found.value == pytest.approx(np.log(3))


@pytest.mark.parametrize("metric", [ACCURACY, ERROR])
def test_what_is_no_number_is_refused(metric: Metric) -> None:
    outputs = np.full((2, 3), np.nan, np.float32)
    answers = np.zeros(2, np.int64) if metric is ACCURACY else np.zeros((2, 3))

    with pytest.raises(CheckFailure) as refused:
        score(metric, outputs, answers, ASKED)
    assert refused.value.what == "finite"


def test_three_draws_have_an_interval_over_draws() -> None:
    found = reproduced(ACCURACY, [draw(n, v) for n, v in enumerate((0.8, 0.9, 1.0), 1)])

    assert found is not None
    assert (found.over, found.draws) == ("draws", 3)
    assert found.value == pytest.approx(0.9)
    half = 4.303 * 0.1 / 3**0.5
    assert (found.low, found.high) == (pytest.approx(0.9 - half), 1.0)


def test_one_draw_has_the_interval_of_its_examples() -> None:
    found = reproduced(ACCURACY, [draw(1, 0.9, standard_error=0.01)])

    assert found is not None
    assert (found.over, found.draws) == ("examples", 1)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.01)


def test_without_a_metric_nothing_is_reproduced() -> None:
    nothing = draw(2, metric=None)  # type: ignore[arg-type]

    assert reproduced(ACCURACY, []) is None
    assert reproduced(ACCURACY, [draw(1, 0.9), nothing]) is None


def found_in(low: float, value: float, high: float) -> Reproduction:
    return Reproduction(value=value, low=low, high=high, over="draws", draws=3)


@pytest.mark.parametrize(
    ("metric", "found", "kind"),
    [
        (ACCURACY, found_in(0.93, 0.95, 0.97), ClaimReproduced),
        (ACCURACY, found_in(0.8915, 0.8915, 0.8915), ClaimReproduced),  # within 1 %
        (ACCURACY, found_in(0.5, 0.8, 1.0), ClaimUnclear),
        (ACCURACY, found_in(0.7, 0.75, 0.8), ClaimMissed),
        (ERROR, found_in(0.3, 0.4, 0.5), ClaimReproduced),
        (ERROR, found_in(0.4, 0.6, 0.8), ClaimUnclear),
        (ERROR, found_in(0.55, 0.6, 0.65), ClaimMissed),
    ],
)
def test_a_claim_is_held_against_value_and_interval(
    metric: Metric, found: Reproduction, kind: type
) -> None:
    assert isinstance(judged(metric, found), kind)


def test_draws_that_differ_widely_make_no_claim_true() -> None:
    wide = reproduced(ACCURACY, [draw(n, v) for n, v in enumerate((0.2, 0.5, 0.8), 1)])

    assert wide is not None
    assert wide.high == 1.0
    assert isinstance(judged(ACCURACY, wide), ClaimUnclear)


def test_how_much_is_missing_is_told() -> None:
    missed = judged(ACCURACY, found_in(0.7, 0.75, 0.8))

    assert isinstance(missed, ClaimMissed)
    assert missed.by == pytest.approx(0.15)
