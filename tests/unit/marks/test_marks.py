"""From results and what staff said to one mark a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from grader.marks import days_late
from grader.marks.mark import Mark
from grader.store.events import Chosen, Commented
from marks.books import DAY, DUE, ROUND, WHO, Book

LATE = {"due_at": DUE, "per_day": 0.1, "most": 0.5}


def late(days: float, **policy: object) -> Mark:
    """Return the mark of 1000 points earned, handed in so much after the due date."""
    book = Book(**LATE | policy)
    book.graded("ada")
    book.came("ada", DUE + days * DAY)
    return book.mark()


def test_without_a_policy_a_mark_is_what_was_earned() -> None:
    book = Book()
    book.graded("ada", tensor=612.5)

    mark = book.mark()

    assert (mark.earned, mark.penalty, mark.value) == (81250, 0, 81250)
    assert mark.state == "graded"
    assert not mark.time_unknown


@pytest.mark.parametrize(
    ("days", "begun", "value"),
    [
        (-3, 0, 100000),
        (0, 0, 100000),
        (0.0001, 1, 90000),
        (1, 1, 90000),
        (1.0001, 2, 80000),
        (5, 5, 50000),
        (300, 300, 50000),
    ],
)
def test_every_day_begun_costs_up_to_the_most(
    days: float, begun: int, value: int
) -> None:
    mark = late(days)

    assert mark.late_days == begun
    assert mark.value == value


def test_grace_is_as_if_the_round_were_due_later() -> None:
    assert late(15 / 1440, grace_s=900).late_days == 0
    assert late(16 / 1440, grace_s=900).late_days == 1
    assert late(1 + 15 / 1440, grace_s=900).late_days == 1
    assert late(1 + 16 / 1440, grace_s=900).late_days == 2


def test_a_share_of_the_possible_points_never_takes_more_than_was_earned() -> None:
    book = Book(due_at=DUE, per_day=0.3, of="possible")
    book.graded("ada", tensor=50.0)
    book.came("ada", DUE + DAY)

    mark = book.mark()

    assert (mark.earned, mark.penalty, mark.value) == (25000, 25000, 0)


def test_shares_are_what_was_written_and_not_their_binary_neighbours() -> None:
    """0.1 * 3 is more than 0.3 in floats, which would cost a hundredth."""
    assert late(3).penalty == 30000
    assert late(3, per_day=0.07, most=1.0).penalty == 21000


def test_a_penalty_is_rounded_down_to_the_hundredth() -> None:
    book = Book(due_at=DUE, per_day=0.1)
    book.graded("ada", tensor=0.05)
    book.came("ada", DUE + DAY)

    mark = book.mark()

    assert (mark.earned, mark.penalty, mark.value) == (20005, 2000, 18005)


def test_what_comes_after_closing_counts_as_not_handed_in() -> None:
    assert late(7, closes_after_days=7).value == 50000
    mark = late(7.01, closes_after_days=7)
    assert (mark.state, mark.value, mark.stored) == ("closed", None, None)
    assert "closes after 7 days: counts as not handed in" in mark.steps[0]


def test_who_handed_in_in_time_keeps_that_where_a_later_one_came_after_closing() -> (
    None
):
    book = Book(**LATE, closes_after_days=2)
    book.graded("ada", "a", tensor=100.0)
    book.graded("ada", "b")
    book.came("ada", DUE, "a")
    book.came("ada", DUE + 3 * DAY, "b")

    assert book.mark().value == 30000


def test_the_last_or_the_best_attempt_counts() -> None:
    for keep, value in (("last", 50000), ("best", 100000)):
        book = Book(keep=keep)
        book.graded("ada", "a", tensor=700.0)
        book.graded("ada", "b")
        book.graded("ada", "c", tensor=300.0)
        assert book.mark().value == value


def test_the_best_attempt_is_the_one_with_the_best_mark_not_the_most_points() -> None:
    book = Book(**LATE, keep="best")
    book.graded("ada", "a", tensor=700.0)
    book.graded("ada", "b")
    book.came("ada", DUE, "a")
    book.came("ada", DUE + 2 * DAY, "b")

    assert book.mark().value == 90000


def test_a_chosen_attempt_goes_first_until_it_is_taken_back() -> None:
    book = Book(keep="last")
    first = book.graded("ada", "a", tensor=100.0)
    book.graded("ada", "b")
    book.say("ada", Chosen(round=ROUND, by=WHO, reason="as agreed"), first)
    assert book.mark().value == 30000
    assert book.mark().steps[0].endswith(f"chosen by {WHO}: as agreed")

    book.say("ada", Chosen(round=ROUND, chosen=False, by=WHO))

    assert book.mark().value == 100000


def test_a_regrade_reaches_a_chosen_attempt_and_moves_no_other_to_the_end() -> None:
    book = Book(keep="last")
    first = book.graded("ada", "a", tensor=100.0)
    book.graded("ada", "b", tensor=300.0)
    book.graded("ada", "a", tensor=200.0, regrade="mended")
    book.regrade("mended", "applied")
    assert book.mark().value == 50000

    book.say("ada", Chosen(round=ROUND, by=WHO), first)

    assert book.mark().value == 40000


@pytest.mark.parametrize(
    ("states", "value"),
    [
        ([], 90000),
        (["planned"], 90000),
        (["planned", "applied"], 100000),
        (["planned", "cancelled"], 90000),
    ],
)
def test_a_regrade_counts_once_its_set_is_applied(
    states: list[str], value: int
) -> None:
    book = Book()
    book.graded("ada", tensor=700.0)
    book.graded("ada", regrade="mended")
    for state in states:
        book.regrade("mended", state)

    assert book.mark().value == value


def test_a_regrade_stands_where_the_withdrawn_result_stood() -> None:
    book = Book(keep="last")
    broken = book.graded("ada", "a", tensor=0.0)
    book.graded("ada", "b", tensor=300.0)
    book.withdrawn(broken)
    book.graded("ada", "a", tensor=100.0, regrade="mended")
    book.regrade("mended", "applied")

    assert book.mark().value == 50000


def test_a_grading_that_was_withdrawn_moves_no_attempt_to_the_end() -> None:
    book = Book(keep="last")
    book.graded("ada", "a", tensor=100.0)
    book.graded("ada", "b", tensor=300.0)
    book.withdrawn(book.graded("ada", "a", tensor=800.0))

    assert book.mark().value == 50000


def test_what_was_withdrawn_never_counts_even_if_it_was_chosen() -> None:
    book = Book()
    book.graded("ada", "a", tensor=100.0)
    gone = book.graded("ada", "b")
    book.say("ada", Chosen(round=ROUND, by=WHO), gone)
    book.withdrawn(gone)

    mark = book.mark()

    assert mark.value == 30000
    assert mark.steps[0] == "the result chosen by staff is not among those that count"


def test_what_could_not_be_judged_is_no_zero() -> None:
    book = Book(keep="best")
    book.graded("ada", "a", unjudged=("tensor",))

    mark = book.mark()

    assert (mark.state, mark.value, mark.waiting) == ("not judged", None, True)
    assert mark.steps[-1].startswith("could not be judged (our side)")


def test_an_earlier_judged_attempt_counts_while_the_latest_waits() -> None:
    book = Book()
    book.graded("ada", "a", tensor=100.0)
    book.graded("ada", "b", unjudged=("tensor",))

    mark = book.mark()

    assert (mark.value, mark.waiting) == (30000, True)
    assert mark.steps[0].endswith("the last judged of 2 attempts")


def test_the_earliest_time_of_a_submission_counts() -> None:
    book = Book(**LATE)
    book.graded("ada")
    book.came("ada", DUE + 3 * DAY)
    book.came("ada", DUE + DAY)
    book.came("ada", DUE + 2 * DAY)
    assert book.mark().late_days == 1

    book.came("ada", DUE + 2 * DAY, told_by="staff", anew=True)

    assert book.mark().late_days == 2


def test_nobody_is_late_of_whom_no_time_is_known_and_it_is_said() -> None:
    book = Book(**LATE)
    book.graded("ada")
    book.came("ada", DUE + DAY, "another submission")
    book.came("bob", DUE + DAY)

    mark = book.mark()

    assert (mark.value, mark.time_unknown) == (100000, True)
    said = "no time of handing in is known, due 2026-12-01 23:59 UTC: counts as in"
    assert mark.steps[2] == f"{said} time"


def test_an_extension_never_takes_time_away() -> None:
    book = Book(**LATE)
    book.graded("ada")
    book.came("ada", DUE + 3 * DAY)
    book.extended("ada", DUE + 2 * DAY)
    assert book.mark().late_days == 1
    assert f"own date, given by {WHO}" in book.mark().steps[2]

    book.extended("ada", DUE - 2 * DAY)
    assert book.mark().late_days == 3

    book.extended("ada", DUE + 5 * DAY)
    book.policy(**LATE | {"due_at": DUE + 9 * DAY})
    assert book.mark().due_at == DUE + 9 * DAY


def test_points_of_a_part_are_set_before_the_penalty() -> None:
    book = Book(**LATE)
    book.graded("ada", tensor=300.0)
    book.came("ada", DUE + DAY)
    book.override("ada", 500.0, "tensor")

    mark = book.mark()

    assert {p.key: p.earned for p in mark.parts} == {"setup": 20000, "tensor": 50000}
    assert (mark.earned, mark.penalty, mark.value) == (70000, 7000, 63000)
    assert mark.steps[1] == f"tensor set to 500.00 by {WHO}: oral (was 300.00)"

    book.override("ada", None, "tensor")
    assert book.mark().earned == 50000


def test_points_of_the_whole_are_set_after_the_penalty() -> None:
    book = Book(**LATE)
    book.graded("ada")
    book.came("ada", DUE + DAY)
    book.override("ada", 1200.0)

    mark = book.mark()

    assert (mark.earned, mark.penalty, mark.value) == (100000, 10000, 120000)
    assert mark.steps[-1] == f"the mark set to 1200.00 by {WHO}: oral"

    book.override("ada", None)
    assert book.mark().value == 90000


def test_points_set_for_what_could_not_be_judged_settle_it() -> None:
    book = Book()
    book.graded("ada", unjudged=("tensor",))
    book.override("ada", 400.0, "tensor")

    mark = book.mark()

    assert (mark.state, mark.value, mark.waiting) == ("graded", 60000, False)


def test_points_of_the_whole_need_no_result() -> None:
    book = Book()
    book.override("ada", 700.0)

    mark = book.marks()["ada"]

    assert (mark.state, mark.value, mark.earned) == ("no result", 70000, None)


def test_overrides_survive_a_regrade() -> None:
    book = Book()
    book.graded("ada", tensor=100.0)
    book.override("ada", 500.0, "tensor")
    book.graded("ada", tensor=800.0, regrade="mended")
    book.regrade("mended", "applied")

    assert book.mark().value == 70000


def test_points_of_a_part_that_the_result_lacks_are_said_to_wait() -> None:
    book = Book()
    book.graded("ada")
    book.override("ada", 5.0, "milestone_xor")

    assert book.mark().value == 100000
    assert (
        book.mark().steps[1].startswith("milestone_xor: points were set by staff, but")
    )


def test_the_latest_comment_stands_until_it_is_taken_back() -> None:
    book = Book()
    book.graded("ada")
    for text in ("good", "very good"):
        book.say("ada", Commented(round=ROUND, text=text, by=WHO))
    assert book.mark().comment == "very good"

    book.say("ada", Commented(round=ROUND, text="", by=WHO))

    assert book.mark().comment == ""


def test_a_teams_result_is_every_members_and_no_row_of_its_own() -> None:
    book = Book(**LATE)
    book.team("red", "ada", "bob")
    book.graded("red", tensor=300.0)
    book.came("red", DUE + DAY)
    book.say("red", Commented(round=ROUND, text="well done", by=WHO))

    marks = book.marks()

    assert marks.keys() == {"ada", "bob"}
    for mark in marks.values():
        assert (mark.value, mark.team, mark.comment) == (45000, "red", "well done")
    assert " of the team red, " in marks["bob"].steps[0]


def test_a_members_own_later_attempt_is_theirs_alone() -> None:
    book = Book()
    book.team("red", "ada", "bob")
    book.graded("ada", "early", tensor=0.0)
    book.graded("red", tensor=300.0)
    book.graded("bob", "later", tensor=800.0)

    marks = book.marks()

    assert (marks["ada"].value, marks["ada"].team) == (50000, "red")
    assert (marks["bob"].value, marks["bob"].team) == (100000, "")


def test_a_members_own_word_goes_before_the_teams() -> None:
    book = Book(**LATE)
    book.team("red", "ada", "bob")
    book.graded("red")
    book.came("red", DUE + 3 * DAY)
    book.extended("red", DUE + DAY)
    book.extended("bob", DUE + 2 * DAY)
    book.override("red", 100.0, "setup")
    book.override("bob", 150.0, "setup")

    marks = book.marks()

    assert (marks["ada"].late_days, marks["ada"].earned) == (2, 90000)
    assert (marks["bob"].late_days, marks["bob"].earned) == (1, 95000)


def test_a_team_of_one_round_goes_before_the_teams_of_all() -> None:
    book = Book()
    book.graded("red")
    book.team("red", "ada", "bob", round_=ROUND)
    book.team("red", "ada", "cem")

    assert book.marks().keys() == {"ada", "bob"}


def test_a_dissolved_team_is_an_ordinary_student() -> None:
    book = Book()
    book.graded("red")
    book.team("red", "ada", "bob")
    book.team("red")

    assert book.marks().keys() == {"red"}


def test_rounds_profiles_and_results_of_nobody_are_kept_apart() -> None:
    book = Book()
    book.graded("", "a")
    book.graded("ada", "b", round="week-2")
    book.graded("bob", "c", profile="full")

    assert book.marks().keys() == set()
    assert book.marks("full").keys() == {"bob"}


def test_a_day_is_24_hours_where_the_clock_is_set_back() -> None:
    """The last Sunday of October has 25 hours in central Europe."""
    berlin = ZoneInfo("Europe/Berlin")
    due = datetime(2026, 10, 24, 23, 59, tzinfo=berlin)
    next_day = datetime(2026, 10, 25, 23, 59, tzinfo=berlin)

    assert (next_day - due) == DAY  # what Python says of two times in one zone
    assert days_late(next_day, due) == 2
    assert days_late(next_day - timedelta(hours=1), due) == 1


def test_the_same_moment_is_the_same_in_every_zone() -> None:
    far = timezone(timedelta(hours=-11))
    for at in (DUE, DUE.astimezone(far), DUE.astimezone(ZoneInfo("Asia/Kolkata"))):
        assert days_late(at, DUE.astimezone(ZoneInfo("Europe/Berlin"))) == 0
        assert days_late(at + timedelta(seconds=1), DUE) == 1


def test_the_earlier_of_two_times_in_one_zone_is_earlier_in_truth() -> None:
    """02:30 stands twice on the clock of that night; the first one is earlier."""
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 50, tzinfo=berlin, fold=0)
    second = datetime(2026, 10, 25, 2, 10, tzinfo=berlin, fold=1)
    book = Book(due_at=datetime(2026, 10, 25, 0, 55, tzinfo=UTC), per_day=0.1)
    book.graded("ada")
    book.came("ada", second)
    book.came("ada", first)

    assert book.mark().late_days == 0


def test_a_mark_can_be_checked_by_hand() -> None:
    book = Book(**LATE | {"grace_s": 900})
    book.graded("ada", "a", tensor=100.0)
    book.graded("ada", "b", tensor=612.5)
    book.came("ada", DUE + timedelta(days=1, hours=10), "b")

    digest = book.results[next(reversed(book.results))].submission
    due = "due 2026-12-01 23:59 UTC"
    assert book.mark().steps == (
        f"counts: submission {digest[7:19]}, the last of 2 attempts",
        "earned 812.50 of 1000.00",
        f"handed in 2026-12-03 09:59 UTC, {due} and 15 minutes of grace",
        "2 days late: -20 % of earned = -162.50",
        "mark 650.00",
    )
