"""What a student is told to do next."""

from __future__ import annotations

from collections.abc import Sequence

from reports.samples import WRONG, module_result, perfect, report, todo, xor

from feedback.people import FILES
from grader.feedback.steps import Step, holders, steps
from grader.models.outcome import Blocked, Inconclusive, Outcome, Passed
from grader.models.report import GradeReport, ModuleResult


def package(**outcomes: Sequence[Outcome]) -> tuple[ModuleResult, ...]:
    return tuple(module_result(m.name, outcomes.get(m.name, ())) for m in perfect())


def graded(**outcomes: Sequence[Outcome]) -> GradeReport:
    return report(modules=package(**outcomes), milestones=())


def first(**outcomes: Sequence[Outcome]) -> Step:
    return steps(graded(**outcomes), FILES)[0]


def test_what_most_others_wait_for_comes_first() -> None:
    step = first(
        setup=[WRONG[0]],
        tensor=[Passed(), WRONG[0], WRONG[1]],
        layers=[Blocked(by=("tensor::broadcast",))] * 3,
        autograd=[Blocked(by=("tensor::add",))],
    )

    assert (step.anchor, step.waits) == ("check-tensor-broadcast", 3)
    assert step.where == "02 Tensor, task 2.3, tinytorch/tensor.py"
    assert step.command == "tito module test 02_tensor"
    assert [line.label for line in step.message.lines][-1] == "hint"


def test_a_stub_that_others_wait_for_comes_before_a_mistake_at_a_rim() -> None:
    step = first(
        setup=[WRONG[0]],
        tensor=[Passed(), todo("2.2", "Tensor.add")],
        losses=[Blocked(by=("tensor::add",))],
    )

    assert (step.state, step.anchor) == ("todo", "check-tensor-add")


def test_a_mistake_comes_before_what_is_not_written() -> None:
    step = first(tensor=[todo("2.1", "Tensor")], losses=[WRONG[0]])

    assert step.anchor == "check-losses-mse"


def test_of_what_is_not_written_the_first_task_comes_first() -> None:
    ten = [Passed(), todo("2.10", "late"), todo("2.2", "early")]
    step = first(tensor=ten)

    assert step.where.startswith("02 Tensor, task 2.")
    assert step.state == "todo"


def test_one_step_a_task_and_four_at_most() -> None:
    wrong = [WRONG[0]] * 8
    made = module_result("tensor", wrong)
    same = tuple(type(c)(**{**dict(c), "task": "2.1"}) for c in made.checks)
    one_task = ModuleResult(**{**dict(made), "checks": same})

    assert len(steps(report(modules=(one_task,), milestones=()), {})) == 1
    assert len(steps(graded(tensor=wrong), {})) == 4


def test_a_cause_may_be_named_without_its_parameters() -> None:
    found = graded(
        activations=[Passed()] * 4 + [WRONG[0], WRONG[1]],
        layers=[Blocked(by=("activations::softmax",))],
    )

    assert holders(found)[0].anchor == "check-activations-softmax"
    assert steps(found, {})[0].waits == 1


def test_a_missed_milestone_is_next_once_all_checks_hold() -> None:
    missed = report(modules=perfect(), milestones=(xor(WRONG[0]),))
    (step,) = steps(missed, {})

    assert (step.label, step.command) == ("missed", "tito milestone run 02")
    assert steps(report(modules=perfect(), milestones=()), {}) == ()


def test_what_we_could_not_judge_is_nothing_to_do() -> None:
    ours = graded(losses=[Inconclusive(reason="the host ran out of memory")])

    assert steps(ours, {}) == ()


def test_who_waits_is_counted_by_module_and_milestone() -> None:
    waiting = report(
        modules=package(
            tensor=[WRONG[0]],
            layers=[Blocked(by=("tensor::copies",))] * 2,
            autograd=[Blocked(by=("tensor::copies",))],
        ),
        milestones=(xor(Blocked(by=("tensor::copies", "autograd"))),),
    )
    check, module = holders(waiting)

    assert check.checks == (("04 Layers", 2), ("06 Autograd", 1))
    assert check.milestones == ("milestone 02 XOR crisis",)
    assert (check.waits, check.state) == (4, "failed")
    assert (module.title, module.anchor) == ("06 Autograd", "module-autograd")


def test_a_cause_that_is_not_graded_here_is_named_without_a_link() -> None:
    found = graded(layers=[Blocked(by=("broadcasting",))])

    assert holders(found)[0].anchor == ""
    assert holders(found)[0].label == "not graded here"
