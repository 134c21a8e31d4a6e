"""`grader export`: from a grading to a file, and what the command refuses."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from grader_command import REFERENCE, TEMPLATE, Grader, modules
from junitparser import JUnitXml

from grader.models.outcome import Inconclusive
from grader.models.report import CheckResult, GradeReport, ModuleResult, Verdict
from grader.store import Store

CHOSEN = modules("setup")


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    """The command with a store in which two students are graded."""
    made = Grader(tmp_path_factory.mktemp("export"))
    assert made.here("round", "new", "one").code == 0
    for student, source in (("ann", REFERENCE), ("bob", TEMPLATE)):
        done = made.grade(source, *CHOSEN, "--student", student, "--save")
        assert done.code == 0, done.err
    return made


@pytest.fixture
def unclear(grader: Grader, tmp_path: Path) -> Path:
    """A store in which a check of the only student could not be judged."""
    with_bob = [s.report for s in Store.open(grader.state / "store").reports()]
    base = next(report for report in with_bob if report.student == "bob")
    module = base.verdict.modules[0]
    outcome = Inconclusive(reason="the host starved the judge")
    check = CheckResult(**{**dict(module.checks[0]), "outcome": outcome})
    checks = (check, *module.checks[1:])
    module = ModuleResult(**{**dict(module), "checks": checks})
    verdict = Verdict(**{**dict(base.verdict), "modules": (module,)})
    store = Store.open(tmp_path / "unclear")
    store.add_report(GradeReport(**{**dict(base), "verdict": verdict}))
    store.close()
    return tmp_path / "unclear"


def test_a_class_is_written_as_csv(grader: Grader, tmp_path: Path) -> None:
    target = tmp_path / "grades.csv"

    done = grader("export", "csv", "--round", "one", "--to", target)

    assert done.code == 0, done.err
    assert done.out == ""
    with target.open(encoding="utf8", newline="") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    assert rows["ann"]["earned"] == rows["ann"]["of"]
    assert float(rows["bob"]["earned"]) == 0
    assert {row["state"] for row in rows.values()} == {"graded"}


def test_a_report_becomes_junit_through_a_pipe(grader: Grader, tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    report.write_text(grader.grade(TEMPLATE, *CHOSEN).out, encoding="utf8")

    done = grader("export", "junit", report)

    assert done.code == 0, done.err
    read = JUnitXml.fromstring(done.out.encode())
    assert read.tests == read.failures > 0
    assert read.errors == 0


def test_a_stored_student_in_a_format_for_one_report(grader: Grader) -> None:
    done = grader("export", "gradescope", "--student", "ann")

    assert done.code == 0, done.err
    value = json.loads(done.out)
    assert value["score"] == sum(test["max_score"] for test in value["tests"]) > 0


def test_exit_5_names_who_was_not_judged(grader: Grader, unclear: Path) -> None:
    done = grader("export", "json", "--store", unclear)

    assert done.code == 5
    assert "bob: could not be judged (our side), left empty" in done.err
    (student,) = json.loads(done.out)["students"]
    assert student["earned"] is None


def test_exit_5_and_no_score_in_a_format_for_one_report(
    grader: Grader, unclear: Path, tmp_path: Path
) -> None:
    target = tmp_path / "results.json"
    arguments = ("--student", "bob", "--store", unclear, "--to", target)

    done = grader.here("export", "gradescope", *arguments)

    assert done.code == 5
    assert "there is no score: grade again" in done.err
    assert "score" not in json.loads(target.read_text(encoding="utf8"))


def test_classroom50_writes_nothing_that_it_would_collect(
    grader: Grader, unclear: Path, tmp_path: Path
) -> None:
    target = tmp_path / "result.json"
    arguments = ("--student", "bob", "--store", unclear, "--to", target)

    done = grader.here("export", "classroom50", *arguments)

    assert done.code == 5
    assert not target.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["csv", "--round", "two"], 2, "no result of the round 'two' is stored"),
        (["csv", "--student", "ann"], 2, "not of one student"),
        (["csv", "--assignment", "x"], 2, "no column that a title would name"),
        (["junit"], 2, "name its file, or a stored student"),
        (["junit", "--student", "zoe"], 2, "no result of 'zoe' is stored"),
        (["junit", "course.toml"], 3, "no report of this grader"),
        (["junit", "course.toml", "--round", "one"], 2, "not looked for in the store"),
        (["junit", "--student", "ann", "--assignment", "x"], 2, "no title"),
        (["classroom50", "--student", "ann"], 3, "is not in the environment"),
        (["canvas", "--roster", "course.toml"], 3, "no column `student`"),
        (["canvas", "--assignment", "Final Score"], 2, "does not import a column"),
        (["ods"], 2, "'ods' is not one of"),
        (["junit", "nowhere.json"], 2, "nowhere.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_does_not_fit_together_is_refused(
    grader: Grader,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.delenv("CLASSROOM", raising=False)

    done = grader.here("export", *arguments)

    assert done.code == code, done.err
    assert message in done.err
    assert done.out == ""
