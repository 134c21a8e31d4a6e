from __future__ import annotations

import pytest

from grader.models.outcome import Blocked, Inconclusive, Outcome, Passed
from grader.models.report import GradeReport
from grader.reports import to_table
from grader.reports.display import columns
from reports.samples import (
    HOSTILE,
    WRONG,
    good,
    hostile,
    module_result,
    perceptron,
    perfect,
    report,
    todo,
)


def failure_blocks(table: str) -> list[list[str]]:
    """Return the lines of each failure."""
    return [
        block.splitlines()
        for block in table.split("\n\n")
        if block.startswith("FAILED ")
    ]


def test_modules_show_points_bar_and_counts() -> None:
    table = to_table(report(modules=good()))

    assert "02  Tensor       8.75 / 10  ===========x       7       1" in table
    assert "06  Autograd     8.33 / 10  ==========..       5             1" in table
    assert "= passed  x failed  . TODO" in table


def test_numbers_of_modules_keep_their_zero() -> None:
    assert "\n02  Tensor" in to_table(report())


def test_a_failure_reads_call_expected_got_misconception_hint() -> None:
    table = to_table(report(modules=(module_result("tensor", (WRONG[0],)),)))

    assert failure_blocks(table) == [
        [
            "FAILED 02 copies gives what the docstring says",
            "  matmul with a (4, 3) and a (3, 5) tensor",
            "    expected  0.268941 at index (0, 0)",
            "    got       nan (2 of 20 entries differ)",
            "    this is   elementwise product",
            "    hint      `*` multiplies entry by entry; matmul also sums over k.",
        ]
    ]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda o: o.kind)
def test_every_failure_has_a_head_and_at_most_six_lines(wrong: Outcome) -> None:
    (block,) = failure_blocks(
        to_table(report(modules=(module_result("tensor", (wrong,)),), milestones=()))
    )

    assert 3 <= len(block) <= 6
    assert block[1].startswith("  ")


def test_a_long_hint_takes_the_lines_that_are_left() -> None:
    raised = WRONG[0].model_copy(update={"misconception": "", "hint": "word " * 25})

    (block,) = failure_blocks(
        to_table(report(modules=(module_result("tensor", (raised,)),), milestones=()))
    )

    assert len(block) == 6
    assert block[-1].strip().startswith("word")


def test_todo_and_passed_are_no_failures() -> None:
    modules = (module_result("tensor", [todo("2.1", "Tensor.__init__")] * 8),)

    table = to_table(report(modules=modules, milestones=()))

    assert failure_blocks(table) == []
    assert "TODO 02 Tensor: 8 left to write; next: 2.1: Tensor.__init__" in table


def test_the_next_task_is_the_lowest_number() -> None:
    outcomes = [todo("2.10", "late"), todo("2.9", "early")]
    module = module_result("tensor", outcomes)
    renumbered = tuple(
        c.model_copy(update={"task": t})
        for c, t in zip(module.checks, ["2.10", "2.9", *[""] * 6], strict=True)
    )
    module = module.model_copy(update={"checks": renumbered})

    assert "next: 2.9: early" in to_table(report(modules=(module,), milestones=()))


def test_blocked_checks_are_grouped_by_their_cause() -> None:
    table = to_table(report())

    assert "blocked by tensor::matmul: 4 checks" in table
    assert table.count("tensor::matmul") == 1


def test_what_could_not_be_judged_is_called_our_side() -> None:
    table = to_table(report())

    assert "1 check could not be judged (our side); nothing to do" in table
    assert "1 check could not" not in to_table(report(modules=perfect()))


def test_milestones_show_metric_cpu_and_memory_against_limits() -> None:
    table = to_table(report())

    assert (
        "01  Perceptron   5 / 5  99.2 %  95.0 %  0.410 / 1  38 / 120  reached" in table
    )
    assert "blocked" in table.split("XOR crisis")[1].splitlines()[0]


def test_a_missed_milestone_is_told_like_a_failed_check() -> None:
    table = to_table(report(modules=perfect(), milestones=(perceptron(accuracy=0.7),)))

    (block,) = failure_blocks(table)
    assert block[0] == "FAILED milestone 01 Perceptron"
    assert "    got       70.0 %" in block


def test_total_tier_and_round_are_named() -> None:
    table = to_table(report())

    assert "isolation  namespaces" in table
    assert "round      autumn-1 (feedback)" in table
    assert table.endswith("total      34.17 of 70 points (48.8 %)\n")


def test_a_report_without_modules_is_still_a_report() -> None:
    table = to_table(report(modules=(), milestones=()))

    assert "total      0 of 0 points" in table


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_stays_text_of_80_columns(text: str) -> None:
    table = to_table(hostile(text))

    assert all(line.isprintable() for line in table.splitlines())
    assert max(columns(line) for line in table.splitlines()) <= 80
    assert all(len(block) <= 6 for block in failure_blocks(table))


@pytest.mark.parametrize(
    "graded",
    [report(), report(modules=good()), report(modules=perfect())],
    ids=["everything", "good", "perfect"],
)
def test_no_line_is_wider_than_80_columns(graded: GradeReport) -> None:
    assert max(columns(line) for line in to_table(graded).splitlines()) <= 80


@pytest.mark.parametrize("weight", [1, 2, 7, 39, 1000])
def test_the_bar_is_full_and_shows_every_state(weight: int) -> None:
    outcomes: list[Outcome] = [
        *[Passed()] * 3,
        WRONG[0],
        Blocked(by=("autograd",)),
        todo("2.1", "x"),
        Inconclusive(reason="host"),
    ]
    module = module_result("tensor", outcomes)
    checks = module.checks[:2] * weight + module.checks
    many = module.model_copy(update={"checks": checks})

    table = to_table(report(modules=(many,), milestones=()))

    bar = next(line for line in table.splitlines() if line.startswith("02")).split()[5]
    assert len(bar) == 12
    assert set(bar) == set("=x-.?")
