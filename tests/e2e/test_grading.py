"""Known packages get the points they are known to deserve."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from grader_command import REFERENCE, Done, Grader, copied, modules

from grader.models.outcome import (
    Blocked,
    Inconclusive,
    Mismatch,
    NotImplementedYet,
    Passed,
    Raised,
)

MISTAKES: list[dict[str, Any]] = tomllib.loads(
    (REFERENCE / "mutants" / "typical_mistakes.toml").read_text(encoding="utf8")
)["edits"]
RIGHT = Passed, Blocked  # passed, or explained by another check
# The id of a check, or how far a milestone is.
PROGRESS = re.compile(r"[a-z_]+::[a-z0-9_]+|[a-z_]+: epoch \d+ of \d+, .*")
FIRST_SIX = {"setup", "tensor", "activations", "layers", "losses", "autograd"}


def test_the_reference_gets_all_points(reference: Done) -> None:
    verdict = reference.report.verdict

    assert reference.code == 0, reference.err
    assert set(reference.outcomes.values()) == {Passed()}
    assert verdict.earned == verdict.points > 0
    assert all(earned == points for earned, points in reference.earned.values())
    assert all(m.replayed and m.curve and m.requirements for m in verdict.milestones)
    assert verdict.notes == ()


def test_json_is_all_there_is_on_stdout(reference: Done) -> None:
    document = json.loads(reference.out)

    assert document["schema_version"] == 1
    assert reference.out.count("\n") == 1
    # Talk is on stderr, and in a run of more than ten seconds there is some.
    assert all(PROGRESS.fullmatch(line) for line in reference.err.splitlines())


def test_the_reference_is_graded_behind_a_wall(reference: Done) -> None:
    assert reference.report.measurements.isolation.tier in {"uid", "namespaces"}


def test_everything_is_measured(reference: Done) -> None:
    measured = reference.report.measurements

    assert {m.id for m in measured.checks} == reference.checks.keys()
    assert all(m.cpu_s > 0 for m in measured.checks)
    assert measured.wall_s > 0
    for cost in measured.milestones:
        assert 0 < cost.usage.cpu_s < cost.cpu_limit_s
        assert cost.usage.peak_rss_bytes < cost.memory_limit_bytes


def test_the_template_is_all_todo(template: Done) -> None:
    kinds = {type(outcome) for outcome in template.outcomes.values()}

    assert template.code == 0, template.err
    assert kinds == {NotImplementedYet}
    assert template.report.verdict.earned == 0


def test_a_todo_names_its_task(template: Done) -> None:
    outcome = template.outcomes["tensor::data_is_float32"]

    assert isinstance(outcome, NotImplementedYet)
    assert outcome.message.startswith("TODO 2.1")


def test_an_empty_package_is_all_todo(grader: Grader, tmp_path: Path) -> None:
    package = tmp_path / "tinytorch"
    package.mkdir()
    (package / "__init__.py").write_bytes(b"")

    done = grader.grade(tmp_path)

    assert done.code == 0, done.err
    assert {type(o) for o in done.outcomes.values()} == {NotImplementedYet}
    assert done.report.verdict.earned == 0


def test_a_package_in_the_public_courses_layout_gets_all_points(
    grader: Grader,
) -> None:
    """An independent one, whose gradients are switched on by the set-up call."""
    written = [*FIRST_SIX - {"setup"}, "optimizers"]

    done = grader.grade(Path(__file__).parent / "public_layout", *modules(*written))

    assert {type(outcome) for outcome in done.outcomes.values()} == {Passed}


def test_typical_mistakes_fail_their_checks_and_no_others(
    mistakes: Done, reference: Done
) -> None:
    wanted = {check for edit in MISTAKES for check in edit["catches"]}
    checks = mistakes.checks

    failed = {n for n, c in checks.items() if not isinstance(c.outcome, RIGHT)}

    assert mistakes.code == 0, mistakes.err
    assert mistakes.outcomes.keys() == reference.outcomes.keys()
    assert failed == wanted


def test_typical_mistakes_are_judged_in_the_milestones_too(mistakes: Done) -> None:
    """Whether a wrong gradient still solves XOR depends on the round's points."""
    milestones = {m.name: m.outcome for m in mistakes.report.verdict.milestones}

    assert milestones["perceptron"] == Passed()
    assert all(isinstance(o, Passed | Mismatch) for o in milestones.values())


@pytest.mark.parametrize("edit", MISTAKES, ids=lambda edit: edit["name"])
def test_a_typical_mistake_is_recognised(mistakes: Done, edit: dict[str, Any]) -> None:
    outcome = mistakes.outcomes[edit["catches"][0]]

    assert isinstance(outcome, Mismatch)
    assert edit["mistake"] in outcome.misconception
    assert outcome.call
    assert outcome.hint


def test_points_are_lost_for_failed_checks_alone(mistakes: Done) -> None:
    for check in mistakes.checks.values():
        right = isinstance(check.outcome, Passed)
        assert check.earned == (check.points if right else 0), check.id
    for module in mistakes.report.verdict.modules:
        lost = sum(c.points for c in module.checks if not c.earned)
        assert module.points - module.earned == pytest.approx(lost, abs=0.01)


def test_a_blocked_check_names_what_fails(mistakes: Done) -> None:
    outcomes = mistakes.outcomes
    for outcome in outcomes.values():
        for need in outcome.by if isinstance(outcome, Blocked) else ():
            family = [n for n in outcomes if n == need or n.startswith(f"{need}_")]
            assert any(not isinstance(outcomes[n], Passed) for n in family), need


def test_a_half_written_package_gets_what_it_has(
    grader: Grader, half_done: Path
) -> None:
    done = grader.grade(half_done)

    points = done.earned
    for name in points:
        finished = name in FIRST_SIX or name in {"perceptron", "xor"}
        assert points[name][0] == (points[name][1] if finished else 0), name
    late = {n: o for n, o in done.outcomes.items() if not isinstance(o, Passed)}
    assert {type(outcome) for outcome in late.values()} == {NotImplementedYet}


def test_a_syntax_error_costs_its_module_and_what_needs_it(
    grader: Grader, tmp_path: Path, reference: Done
) -> None:
    broken = copied(REFERENCE, tmp_path, {"losses.py": b"def mse(:\n"})

    done = grader.grade(broken)

    points = done.earned
    lost = {name for name, (earned, of) in points.items() if earned < of}
    assert done.code == 0, done.err
    assert "losses" in lost
    assert points["losses"][0] == 0
    # What stands before losses.py, and what calls no loss, does not suffer.
    assert not lost & {"setup", "tensor", "activations", "layers", "optimizers"}
    assert not lost & {"perceptron", "tokenization", "embeddings", "attention"}
    assert not lost & {"profiling", "acceleration", "benchmarking"}
    outcome = done.outcomes["losses::mse_is_the_mean_of_squares"]
    assert isinstance(outcome, Raised)
    assert outcome.error == "SyntaxError"
    assert outcome.where.startswith("tinytorch/losses.py:1")
    assert "does not parse" in outcome.hint
    assert not any(isinstance(o, Inconclusive) for o in done.outcomes.values())
    assert done.outcomes.keys() == reference.outcomes.keys()


def test_a_circular_import_is_explained(grader: Grader, tmp_path: Path) -> None:
    text = (REFERENCE / "tinytorch/activations.py").read_text(encoding="utf8")
    circle = "from tinytorch.layers import Layer\n"
    text = text.replace("from tinytorch.tensor", f"{circle}from tinytorch.tensor", 1)
    layers = (REFERENCE / "tinytorch/layers.py").read_text(encoding="utf8")
    circle = "from tinytorch.activations import ReLU\n"
    layers = layers.replace(
        "from tinytorch.tensor", f"{circle}from tinytorch.tensor", 1
    )
    changes = {"activations.py": text.encode(), "layers.py": layers.encode()}
    broken = copied(REFERENCE, tmp_path, changes)

    done = grader.grade(broken, *modules("tensor", "activations"))

    outcomes = done.outcomes
    told = [o for o in outcomes.values() if isinstance(o, Raised)]
    assert done.earned["tensor"][0] == done.earned["tensor"][1]
    assert any("import each other" in o.hint for o in told)


def test_the_same_submission_in_the_same_round_has_the_same_verdict(
    grader: Grader, mistakes: Done, mistaken: Path
) -> None:
    again = grader.grade(mistaken)

    assert again.verdict == mistakes.verdict
    assert again.report.measurements != mistakes.report.measurements


def test_another_round_has_other_inputs_and_the_same_points(
    grader: Grader, mistaken: Path, mistakes: Done, reference: Done
) -> None:
    right = grader.grade(REFERENCE, round_="two")
    wrong = grader.grade(mistaken, *modules("tensor", "losses"), round_="two")

    assert right.outcomes == reference.outcomes
    assert right.earned == reference.earned
    check = "losses::cross_entropy_is_the_mean_over_samples"
    here, there = wrong.outcomes[check], mistakes.outcomes[check]
    assert isinstance(here, Mismatch)
    assert isinstance(there, Mismatch)
    assert here.misconception == there.misconception
    assert (here.expected, here.got) != (there.expected, there.got)
