from __future__ import annotations

import pytest
from reports.samples import (
    START,
    everything,
    good,
    module_result,
    perfect,
    report,
    todo,
)

from grader.publish.aliases import aliases
from grader.publish.board import select
from grader.publish.models import Board, Leaderboard
from grader.publish.people import public_people
from publish.courses import SECRET, Course


def leaderboard(course: Course, minimum_group: int = 1) -> Leaderboard:
    export = course.export()
    people = public_people(export, SECRET)
    chosen = select(export, people, minimum_group=minimum_group, now=START)
    return chosen.leaderboard


def only(course: Course, minimum_group: int = 1) -> Board:
    (board,) = leaderboard(course, minimum_group).boards
    return board


def alias(course: Course, student: str) -> str:
    names = [e.student for e in course.export().events]
    return aliases(names, SECRET)[student].replace("-", " ")


def test_students_are_hidden_unless_they_decided_otherwise() -> None:
    course = Course()
    course.graded("silent", perfect())
    course.graded("no", perfect())
    course.shown("no", "hidden")
    course.graded("yes", good())
    course.shown("yes", "alias")

    assert [e.name for e in only(course).entries] == [alias(course, "yes")]


def test_the_latest_decision_holds() -> None:
    course = Course()
    course.graded("s", perfect())
    course.shown("s", "named", "Ada Lovelace")
    course.shown("s", "hidden")

    assert only(course).entries == ()


def test_a_decision_before_the_first_result_holds_too() -> None:
    course = Course()
    course.shown("s", "alias")
    course.graded("s", perfect())

    assert len(only(course).entries) == 1


def test_a_student_may_be_named() -> None:
    course = Course()
    course.graded("s", perfect())
    course.shown("s", "named", "Ada Lovelace")

    (entry,) = only(course).entries
    assert entry.name == "Ada Lovelace"
    assert alias(course, "s").replace(" ", "-") not in entry.slug


def test_a_result_without_a_student_is_never_shown() -> None:
    course = Course()
    course.graded("", perfect())
    course.shown("", "alias")

    assert only(course).entries == ()


def test_equal_totals_share_a_rank_and_the_next_is_skipped() -> None:
    course = Course()
    for student, modules in (
        ("late", perfect()),
        ("second", good()),
        ("also", perfect()),
        ("last", (module_result("tensor", [todo("2.1", "x")] * 4),)),
    ):
        course.graded(student, modules)
        course.shown(student, "alias")

    entries = only(course).entries

    assert [(e.rank, e.tied) for e in entries] == [
        (1, True),
        (1, True),
        (3, False),
        (4, False),
    ]
    assert [e.name for e in entries[:2]] == [
        alias(course, "late"),
        alias(course, "also"),
    ]


def test_what_was_not_judged_has_no_total_no_rank_and_comes_last() -> None:
    course = Course()
    for student, modules in (("open", everything()), ("zero", ())):
        course.graded(student, modules)
        course.shown(student, "alias")

    zero, unjudged = only(course).entries

    assert (zero.total, zero.rank) == (0.0, 1)
    assert (unjudged.total, unjudged.rank) == (None, None)
    scores = {m.name: m.earned for m in unjudged.modules}
    assert scores["losses"] is None
    assert scores["setup"] == 10.0


def test_the_latest_judged_result_counts() -> None:
    course = Course()
    course.shown("s", "alias")
    course.graded("s", perfect())
    course.graded("s", good())
    course.graded("s", everything())

    (entry,) = only(course).entries

    assert entry.total == 57.08
    assert [past.state for past in entry.history] == ["not judged", "counts", "earlier"]


def test_a_withdrawn_result_leaves_a_trace_and_counts_no_more() -> None:
    course = Course()
    course.shown("s", "alias")
    course.graded("s", good())
    course.withdrawn(course.graded("s", perfect()))

    (entry,) = only(course).entries

    assert entry.total == 57.08
    assert [(p.state, p.total) for p in entry.history] == [
        ("withdrawn", None),
        ("counts", 57.08),
    ]


def test_a_student_whose_only_result_is_withdrawn_has_no_row() -> None:
    course = Course()
    course.shown("s", "alias")
    course.withdrawn(course.graded("s", good()))

    assert only(course).entries == ()


@pytest.mark.parametrize(("public", "shown"), [(4, False), (5, True)])
def test_a_small_group_is_not_shown(public: int, shown: bool) -> None:
    course = Course()
    for number in range(6):
        course.graded(f"s{number}", good())
        if number < public:
            course.shown(f"s{number}", "alias")

    board = only(course, minimum_group=5)

    assert board.shown is shown
    assert len(board.entries) == (public if shown else 0)


def test_a_small_group_is_shown_if_all_of_it_is_named() -> None:
    course = Course()
    for student in ("a", "b"):
        course.graded(student, good())
        course.shown(student, "named", f"Name {student}")
    assert len(only(course, minimum_group=5).entries) == 2

    course.graded("c", good())
    course.shown("c", "alias")
    assert only(course, minimum_group=5).entries == ()


def test_rounds_and_profiles_are_boards_of_their_own_newest_first() -> None:
    course = Course()
    course.shown("s", "alias")
    first = report("s", modules=good(), milestones=())
    course.stored(first)
    verdict = first.verdict.model_copy(update={"round": "autumn-2"})
    course.stored(first.model_copy(update={"verdict": verdict}))
    verdict = verdict.model_copy(update={"profile": "full"})
    course.stored(first.model_copy(update={"verdict": verdict}))

    boards = leaderboard(course).boards

    assert [(b.round, b.profile) for b in boards] == [
        ("autumn-2", "full"),
        ("autumn-2", "quick"),
        ("autumn-1", "quick"),
    ]


def test_milestones_carry_metric_cpu_and_memory() -> None:
    course = Course()
    course.stored(report("s"))
    course.shown("s", "alias")

    first, second = only(course).entries[0].milestones

    assert (first.metric, first.cpu_s, first.reached) == (0.992, 0.41, True)
    assert first.peak_memory_bytes == 38 * 2**20
    assert (second.metric, second.cpu_s, second.reached) == (None, None, False)


def test_an_empty_store_has_no_boards() -> None:
    assert leaderboard(Course()).boards == ()
