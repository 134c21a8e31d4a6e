"""How points lie: bins, quartiles, who is counted where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publish.courses import Course
from reports.samples import WRONG, module_result, perceptron, perfect, report, todo, xor

from grader.models.outcome import Blocked, Inconclusive, Passed
from grader.models.report import ModuleResult
from grader.overview.models import BINS
from grader.overview.parts import place, quantile, spread
from grader.roster import Person
from overview.classes import class_of, look, modules, tried

UNJUDGED = Inconclusive(reason="the host ran out of memory")
POINTS = st.floats(0, 60).map(lambda v: round(v, 2))


def tensor(passed: int) -> tuple[ModuleResult, ...]:
    """Return one module of eight checks of which so many hold."""
    return (module_result("tensor", [*[Passed()] * passed, *[WRONG[0]] * 8]),)


@given(st.lists(POINTS, min_size=1, max_size=30))
def test_quartiles_are_those_of_numpy(values: list[float]) -> None:
    found = spread(values)

    assert found is not None
    want = np.quantile(np.array(values), [0, 0.25, 0.5, 0.75, 1])
    got = [found.least, found.lower, found.median, found.upper, found.most]
    assert got == pytest.approx(list(want), abs=0.0051)
    assert found.mean == pytest.approx(np.mean(values), abs=0.0051)


def test_nobody_has_no_spread() -> None:
    assert spread([]) is None
    assert quantile([3.0], 0.25) == 3.0


@pytest.mark.parametrize(
    ("earned", "bin_"),
    [(0, 0), (0.99, 0), (1, 1), (4.9999, 5), (9.99, 9), (10, 9)],
)
def test_a_tenth_begins_a_bin_and_all_points_are_in_the_last(
    earned: float, bin_: int
) -> None:
    assert place(earned, 10.0) == bin_


@given(POINTS)
def test_every_result_has_a_bin(earned: float) -> None:
    assert 0 <= place(earned, 60.0) < BINS


def test_points_of_a_module() -> None:
    made = Course()
    for student, passed in enumerate((0, 2, 4, 8, 8)):
        tried(made, f"s{student}", tensor(passed))

    (part,) = look(made).modules

    assert (part.number, part.title, part.points) == ("02", "Tensor", 10.0)
    assert part.spread is not None
    assert (part.spread.lower, part.spread.median, part.spread.upper) == (2.5, 5, 10)
    assert part.spread.mean == 5.5
    assert part.bins == (1, 0, 1, 0, 0, 1, 0, 0, 0, 2)
    assert part.full == 2
    assert part.untouched == 0


def test_untouched_is_all_todo_and_nothing_else() -> None:
    made = Course()
    stubs = [todo("2.1", "x")] * 8
    tried(made, "blank", (module_result("tensor", stubs),))
    tried(made, "begun", (module_result("tensor", [WRONG[0], *stubs[1:]]),))
    tried(made, "wrong", tensor(0))

    found = look(made)

    assert found.modules[0].untouched == 1
    assert found.total.untouched == 1


def test_what_was_not_judged_is_counted_and_is_no_zero() -> None:
    made = Course()
    tried(made, "ann", perfect())
    tried(made, "bob", modules(losses=[UNJUDGED]))
    people = {name: Person(name) for name in ("ann", "bob", "cy")}

    found = look(made, people)

    losses = next(part for part in found.modules if part.key == "losses")
    assert (losses.graded, losses.not_judged, losses.no_result) == (1, 1, 1)
    assert losses.spread is not None
    assert losses.spread.least == losses.points
    setup = found.modules[0]
    assert (setup.graded, setup.not_judged, setup.no_result) == (2, 0, 1)
    assert (found.total.graded, found.total.not_judged) == (1, 1)
    assert [who.student for who in found.without] == ["cy"]


def test_counts_add_up_to_the_class() -> None:
    made, people = class_of(40)

    found = look(made, people)

    assert found.students == 41
    for part in (found.total, *found.modules, *found.milestones):
        assert part.graded + part.not_judged + part.no_result == found.students
        assert sum(part.bins) == part.graded
        assert part.full <= part.bins[-1]


def test_milestones() -> None:
    made = Course()
    for number, accuracy in enumerate((0.9, 0.96, 0.98)):
        stones = (perceptron(accuracy=accuracy), xor(Blocked(by=("autograd",))))
        cpu_s = 0.2 + 0.1 * number
        student = f"s{number}"
        made.stored(report(student, modules=(), milestones=stones, cpu_s=cpu_s))

    first, second = look(made).milestones

    assert (first.reached, first.graded) == (2, 3)
    assert first.metric == pytest.approx(0.96)
    assert first.cpu_s == pytest.approx(0.3)
    assert first.untouched == 0
    assert (second.key, second.reached, second.untouched) == ("milestone_xor", 0, 3)
    assert second.metric is None


def test_the_result_counts_that_the_gradebook_counts() -> None:
    made = Course()
    tried(made, "ann", perfect(), modules(losses=[UNJUDGED]))

    (losses,) = [part for part in look(made).modules if part.key == "losses"]

    assert (losses.graded, losses.not_judged) == (1, 0)
