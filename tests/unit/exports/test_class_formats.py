"""Formats that hold a whole round: who counts, with what, and what is left empty."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from publish.courses import Course
from reports.samples import HOSTILE, good, module_result, perfect, report

from exports.golden import ROSTER, UNJUDGED, course, taught
from exports.readers import canvas, class_json, rows
from grader.errors import ConfigError, UsageError
from grader.exports import (
    CLASS_FORMATS,
    FORMATS,
    Choice,
    Exported,
    of_class,
    of_student,
)
from grader.models.report import GradeReport, Verdict
from grader.roster import Person, read_roster

ADA, GRACE, EMMY = "s1024-lovelace", "s2048-hopper", "s4096-noether"
WAITING = (module_result("tensor", [UNJUDGED]),)
CSV_FORMATS = ("csv", "canvas", "nbgrader")


def exported(form: str, made: Course, roster: bytes | None = None) -> Exported:
    return of_class(form, made.export(), Choice(), roster)


def scores(form: str, data: bytes) -> dict[str, float | None]:
    """Return the total of each student as a consumer of the format reads it."""
    if form == "canvas":
        return canvas(data)[0]
    if form == "json":
        return {name: s["earned"] for name, s in class_json(data).items()}
    student, total = ("student", "earned") if form == "csv" else ("student_id", "score")
    return {
        row[student]: float(row[total]) if row[total] else None for row in rows(data)
    }


def elsewhere(graded: GradeReport, **changes: str) -> GradeReport:
    verdict = Verdict(**{**dict(graded.verdict), **changes})
    return GradeReport(**{**dict(graded), "verdict": verdict})


@pytest.mark.parametrize("form", CLASS_FORMATS)
def test_totals_are_those_of_the_reports(form: str) -> None:
    stored = course()
    made = of_class(form, stored, Choice())

    found = scores(form, made.data)

    want = {s.summary.student: s.summary.earned for s in stored.results}
    assert found.keys() == want.keys()
    for student in (ADA, GRACE):
        assert found[student] == pytest.approx(want[student], abs=0.005)


@pytest.mark.parametrize("form", CLASS_FORMATS)
def test_who_was_not_judged_has_no_number_and_is_named(form: str) -> None:
    made = of_class(form, course(), Choice())

    assert scores(form, made.data)[EMMY] is None
    assert made.unjudged
    assert made.notes == (f"{EMMY}: could not be judged (our side), left empty",)


def test_parts_add_up_to_the_total_and_leave_out_what_was_not_judged() -> None:
    found = {r["student"]: r for r in rows(of_class("csv", course(), Choice()).data)}

    parts = [name for name in found[GRACE] if name[:1].isdigit()]
    total = sum(float(found[GRACE][part]) for part in parts)
    assert total == pytest.approx(float(found[GRACE]["earned"]), abs=0.001)
    assert found[EMMY]["06 autograd"] == found[EMMY]["earned"] == ""
    assert found[EMMY]["02 tensor"] == "8.75"
    assert found[EMMY]["state"] == "not judged"


def test_json_says_null_for_what_was_not_judged() -> None:
    emmy = class_json(of_class("json", course(), Choice()).data)[EMMY]

    assert emmy["earned"] is None
    assert emmy["parts"]["autograd"] == {"earned": None, "points": 10.0}
    assert emmy["parts"]["setup"] == {"earned": 10.0, "points": 10.0}


def test_the_latest_judged_result_counts() -> None:
    made = Course()
    made.graded(ADA, perfect())
    made.graded(ADA, good())
    made.graded(GRACE, good())
    made.graded(GRACE, WAITING)

    done = exported("csv", made)

    assert scores("csv", done.data) == {ADA: 57.08, GRACE: 57.08}
    assert done.notes[0] == f"{GRACE}: an earlier result; the latest is not judged"
    assert done.unjudged


def test_what_was_withdrawn_does_not_count() -> None:
    made = Course()
    made.graded(ADA, good())
    made.withdrawn(made.graded(ADA, perfect()))
    made.withdrawn(made.graded(GRACE, perfect()))

    done = exported("csv", made)

    assert scores("csv", done.data) == {ADA: 57.08}


def test_rounds_and_profiles_are_kept_apart() -> None:
    made = Course()
    made.graded(ADA, good())
    made.stored(elsewhere(report(ADA, modules=perfect()), round="spring"))
    made.stored(elsewhere(report(ADA, modules=perfect()), profile="full"))

    with pytest.raises(UsageError, match="more than one round") as refused:
        exported("csv", made)
    assert refused.value.hint == "`--round` is one of: autumn-1, spring"
    with pytest.raises(UsageError, match="more than one profile"):
        of_class("csv", made.export(), Choice(round="autumn-1"))
    with pytest.raises(UsageError, match="no result of the round 'winter'"):
        of_class("csv", made.export(), Choice(round="winter"))
    chosen = Choice(round="autumn-1", profile="quick")
    assert scores("csv", of_class("csv", made.export(), chosen).data) == {ADA: 57.08}


def test_an_empty_store_is_said_to_be_empty() -> None:
    with pytest.raises(UsageError, match="the store has no result"):
        exported("csv", Course())


def test_a_result_without_a_student_is_left_out_aloud() -> None:
    made = Course()
    made.graded("", perfect())
    made.graded(ADA, perfect())

    done = exported("csv", made)

    assert scores("csv", done.data) == {ADA: 60.0}
    assert done.notes == ("left out: results without a student: 1",)


def test_results_out_of_different_totals_are_pointed_out() -> None:
    made = Course()
    made.graded(ADA, perfect())
    made.graded(GRACE, perfect()[:2])

    assert exported("csv", made).notes == (
        "results are out of different totals: 20.00, 60.00",
    )


def test_a_roster_gives_names_and_ids() -> None:
    by_canvas = rows(of_class("canvas", course(), Choice(), ROSTER).data)
    by_nbgrader = rows(of_class("nbgrader", course(), Choice(), ROSTER).data)

    ada = by_canvas[1]
    assert ada["Student"] == "Ada Lovelace, Countess"
    assert (ada["ID"], ada["SIS User ID"], ada["SIS Login ID"]) == (
        "17",
        "S1024",
        "ada",
    )
    assert by_nbgrader[1]["last_name"] == "Hopper"
    assert by_nbgrader[1]["first_name"] == "Grace"
    assert by_nbgrader[1]["email"] == "grace@example.edu"


def test_who_has_no_result_is_no_zero() -> None:
    made = of_class("csv", course(), Choice(), ROSTER)

    franklin = rows(made.data)[-1]
    assert franklin["student"] == "s8192-franklin"
    assert (franklin["state"], franklin["earned"]) == ("no result", "")
    assert "on the roster, but without a result, left empty: 1" in made.notes


def test_canvas_gets_no_row_that_would_clear_what_it_has() -> None:
    found, points = canvas(of_class("canvas", course(), Choice(), ROSTER).data)

    assert found.keys() == {"ada", "grace", "emmy"}
    assert points == 60


def test_canvas_gets_nobody_whom_the_roster_lacks() -> None:
    roster = ROSTER.replace(b"s1024-lovelace", b"somebody-else")

    made = of_class("canvas", course(), Choice(), roster)

    assert canvas(made.data)[0].keys() == {"grace", "emmy"}
    assert f"{ADA}: not on the roster, left out" in made.notes


def test_nobody_can_be_the_points_row_of_canvas() -> None:
    roster = b"student,name,login\ns1024-lovelace,Points Possible,ada\n"

    found, points = canvas(of_class("canvas", course(), Choice(), roster).data)

    assert found == {"ada": 60.0}
    assert points == 60


@pytest.mark.parametrize("title", ["Final Grade", "Unposted Current Score", "ID"])
def test_canvas_would_ignore_a_column_named_like_its_own(title: str) -> None:
    with pytest.raises(UsageError, match="does not import a column"):
        of_class("canvas", course(), Choice(assignment=title))


def test_a_title_does_not_change_the_delimiter_that_canvas_finds() -> None:
    data = of_class("canvas", course(), Choice(assignment="a;b;c;d;e;f;g")).data

    assert b";" not in data.splitlines()[0]


def test_nbgrader_has_the_columns_that_nbgrader_writes() -> None:
    (row, *_) = rows(of_class("nbgrader", course(), Choice()).data)

    assert list(row) == [
        *("assignment", "duedate", "timestamp", "student_id", "last_name"),
        *("first_name", "email", "raw_score", "late_submission_penalty", "score"),
        "max_score",
    ]
    assert row["timestamp"] == "2026-09-14 08:30:00"


def cells(data: bytes) -> list[str]:
    return [cell for row in rows(data) for cell in (*row, *row.values())]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("form", CSV_FORMATS)
def test_hostile_students_stay_one_harmless_row(form: str, text: str) -> None:
    made = Course()
    made.graded(text, perfect())
    roster = b'student,name,email\n"' + text[:9000].replace('"', '""').encode() + b'"'
    roster += b',"Robert, =1+1",@x\n'
    for given in (None, roster if len(text) < 9000 else None):
        data = exported(form, made, given).data

        assert len(rows(data)) == (2 if form == "canvas" else 1)
        for cell in cells(data):
            assert not cell.startswith(("=", "+", "-", "@", "\t"))
            assert not {unicodedata.category(c) for c in cell} & {
                "Cc",
                "Cf",
                "Cs",
                "Cn",
            }
            assert len(cell) < 2000
        assert 60.0 in scores(form, data).values()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_json_keeps_every_id_as_it_is(text: str) -> None:
    made = Course()
    made.graded(text, perfect())

    data = exported("json", made).data

    assert data.isascii()
    assert class_json(data)[text]["earned"] == 60.0


def test_one_student_of_the_store_in_a_format_for_one_report() -> None:
    made = of_student("junit", course(), Choice(student=GRACE), {}, taught().report)

    assert b'name="02 tensor"' in made.data
    with pytest.raises(UsageError, match="no result of 'nobody' is stored"):
        of_student("junit", course(), Choice(student="nobody"), {}, taught().report)


@pytest.mark.parametrize(
    ("person", "first", "last"),
    [
        (Person("x", name="Ada King Lovelace"), "Ada King", "Lovelace"),
        (Person("x", name="Lovelace, Ada"), "Ada", "Lovelace"),
        (Person("x", name="Ada"), "", "Ada"),
        (Person("x", first_name="Ada"), "Ada", ""),
        (Person("x"), "", ""),
    ],
    ids=["in order", "turned round", "one word", "told", "nothing"],
)
def test_first_and_last_names(person: Person, first: str, last: str) -> None:
    assert person.names == (first, last)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no column `student`"),
        (b"name\nAda\n", "no column `student`"),
        (b"student\na\nb\na\n", "'a' stands twice in the roster, again in row 4"),
        (b"student\n\xff\n", "no CSV file"),
        (b'student\n"a', "no CSV file"),
    ],
    ids=["empty", "no column", "twice", "not UTF-8", "open quote"],
)
def test_a_roster_that_cannot_be_used_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        read_roster(data)


def test_a_roster_may_have_other_columns_and_breaks_in_cells() -> None:
    people = read_roster(b'\xef\xbb\xbfSource,Student,Name\nx,a,"A\nB"\ny,,C\n,,\n')

    assert people == {"a": Person("a", name="A\nB")}


def test_every_format_is_explained() -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "export.md"
    text, _, unjudged = page.read_text(encoding="utf8").partition("could not be judged")

    for form in FORMATS:
        assert f"| `{form}` | " in text
        assert re.search(rf"^\|[^|]*`{form}`", unjudged, re.MULTILINE)
