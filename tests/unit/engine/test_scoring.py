"""Points, and what is said to block what."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader import scoring
from grader.checks.marks import Marks
from grader.checks.runner import Ran
from grader.checks.suites import Check
from grader.config import load_course
from grader.models.course import Course
from grader.models.outcome import (
    Blocked,
    Inconclusive,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
    Raised,
)
from grader.models.report import CheckMeasure, ModuleResult

HOME = Path(__file__).resolve().parents[3]
WRONG = Mismatch(what="value", call="f()", expected="1", got="2")
KNOWN = Mismatch(what="value", call="f()", expected="1", got="2", misconception="m")
TODO = NotImplementedYet(message="TODO 4.1")
RAISED = Raised(error="ValueError", message="no")
OURS = Inconclusive(reason="the host")


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(HOME / "course.toml")


def ran(
    name: str,
    outcome: Outcome,
    *,
    needs: tuple[str, ...] = (),
    points: float = 1,
    family: str = "",
) -> Ran:
    check = Check(
        id=name,
        family=family or name,
        module=name.split("::", maxsplit=1)[0],
        title=name,
        marks=Marks(points=points, needs=needs),
        function=lambda: None,
        fixtures=(),
        parameters={},
    )
    cost = CheckMeasure(id=name, cpu_s=0.0, wall_s=0.0, peak_rss_bytes=0)
    return Ran(check, outcome, "", cost)


def scored(course: Course, *results: Ran) -> dict[str, ModuleResult]:
    return {m.name: m for m in scoring.score_modules(course, results)}


def test_points_are_weights_inside_the_module(course: Course) -> None:
    module = scored(
        course, ran("tensor::a", Passed(), points=3), ran("tensor::b", WRONG)
    )["tensor"]

    assert module.points == course.module("tensor").points
    assert module.earned == pytest.approx(0.75 * module.points)


def test_all_passed_is_exactly_all_points(course: Course) -> None:
    results = [ran(f"tensor::c{i}", Passed()) for i in range(7)]

    module = scored(course, *results)["tensor"]

    assert module.earned == module.points


def test_modules_without_checks_carry_no_points(course: Course) -> None:
    modules = scored(course, ran("tensor::a", Passed()))

    assert list(modules) == ["tensor"]
    assert scoring.total(modules.values(), []) == (60.0, 60.0)


@pytest.mark.parametrize("outcome", [WRONG, RAISED], ids=["mismatch", "raised"])
def test_a_failure_on_a_failing_need_is_blocked(
    course: Course, outcome: Outcome
) -> None:
    modules = scored(
        course,
        ran("tensor::matmul", WRONG),
        ran("layers::linear", outcome, needs=("tensor::matmul",)),
    )

    assert modules["layers"].checks[0].outcome == Blocked(by=("tensor::matmul",))


@pytest.mark.parametrize("outcome", [Passed(), KNOWN, TODO, OURS], ids=lambda o: o.kind)
def test_nothing_else_is_blocked(course: Course, outcome: Outcome) -> None:
    modules = scored(
        course,
        ran("tensor::matmul", WRONG),
        ran("layers::linear", outcome, needs=("tensor::matmul",)),
    )

    assert modules["layers"].checks[0].outcome == outcome


def test_a_need_that_holds_blocks_nothing(course: Course) -> None:
    modules = scored(
        course,
        ran("tensor::matmul", Passed()),
        ran("layers::linear", WRONG, needs=("tensor::matmul",)),
    )

    assert modules["layers"].checks[0].outcome == WRONG


def test_a_module_blocks_only_when_most_of_it_fails(course: Course) -> None:
    weak = [
        ran("tensor::a", Passed()),
        ran("tensor::b", WRONG),
        ran("tensor::c", WRONG),
    ]
    dependent = ran("layers::linear", WRONG, needs=("tensor",))

    assert scored(course, *weak, dependent)["layers"].checks[0].outcome == Blocked(
        by=("tensor",)
    )
    assert scored(course, *weak[:2], dependent)["layers"].checks[0].outcome == WRONG


def test_a_family_fails_when_one_of_it_does(course: Course) -> None:
    modules = scored(
        course,
        ran("tensor::add_1", Passed(), family="tensor::add"),
        ran("tensor::add_2", WRONG, family="tensor::add"),
        ran("layers::linear", WRONG, needs=("tensor::add",)),
    )

    assert modules["layers"].checks[0].outcome == Blocked(by=("tensor::add",))
