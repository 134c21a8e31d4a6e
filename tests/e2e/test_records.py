"""History, regrade sets and erasure, as staff meet them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from grader_command import REFERENCE, TEMPLATE, Grader, copied, small_course

from grader.store import Store

CHOSEN = ["--only", "setup", "--no-milestones", "--round", "one"]
SIGNED = ["--by", "A. Teacher", "--reason", "the worth of setup was wrong"]


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    """A store with the results of two students, whose folders are gone since."""
    folder = tmp_path_factory.mktemp("records")
    made = Grader(folder / "state")
    assert made.here("round", "new", "one").code == 0
    work = folder / "work"
    copied(REFERENCE, work / "ann", {})
    copied(TEMPLATE, work / "bob", {})
    done = made("batch", work, *CHOSEN)
    assert done.code == 0, done.err
    work.rename(folder / "elsewhere")
    return made


@pytest.fixture
def school(graded: Grader, tmp_path: Path) -> Grader:
    """The same store, to be changed, under a course in which setup is worth more."""
    state = tmp_path / "state"
    shutil.copytree(graded.state, state)
    change = ('title = "Setup"\npoints = 10.0', 'title = "Setup"\npoints = 20.0')
    return Grader(state, small_course(tmp_path / "course", [change]))


def rows(text: str) -> dict[str, dict[str, Any]]:
    return {row["student"]: row for row in json.loads(text)}


def earned(grader: Grader) -> dict[str, float]:
    target = grader.state / "marks.json"
    done = grader.here("export", "json", "--round", "one", "--to", target)
    assert done.code == 0, done.err
    students = json.loads(target.read_text())["students"]
    target.unlink()
    return {s["student"]: s["earned"] for s in students}


def test_a_set_changes_nothing_until_it_is_applied(school: Grader) -> None:
    before = earned(school)

    done = school("regrade", "new", "fix", *CHOSEN, *SIGNED, "--format", "json")

    assert done.code == 0, done.err
    found = rows(done.out)
    assert found["ann"]["before"] == 10.0
    assert found["ann"]["after"] == 20.0
    assert found["bob"]["change"] == 0.0
    assert "out of: 10 -> 20" in found["ann"]["why"]
    assert "1 up, 0 down, 1 same" in done.err
    assert earned(school) == before

    assert school.here("regrade", "apply", "fix", "--by", "A. Teacher").code == 0
    assert earned(school) == {"ann": 20.0, "bob": 0.0}
    history = school.here("history", "ann").out
    assert history.count("10.00 of 10") == 1
    assert "20.00 of 20" in history
    assert "regrade fix" in history


def test_a_cancelled_set_has_no_effect_and_cannot_be_applied(school: Grader) -> None:
    before = earned(school)
    school("regrade", "new", "fix", *CHOSEN, *SIGNED)

    assert school.here("regrade", "cancel", "fix", "--by", "A. Teacher").code == 0

    late = school.here("regrade", "apply", "fix", "--by", "A. Teacher")
    assert late.code == 2
    assert "was cancelled already" in late.err
    assert earned(school) == before
    assert "cancelled" in school.here("regrade", "list").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["regrade", "apply", "none", "--by", "me"], "there is no regrade set 'none'"),
        (["regrade", "show", "none"], "there is no regrade set 'none'"),
        (
            ["regrade", "new", "x", "--round", "two", "--by", "me"],
            "no result of round 'two' and profile 'quick'",
        ),
        (
            ["regrade", "new", "x", *CHOSEN, "--by", "me", "--student", "eve"],
            "no result of 'eve' is stored",
        ),
        (["history", "eve"], "nothing is kept of 'eve'"),
        (["show", "eve"], "no result of 'eve' is stored"),
        (
            ["forget", "eve", "--by", "me", "--reason", "x", "--yes"],
            "nothing is kept of 'eve'",
        ),
    ],
)
def test_what_does_not_exist_is_said(
    graded: Grader, arguments: list[str], message: str
) -> None:
    done = graded.here(*arguments)

    assert done.code == 2
    assert message in done.err


def test_a_stored_report_is_shown_by_student_and_by_digest(graded: Grader) -> None:
    digest = re.search(r"\b[0-9a-f]{12}\b", graded.here("history", "ann").out)
    assert digest is not None

    by_name = graded.here("show", "ann", "--format", "json")
    by_digest = graded.here("show", digest[0], "--format", "json")

    assert by_name.report.student == "ann"
    assert by_digest.out == by_name.out


def test_the_store_is_checked(graded: Grader, school: Grader) -> None:
    assert graded.here("store", "check").code == 0
    document = next((school.state / "store" / "results").rglob("*.json"))
    document.write_bytes(document.read_bytes().replace(b'"earned":', b'"earned": ', 1))

    done = school.here("store", "check")

    assert done.code == 6
    assert "is damaged" in done.out


def test_nothing_of_a_forgotten_person_is_left(school: Grader) -> None:
    store = school.state / "store"
    school.here("visibility", "bob", "named", "--by", "bob", "--name", "Bob Builder")
    asked = ["forget", "bob", "--by", "A. Teacher", "--reason", "by request"]

    refused = school.here(*asked)  # nobody answers the question
    done = school.here(*asked, "--yes")

    assert refused.code != 0
    assert done.code == 0, done.err
    assert list(earned(school)) == ["ann"]
    kept = [path for path in store.rglob("*") if path.is_file()]
    assert not [p for p in kept if b"bob" in p.read_bytes().lower()]
    assert len(list((store / "sources").rglob("*.gz"))) == 1
    last = Store.open(store).events()[-1].payload
    assert (last.kind, getattr(last, "results", 0)) == ("forgotten", 1)
    assert school.here("store", "check").code == 0
