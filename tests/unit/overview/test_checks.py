"""What fails most: real mistakes first, what they block, and their names."""

from __future__ import annotations

from typing import get_args

from publish.courses import Course
from reports.samples import WRONG, module_result, report, todo

from grader.exports.gradebook import Choice
from grader.models.outcome import Blocked, Outcome, Passed
from grader.models.report import CheckResult, GradeReport, ModuleResult
from grader.overview import Taught, overview
from grader.overview.models import FAIL_KINDS, Check
from overview.classes import SIGN, changed, look, modules, tried


def by_id(made: Course) -> dict[str, Check]:
    return {check.id: check for check in look(made).checks}


def test_every_outcome_that_fails_has_a_kind() -> None:
    kinds = {k.model_fields["kind"].default for k in get_args(get_args(Outcome)[0])}

    assert kinds - FAIL_KINDS.keys() == {"passed"}


def test_what_is_blocked_or_todo_drowns_no_mistake() -> None:
    made = Course()
    waiting = [Blocked(by=("tensor::copies",))] * 3
    for number in range(9):
        tried(
            made,
            f"s{number}",
            modules(layers=waiting, autograd=[todo("6.1", "x")] * 6),
        )
    tried(made, "ann", modules(losses=(Passed(), WRONG[0])))

    first, *others = look(made).checks

    assert first.id == "losses::cross_entropy"
    assert (first.wrong, first.students) == (1, 10)
    assert {(c.mistakes, max(c.blocked, c.todo)) for c in others} == {(0, 9)}


def test_failures_are_told_apart() -> None:
    made = Course()
    outcomes = (WRONG[0], WRONG[1], WRONG[2], WRONG[3], WRONG[4], todo("2.1", "x"))
    for number, outcome in enumerate((*outcomes, Blocked(by=("setup::keys",)))):
        tried(made, f"s{number}", modules(tensor=[outcome]))

    check = by_id(made)["tensor::copies"]

    assert (check.wrong, check.raised, check.stopped) == (1, 1, 3)
    assert (check.todo, check.blocked, check.mistakes) == (1, 1, 5)
    assert check.title == "copies gives what the docstring says"


def test_a_check_holds_back_what_it_blocks() -> None:
    made = Course()
    by = Blocked(by=("tensor::matmul",))
    wrong = modules(
        tensor=(*[Passed()] * 3, WRONG[0]), layers=[by] * 3, autograd=[by] * 2
    )
    tried(made, "ann", wrong)
    tried(made, "bob", wrong)
    tried(made, "cy", modules(autograd=[by]))  # blocked, and no longer wrong there

    check = by_id(made)["tensor::matmul"]

    assert (check.held.checks, check.held.students) == (10, 2)


def test_a_check_named_without_its_parameters_and_a_whole_module() -> None:
    made = Course()
    by = Blocked(by=("tensor::ma", "activations"))
    tried(made, "ann", modules(tensor=[WRONG[0]] * 7, layers=[by]))

    found = look(made)

    held = {check.id: check.held.checks for check in found.checks}
    assert held["tensor::max"] == 0  # "ma" is no parameter's beginning of "max"
    parts = {part.key: part.held for part in found.modules}
    assert (parts["activations"].checks, parts["activations"].students) == (1, 1)
    assert parts["tensor"].checks == 0


def test_softmax_extreme_stands_for_softmax() -> None:
    made = Course()
    wrong = [*[Passed()] * 5, WRONG[0]]
    by = Blocked(by=("activations::softmax",))
    tried(made, "ann", modules(activations=wrong, layers=[by, by]))

    assert by_id(made)["activations::softmax_extreme"].held.checks == 2


def test_mistakes_count_students_once_and_name_their_checks() -> None:
    made = Course()
    tried(made, "ann", modules(activations=(SIGN, SIGN)))
    tried(made, "bob", modules(activations=(Passed(), SIGN), tensor=(WRONG[0],)))

    found = look(made)

    first, second = found.mistakes
    assert (first.text, first.students) == ("the sign of x lost", 2)
    assert [(c.id, c.students) for c in first.checks] == [
        ("activations::relu", 2),
        ("activations::sigmoid", 1),
    ]
    assert second.text == "elementwise product"
    check = by_id(made)["activations::relu"]
    assert (check.mistake, check.mistaken) == ("the sign of x lost", 2)


class Reads:
    """Counts what is read of a course."""

    def __init__(self, made: Course) -> None:
        self.made, self.digests = made, list[str]()

    def __call__(self, digest: str) -> GradeReport:
        self.digests.append(digest)
        return self.made.report(digest)


def renamed(module: ModuleResult) -> ModuleResult:
    checks = [CheckResult(**{**dict(c), "title": "newer"}) for c in module.checks]
    return ModuleResult(**{**dict(module), "checks": tuple(checks)})


def test_one_report_gives_the_titles_of_a_class_and_the_newest_does() -> None:
    made = Course()
    for number in range(20):
        tried(made, f"s{number}", modules(tensor=[WRONG[0]] * 3), minutes=number)
    newer = [renamed(m) for m in modules(tensor=[WRONG[0]])]
    tried(made, "ann", newer, minutes=99)
    reads = Reads(made)

    found, _ = overview(made.export(), Choice(), reads, Taught())

    assert len(reads.digests) == 1
    assert {check.title for check in found.checks} == {"newer"}


def test_suites_with_other_checks_are_read_too() -> None:
    made = Course()
    tried(made, "ann", (module_result("tensor", [WRONG[0]]),))
    other = report("bob", modules=(module_result("losses", [WRONG[0]]),), milestones=())
    made.stored(changed(other, suites="sha256:" + "1" * 64))
    reads = Reads(made)

    found, _ = overview(made.export(), Choice(), reads, Taught())

    assert len(reads.digests) == 2
    assert {check.id for check in found.checks} == {"tensor::copies", "losses::mse"}
    assert {check.students for check in found.checks} == {1}
