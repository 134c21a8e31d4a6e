from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reports.samples import good, hostile, module_result, perceptron, report

from exports.golden import UNJUDGED, judged
from grader.errors import UsageError
from grader.exports.lines import deal, fitted, parts_of, printed, told, unjudged
from grader.models.outcome import Passed
from grader.models.report import CheckResult, GradeReport, ModuleResult, Verdict


def scored(points: float, marks: list[tuple[int, bool]]) -> ModuleResult:
    """Return a module as scoring makes it: every number rounded on its own."""
    weight = sum(mark for mark, _ in marks)
    checks = []
    for number, (mark, passed) in enumerate(marks):
        worth = round(points * mark / weight, 4)
        check = CheckResult(
            id=f"tensor::c{number}",
            title="a check",
            points=worth,
            earned=worth if passed else 0.0,
            outcome=Passed() if passed else UNJUDGED,
        )
        checks.append(check)
    won = sum(mark for mark, passed in marks if passed)
    return ModuleResult(
        name="tensor",
        number="02",
        title="Tensor",
        points=points,
        earned=round(points * won / weight, 4),
        checks=tuple(checks),
    )


def of_two(first: ModuleResult, second: ModuleResult) -> GradeReport:
    base = report(modules=(first, second), milestones=())
    total = round(first.earned + second.earned, 2)
    verdict = Verdict(**{**dict(base.verdict), "earned": total})
    return GradeReport(**{**dict(base), "verdict": verdict})


MARKS = st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=40)
POINTS = st.integers(1, 400).map(lambda n: n / 4)


@settings(deadline=None)  # the machine is shared
@given(POINTS, MARKS, POINTS, MARKS)
def test_lines_add_up_to_the_total_to_the_hundredth(
    points: float,
    marks: list[tuple[int, bool]],
    more: float,
    others: list[tuple[int, bool]],
) -> None:
    made = of_two(scored(points, marks), scored(more, others))

    parts = parts_of(made)

    lines = [line for part in parts for line in part.lines]
    assert sum(line.earned for line in lines) == round(100 * made.verdict.earned)
    assert sum(line.points for line in lines) == round(100 * made.verdict.points)
    for part in parts:
        assert sum(line.earned for line in part.lines) == part.earned
        assert sum(line.points for line in part.lines) == part.points


@settings(deadline=None)
@given(POINTS, MARKS, POINTS, MARKS)
def test_a_check_that_holds_earns_all_of_its_points_and_others_none(
    points: float,
    marks: list[tuple[int, bool]],
    more: float,
    others: list[tuple[int, bool]],
) -> None:
    made = of_two(scored(points, marks), scored(more, others))

    for part in parts_of(made):
        right = any(line.passed for line in part.lines)
        for line in part.lines:
            if right and not all(other.passed for other in part.lines):
                assert line.earned == (line.points if line.passed else 0)
            assert 0 <= line.earned <= line.points


@settings(deadline=None)
@given(
    st.integers(0, 10_000),
    st.lists(st.floats(0, 1000, allow_nan=False), min_size=1, max_size=50),
)
def test_what_is_dealt_out_is_whole_and_complete(
    total: int, weights: list[float]
) -> None:
    dealt = deal(total, weights)

    assert sum(dealt) == total
    assert min(dealt) >= 0
    if any(weights):
        whole = sum(weights)
        for share, weight in zip(dealt, weights, strict=True):
            assert abs(share - total * weight / whole) < 1.01


def test_parts_have_keys_that_no_two_of_a_course_share() -> None:
    parts = parts_of(judged())

    assert [part.key for part in parts] == [
        *("setup", "tensor", "milestone_perceptron", "milestone_xor")
    ]
    assert [part.label for part in parts][1:3] == [
        *("02 tensor", "01 milestone_perceptron")
    ]


def test_a_module_without_checks_keeps_its_points() -> None:
    base = module_result("setup", ())
    empty = ModuleResult(**{**dict(base), "checks": ()})

    parts = parts_of(report(modules=(empty,), milestones=()))

    assert [(line.earned, line.points) for line in parts[0].lines] == [(1000, 1000)]


def test_what_was_not_judged_is_counted_in_words() -> None:
    one = report(modules=(module_result("tensor", [UNJUDGED]),), milestones=())
    two = report(modules=(module_result("tensor", [UNJUDGED] * 2),), milestones=())

    assert unjudged(parts_of(one)).startswith("1 check could not be judged")
    assert unjudged(parts_of(two)).startswith("2 checks could not be judged")
    assert unjudged(parts_of(report(modules=good()))) == ""


def test_texts_are_shortened_until_a_document_fits() -> None:
    asked: list[int] = []

    def build(limit: int) -> bytes:
        asked.append(limit)
        return b"x" * (100 + limit)

    assert len(fitted(build, 250, "junit")) == 160
    assert asked == [600, 200, 60]
    with pytest.raises(UsageError, match="does not fit into 50 bytes"):
        fitted(build, 50, "junit")


def test_a_long_text_does_not_push_out_the_hint() -> None:
    graded = hostile("A" * 2**20)

    mismatch = told(parts_of(graded)[0].lines[0], 600)

    assert [line.split()[0] for line in mismatch.splitlines()[1:]] == [
        *("expected", "got", "this", "hint")
    ]
    assert told(parts_of(graded)[0].lines[0], 0) == ""


def test_what_a_milestone_missed_is_told_with_what_was_asked() -> None:
    graded = report(modules=(), milestones=(perceptron(accuracy=0.5),))

    (line,) = parts_of(graded)[0].lines

    assert printed(line, 600) == "accuracy on unseen points: 50.0 %, asked >= 95.0 %"
