"""Marks as other programs read them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from publish.courses import Course
from reports.samples import START, perfect

from exports.golden import marked
from exports.readers import canvas, class_json, rows
from grader.exports import CLASS_FORMATS, Choice, of_class
from grader.store.events import Overridden, PolicySet, Submitted

GRACE = "s2048-hopper"
LATE = "46.27"


def row(form: str, student: str) -> dict[str, str]:
    column = "student_id" if form == "nbgrader" else "student"
    made = rows(of_class(form, marked(), Choice()).data)
    return next(one for one in made if one[column] == student)


def closed() -> Course:
    """Return a student of whom all came after the round had closed."""
    made = Course()
    made.graded("ada", perfect())
    made.graded("bob", perfect())
    policy = PolicySet(
        round="autumn-1", due_at=START, per_day=0.1, closes_after_days=1, by="staff"
    )
    made.said("", policy)
    submission = made.export().results[0].summary.submission
    at = START + timedelta(days=2)
    told = Submitted(round="autumn-1", submission=submission, at=at, told_by="staff")
    made.said("ada", told)
    return made


def test_csv_tells_how_the_mark_came_about() -> None:
    grace = row("csv", GRACE)

    columns = ("earned", "late_days", "penalty", "override", "mark", "comment")
    want = ["57.83", "2", "11.56", "", LATE, "'=well done"]
    assert [grace[name] for name in columns] == want
    parts = [float(v) for name, v in grace.items() if name[:1].isdigit()]
    assert sum(parts) == pytest.approx(57.83, abs=1e-9)
    assert grace["02 tensor"] == "9.50"


def test_json_tells_every_step() -> None:
    grace = class_json(of_class("json", marked(), Choice()).data)[GRACE]

    assert (grace["earned"], grace["penalty"], grace["mark"]) == (57.83, 11.56, 46.27)
    assert grace["parts"]["tensor"] == {"earned": 9.5, "points": 10.0}
    assert "2 days late: -20 % of earned = -11.56" in grace["steps"]
    assert grace["comment"] == "=well done"


def test_canvas_and_nbgrader_get_the_mark() -> None:
    found, _ = canvas(of_class("canvas", marked(), Choice()).data)
    grace = row("nbgrader", GRACE)

    assert found[GRACE] == float(LATE)
    assert grace["raw_score"] == "57.83"
    assert grace["late_submission_penalty"] == "11.56"
    assert grace["score"] == LATE
    assert grace["duedate"] == "2026-09-13 02:30:00"
    assert grace["timestamp"] == "2026-09-14 08:30:00"


@pytest.mark.parametrize("form", CLASS_FORMATS)
def test_what_came_after_closing_is_no_number_and_is_named(form: str) -> None:
    made = of_class(form, closed().export(), Choice())

    assert b"60.00" in made.data or b"60.0" in made.data  # bob's
    assert made.notes == (
        "ada: handed in after the round closed, left empty",
        "no time of handing in is known, taken as in time: 1",
    )
    assert not made.unjudged


def test_canvas_keeps_what_it_has_of_who_came_after_closing() -> None:
    found, _ = canvas(of_class("canvas", closed().export(), Choice()).data)

    assert found == {"bob": 60.0}


def test_points_set_by_staff_go_where_there_is_no_result() -> None:
    made = closed()
    made.said("cem", Overridden(round="autumn-1", points=12, by="staff", reason="oral"))

    found, _ = canvas(of_class("canvas", made.export(), Choice()).data)

    assert found == {"bob": 60.0, "cem": 12.0}
