"""Bounds of a milestone as data, and their verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from grader.config import Home, load_course
from grader.models.course import MilestoneProfile
from grader.training import systems
from grader.training.attempt import Condition
from grader.training.requirements import (
    at_least,
    at_most,
    barely_missed,
    number_at_least,
    number_at_most,
)
from grader.training.systems import zeros_of

COURSE = load_course(Home(Path(__file__).resolve().parents[3]).course_file)
PROFILE: dict[str, Any] = {
    "script": "s.py",
    "data": "xor",
    "target": 0.9,
    "epochs": 1,
    "cpu_s": 1.0,
    "wall_s": 1.0,
    "memory_mib": 1,
    "calibration_cpu_s": 1.0,
}


@pytest.mark.parametrize(
    "extra",
    [
        {"bounds": {"known_words": 0.5}},
        {"judge": "language"},
        {"judge": "language", "bounds": {"known_words": 0.5}},
        {"judge": "systems", "bounds": {"known_words": 1.0, "longest_repeat": 9.0}},
    ],
)
def test_bounds_are_the_ones_the_judge_asks_for(extra: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="bounds for"):
        MilestoneProfile(**PROFILE | extra)


def test_less_is_better_for_nats_only() -> None:
    bounds = {"known_words": 0.5, "longest_repeat": 60.0}
    text = MilestoneProfile(**PROFILE, judge="language", bounds=bounds)

    assert (text.metric, text.lower_is_better) == ("nats per character", True)
    assert MilestoneProfile(**PROFILE).metric == "accuracy"


def test_the_fast_profile_is_the_full_one_where_there_is_no_variant() -> None:
    stones = {m.name: m for m in COURSE.milestones}

    assert stones["mlp"].profile("fast") == stones["mlp"].full
    assert stones["cnn"].profile("fast") == stones["cnn"].fast != stones["cnn"].full
    assert stones["cnn"].profile("quick") == stones["cnn"].quick


def test_numbers_are_compared_in_their_own_direction() -> None:
    assert number_at_least("x", 3.9, 3.9).met
    assert not number_at_least("x", 3.89, 3.9).met
    assert number_at_most("x", 1.8, 1.8).met
    assert not number_at_most("x", 1.801, 1.8).met
    assert not number_at_most("x", float("nan"), 1.8).met


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (at_least("x", 0.72, 0.75), at_least("x", 0.71, 0.75)),
        (at_most("x", 0.0222, 0.02), at_most("x", 0.0231, 0.02)),
        (number_at_least("x", 3.5, 3.9), number_at_least("x", 3.3, 3.9)),
        (number_at_most("x", 2.0, 1.8), number_at_most("x", 2.1, 1.8)),
    ],
    ids=["share or more", "share or less", "number or more", "number or less"],
)
def test_what_is_missed_by_little_is_told_from_what_is_far(
    near: Condition, far: Condition
) -> None:
    met = at_least("y", 1.0, 1.0)

    assert not near.met
    assert not far.met
    assert barely_missed([met, near])
    assert not barely_missed([near, far])
    assert not barely_missed([met])


def test_all_or_nothing_is_never_nearly_met() -> None:
    assert not barely_missed([at_least("truth table", 0.75, 1.0)])
    assert not barely_missed([number_at_most("x", float("nan"), 1.8)])


def test_sparsity_counts_weights_and_no_biases() -> None:
    weight = np.array([[0, 1], [0, 0]], np.float32)

    assert zeros_of({"a.weight": weight, "a.bias": weight[0]}) == (3, 4)
    assert zeros_of({"a.bias": weight[0]}) == (0, 0)


@pytest.mark.parametrize(("zeros", "met"), [(8, True), (7, True), (6, False)])
def test_sparsity_is_exact_to_one_weight(zeros: int, met: bool) -> None:
    assert systems._sparse(zeros, 10, 0.8).met is met
