"""Who is stuck: hands in, and gains nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from publish.courses import Course
from reports.samples import START, WRONG, module_result, perfect, report, todo

from grader.models.outcome import Inconclusive, Passed
from grader.overview.stuck import LEAST, RECENT_DAYS
from grader.roster import Person
from grader.store.events import Submitted
from overview.classes import DAY, SIGN, again, look, modules, tried

BAD = modules(activations=(Passed(), SIGN), losses=[WRONG[1]] * 4)
WORSE = modules(tensor=(WRONG[0],), activations=(Passed(), SIGN), losses=[WRONG[1]] * 4)
BETTER = modules(losses=[WRONG[1]] * 4)
UNJUDGED = modules(losses=[Inconclusive(reason="the host ran out of memory")])


def stuck(made: Course) -> list[str]:
    return [one.who.student for one in look(made).stuck]


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([BAD, BAD, BAD], True),
        ([BAD, BAD], False),
        ([WORSE, BAD, BAD, BAD], True),
        ([WORSE, WORSE, WORSE, BAD], False),  # just gained
        ([WORSE, BAD, WORSE, BAD], True),  # lost and won back is no gain
        ([BAD, BAD, BAD, BETTER], False),
        ([perfect(), perfect(), perfect()], False),
        ([BAD, UNJUDGED, BAD], False),  # what we could not judge is no attempt
        ([BAD, UNJUDGED, BAD, BAD], True),
    ],
)
def test_three_attempts_from_the_last_gain_on(attempts: list, expected: bool) -> None:
    made = Course()
    tried(made, "ann", *attempts)

    assert stuck(made) == (["ann"] if expected else [])


def test_what_is_told() -> None:
    made = Course()
    tried(made, "ann", WORSE, BAD, BAD, BAD)

    (one,) = look(made, {"ann": Person("ann", "Ann Example")}).stuck

    assert (one.who.student, one.who.name) == ("ann", "Ann Example")
    assert (one.number, one.module, one.title) == ("03", "activations", "Activations")
    assert (one.earned, one.points) == (pytest.approx(8.33, abs=0.01), 10.0)
    assert one.attempts == LEAST == 3
    assert (one.since - START).days == 1
    assert (one.latest - START).days == 3
    assert (one.check, one.how) == ("activations::relu", "wrong")
    assert one.check_title == "relu gives what the docstring says"
    assert one.mistake == "the sign of x lost"


def test_a_mistake_is_told_before_what_is_not_written() -> None:
    made = Course()
    package = modules(tensor=(todo("2.1", "x"), Passed(), WRONG[1], WRONG[0]))
    tried(made, "ann", package, package, package)

    (one,) = look(made).stuck

    assert (one.check, one.how) == ("tensor::broadcast", "raised")
    assert one.mistake == "elementwise product"


def test_points_elsewhere_are_a_gain() -> None:
    made = Course()
    half = [*[Passed()] * 2, *[WRONG[1]] * 4]
    tried(
        made,
        "ann",
        modules(tensor=(WRONG[0],), losses=[WRONG[1]] * 4, autograd=half),
        modules(tensor=(WRONG[0],), losses=[WRONG[1]] * 3, autograd=half),
        modules(tensor=(WRONG[0],), losses=[WRONG[1]] * 2, autograd=half),
    )

    assert stuck(made) == []


def test_the_module_is_the_one_that_gained_last_not_one_left_behind() -> None:
    made = Course()
    before = modules(tensor=(WRONG[0],), losses=[WRONG[1]] * 4)
    since = modules(tensor=(WRONG[0],), losses=[WRONG[1]] * 2)
    tried(made, "ann", before, since, since, since)

    (one,) = look(made).stuck

    assert one.module == "losses"


def test_a_module_whose_needs_do_not_hold_is_not_worked_on() -> None:
    made = Course()
    package = modules(
        tensor=[WRONG[0]] * 8,
        activations=[WRONG[1]] * 6,
        losses=[WRONG[1]],
    )
    tried(made, "ann", package, package, package)

    (one,) = look(made, needs={"tensor": ("losses",)}).stuck
    (other,) = look(made, needs={"tensor": ("activations",)}).stuck

    assert one.module == "tensor"  # losses holds with three quarters
    assert other.module == "activations"


def test_the_same_submission_graded_again_is_no_attempt() -> None:
    made = Course()
    first = report("ann", modules=BAD, milestones=())
    for times in range(4):
        made.stored(again(first, minutes=times * DAY))

    assert stuck(made) == []


def test_a_regrade_counts_as_it_was_graded_last_and_keeps_its_time() -> None:
    made = Course()
    tried(made, "ann", BAD, BAD, BAD)
    for number in range(3):
        graded = report("ann", modules=BAD, milestones=(), minutes=number * DAY)
        made.stored(again(graded, minutes=9 * DAY))

    (one,) = look(made).stuck

    assert one.attempts == 3
    assert one.since == START


def test_withdrawn_results_are_no_attempts() -> None:
    made = Course()
    tried(made, "ann", BAD, BAD)
    made.withdrawn(
        made.stored(report("ann", modules=BAD, milestones=(), minutes=2 * DAY))
    )

    assert stuck(made) == []


@pytest.mark.parametrize(("later", "names"), [(0, ["ann"]), (1, [])])
def test_who_stopped_long_ago_is_not_stuck(later: int, names: list[str]) -> None:
    made = Course()
    tried(made, "ann", BAD, BAD, BAD)
    tried(made, "bob", perfect(), minutes=(2 + RECENT_DAYS) * DAY + later)

    assert stuck(made) == names


def test_the_time_is_when_it_was_handed_in_where_that_is_known() -> None:
    made = Course()
    tried(made, "ann", BAD, BAD, BAD)
    export = made.export()
    first = export.results[0].summary
    at = datetime(2026, 9, 1, tzinfo=UTC)
    payload = Submitted(
        round=first.round, submission=first.submission, at=at, told_by="roster"
    )
    made._add("ann", payload)

    (one,) = look(made).stuck

    assert one.since == at


def test_attempts_at_fewer_modules_are_not_held_against_more() -> None:
    made = Course()
    tried(made, "ann", (module_result("setup", ()),), BAD, BAD)

    assert stuck(made) == []


def test_who_stands_still_longest_comes_first() -> None:
    made = Course()
    tried(made, "ann", BAD, BAD, BAD, minutes=5)
    tried(made, "bob", BAD, BAD, BAD)

    assert stuck(made) == ["bob", "ann"]
