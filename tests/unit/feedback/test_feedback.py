"""The page of one student: what it says, to whom, and what it keeps for later."""

from __future__ import annotations

from datetime import timedelta

import pytest
from reports.samples import (
    HOSTILE,
    START,
    WRONG,
    everything,
    hostile,
    module_result,
    perceptron,
    perfect,
    xor,
)
from reports.samples import digest as made_up
from reports.test_html_report import Page

from feedback.people import ADA, DAY, LATER, ROUND, WHO, Term, begun, three_days
from grader.errors import UsageError
from grader.feedback import Asked, feedback, file_name, to_html
from grader.models.outcome import Inconclusive
from grader.models.report import GradeReport, Verdict
from grader.store.events import Chosen, Extended, RegradeSet, TeamSet


def words(made: Term, **asked: object) -> str:
    return Page(to_html(made.page(**asked))).text()


def test_attempts_are_told_newest_first_with_what_changed() -> None:
    newest, best, first = three_days().page().attempts

    assert [newest.number, best.number, first.number] == [3, 2, 1]
    assert [c.label for c in best.changes] == ["7 newly passed"]
    assert best.changes[0].more == 1
    assert [c.label for c in newest.changes] == ["1 no longer passes"]
    assert newest.changes[0].names == ("01 keys gives what the docstring says",)
    assert first.changes == ()


def test_which_attempt_counts_and_what_lateness_cost_is_said() -> None:
    newest, best, first = three_days().page().attempts

    assert (best.counts, newest.counts, first.counts) == (True, False, False)
    assert best.time == "in time"
    assert newest.time == "1 day late, -5.20 points"
    assert newest.late


def test_a_chosen_attempt_counts() -> None:
    made = three_days()
    first = made.export().results[0].digest
    made.said(ADA, Chosen(round=ROUND, by=WHO, reason="asked to"), first)

    assert [a.counts for a in made.page().attempts] == [False, False, True]


def test_nothing_is_compared_across_changed_suites_or_modules_left_out() -> None:
    made = Term()
    made.comes(begun(), day=0)
    made.comes(perfect(), day=1, suites=made_up("other suites"))
    other = made.page().attempts[0]
    made = Term()
    made.comes(begun()[:1], day=0)
    made.comes(begun(), day=1)
    left_out = made.page().attempts[0]

    assert other.changes == ()
    assert other.notes == ("the checks changed since the attempt before",)
    assert left_out.changes == ()


def test_what_could_not_be_judged_is_neither_won_nor_lost() -> None:
    ours = list(perfect())
    ours[4] = module_result("losses", [Inconclusive(reason="no memory left")])
    made = Term()
    made.comes(perfect(), day=0)
    made.comes(ours, day=1)
    made.comes(perfect(), day=2)
    last, unclear, _ = made.page().attempts

    assert last.changes == unclear.changes == ()
    assert unclear.points == ""
    assert "our side" in unclear.notes[0]


def test_a_milestone_that_is_reached_since_is_named() -> None:
    made = Term()
    made.comes(perfect(), milestones=(perceptron(accuracy=0.9),), day=0)
    made.comes(perfect(), milestones=(perceptron(),), day=1)

    (change,) = made.page().attempts[0].changes
    assert change.names == ("milestone 01 Perceptron",)


def test_a_regrade_is_one_attempt_and_says_how_points_moved() -> None:
    made = Term()
    made.comes(begun())
    before = made.report(made.export().results[0].digest)
    verdict = Verdict(**{**dict(before.verdict), "earned": 12.5})
    made.stored(GradeReport(**{**dict(before), "verdict": verdict}))
    page = made.page()

    assert len(page.attempts) == 1
    assert page.attempts[0].notes == ("graded again: 10 -> 12.5 points",)


def test_a_set_that_is_not_applied_is_not_seen() -> None:
    made = Term()
    made.comes(begun())
    made.said("", RegradeSet(name="fix", state="planned", round=ROUND, by=WHO))

    assert made.page().attempts[0].notes == ()


def test_a_comment_an_override_and_an_own_date_are_on_the_own_page() -> None:
    made = three_days()
    made.comment("Well tested.\n<b>Come</b> to the lab.")
    made.override(9.5, "setup", "shown in the lab")
    made.said(ADA, Extended(round=ROUND, due_at=START + 9 * DAY, by=WHO))
    text = words(made)

    assert "A word from staffWell tested. <b>Come</b> to the lab." in text
    assert "setup set to 9.50 by A. Teacher: shown in the lab" in text
    assert "with points set by staff" in text
    assert "your own date: 2026-09-23 08:30 UTC; for everybody else due" in text


def test_points_set_for_the_whole_are_the_mark() -> None:
    made = three_days()
    made.override(12.0)
    page = made.page()

    assert page.mark == "12"
    assert ("your mark", "12", "set by staff") in page.facts


def test_a_team_s_attempt_is_on_the_page_of_its_members() -> None:
    made = Term()
    made.said("red", TeamSet(members=(ADA, "bob"), by=WHO))
    made.comes(begun(), student="red")
    made.comes(perfect(), day=1)

    own, team = made.page().attempts
    assert (own.team, team.team) == ("", "red")
    assert [a.team for a in made.page("bob").attempts] == ["red"]


def test_nobody_else_s_result_is_on_it() -> None:
    made = three_days()
    made.comes(perfect(), student="zoe@example.edu", day=3)

    assert "zoe" not in to_html(made.page())
    with pytest.raises(UsageError, match="no result of 'nobody'"):
        made.page("nobody")


def final(made: Term) -> Term:
    stones = (perceptron(), xor(WRONG[0]))
    made.comes(begun(), round_kind="final", milestones=stones)
    made.comes(perfect(), round_kind="final", milestones=stones, day=1)
    return made


def test_an_open_final_round_shows_points_and_no_details() -> None:
    made = Term()
    made.policy(due_at=START + 2 * DAY, closes_after_days=1)
    page = final(made).page(now=START + 3 * DAY)
    html = to_html(page)
    text = Page(html).text()

    assert not page.details
    assert page.until == "2026-09-17 08:30 UTC"
    assert "Points are shown now" in text
    assert page.facts[0][:2] == ("points of the latest", "65")
    assert [(m.title, m.earned) for m in page.modules][:2] == [
        ("Setup", "10"),
        ("Tensor", "10"),
    ]
    assert not any(a.changes for a in page.attempts)
    for detail in ("docstring", "expected", "hint", "newly", "checks passed", "sha256"):
        assert detail not in text, detail


@pytest.mark.parametrize(
    ("closes", "days", "shown"),
    [(1, 3.0, False), (1, 3.01, True), (None, 1000, False), (7, 8.9, False)],
)
def test_details_show_once_nothing_can_count_any_more(
    closes: int | None, days: float, *, shown: bool
) -> None:
    made = Term()
    made.policy(due_at=START + 2 * DAY, closes_after_days=closes)

    assert final(made).page(now=START + days * DAY).details is shown


def test_details_wait_for_the_last_extension_and_for_the_grace() -> None:
    made = Term()
    made.policy(due_at=START + 2 * DAY, closes_after_days=1, grace_s=3600)
    made.said("zoe", Extended(round=ROUND, due_at=START + 5 * DAY, by=WHO))
    end = START + 6 * DAY + timedelta(hours=1)

    assert not final(made).page(now=end).details
    assert made.page(now=end + timedelta(seconds=1)).details


def test_the_newest_round_and_profile_are_shown_unless_others_are_asked_for() -> None:
    made = Term()
    made.comes(perfect(), day=0)
    made.comes(begun(), day=1, profile="full")
    made.comes(begun(), day=2, round="autumn-2")

    assert made.page().round == "autumn-2"
    shown = made.page(round=ROUND)
    assert (shown.profile, shown.others) == ("full", ("quick",))
    assert made.page(round=ROUND, profile="quick").attempts[0].points == "60 of 60"


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_text_is_shown_and_not_obeyed(kind: str) -> None:
    made = Term()
    graded = hostile(HOSTILE[kind])
    verdict = Verdict(**{**dict(graded.verdict), "round": ROUND})
    made.stored(GradeReport(**{**dict(graded), "student": ADA, "verdict": verdict}))
    made.comment(HOSTILE[kind][:4000])
    html = to_html(made.page(name=HOSTILE[kind]))
    page = Page(html)

    assert {"script", "img", "iframe", "form"}.isdisjoint(tag for tag, _ in page.tags)
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert "\x1b" not in html
    assert "\u202e" not in html
    assert len(html) < 400_000


def test_every_link_leads_to_one_place_on_the_page() -> None:
    made = Term()
    made.comes(everything(), milestones=(perceptron(), xor(WRONG[0])))
    page = Page(to_html(made.page()))
    links, ids = page.attributes("href"), page.attributes("id")

    assert len(links) > 10
    assert {link.removeprefix("#") for link in links} <= {*ids}
    assert len(ids) == len({*ids})


def test_files_have_stable_names_of_one_student_each() -> None:
    hard = ["Ada", "ada", "a/b", "a b", "../x", "..", "", "A/B", "ada.", "con/..", "ä"]
    names = [file_name(student) for student in hard]

    assert file_name(ADA) == f"{ADA}.html"
    assert len({name.lower() for name in names}) == len(hard)
    assert all(name == file_name(s) for s, name in zip(hard, names, strict=True))
    assert not any(set("/\\ ") & {*name} or name.startswith(".") for name in names)


def test_a_page_needs_one_report_only() -> None:
    made = three_days()
    read: list[str] = []

    def report(digest: str) -> GradeReport:
        read.append(digest)
        return made.report(digest)

    feedback(made.export(), report, Asked(ADA, LATER))

    assert len(read) == 1
