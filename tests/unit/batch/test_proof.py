"""What a worker of a cluster must prove, fact by fact."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from reports.samples import good, report

from grader import datasets
from grader.batch.proof import Proof
from grader.batch.remote_task import (
    BORN,
    Answer,
    Errand,
    Facts,
    Question,
    Standing,
    data_of,
    grade_here,
)
from grader.config import find_home, load_course
from grader.container.request import Failure
from grader.errors import ConfigError, SandboxUnavailableError
from grader.grading import GradeOptions
from grader.models.report import GradeReport
from grader.models.submission import Submission

HOME = find_home(Path(__file__).resolve().parent)
COURSE = load_course(HOME.course_file)
QUICK = {"digits", "clouds", "xor", "sonnets"}


@pytest.fixture(scope="module")
def options() -> GradeOptions:
    return GradeOptions(sandbox="uid", milestones=("perceptron", "mlp"))


@pytest.fixture(scope="module")
def made(options: GradeOptions) -> Proof:
    return Proof(HOME, COURSE, options)


@pytest.fixture
def proof(made: Proof) -> Proof:
    """A proof of one's own: it learns from the workers it meets."""
    return copy.deepcopy(made)


@pytest.fixture
def facts(made: Proof) -> dict[str, Any]:
    return dict(made._facts)


@pytest.fixture
def standing(made: Proof) -> dict[str, Any]:
    """How a good worker stands."""
    return {
        "born": "b",
        "threads": 1,
        "facts": made._facts,
        "tier": "uid",
        "data": dict(made._data),
    }


def test_an_equal_worker_may_grade(proof: Proof, standing: dict[str, Any]) -> None:
    assert proof.check(Standing(**standing), "").born == "b"


@pytest.mark.parametrize("fact", Facts.model_fields)
def test_every_fact_counts(
    fact: str, proof: Proof, standing: dict[str, Any], facts: dict[str, Any]
) -> None:
    other = Standing(**standing | {"facts": Facts(**facts | {fact: "other"})})

    with pytest.raises(ConfigError, match=f"its {fact} is other, not"):
        proof.check(other, "")


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ({"threads": 2}, ConfigError, "with 2 threads"),
        ({"tier": "docker"}, SandboxUnavailableError, "wall is docker, not uid"),
        ({"data": {"digits": ""}}, ConfigError, "lacks the data set digits"),
        ({"data": {"digits": "sha256:0"}}, ConfigError, "its data set digits is"),
        (
            {"failure": Failure(code="sandbox", message="no wall", hint="")},
            SandboxUnavailableError,
            "no wall",
        ),
        (
            {"failure": Failure(code="config", message="no course", hint="")},
            ConfigError,
            "no course",
        ),
    ],
)
def test_what_keeps_a_worker_from_grading(
    change: dict[str, Any],
    kind: type[Exception],
    message: str,
    proof: Proof,
    standing: dict[str, Any],
) -> None:
    with pytest.raises(kind, match=message):
        proof.check(Standing(**standing | change), "")


def test_a_worker_that_cannot_answer_is_refused(proof: Proof) -> None:
    with pytest.raises(ConfigError, match="No module named 'grader'"):
        proof.check(None, "ModuleNotFoundError: No module named 'grader'")
    with pytest.raises(ConfigError, match="another version"):
        proof.check(None, "")


def test_data_that_only_workers_have_must_be_the_same_on_all(
    proof: Proof, standing: dict[str, Any]
) -> None:
    mine = {**standing["data"], "mnist": "sha256:1"}
    proof.check(Standing(**standing | {"data": mine}), "")

    with pytest.raises(ConfigError, match="its data set mnist is sha256:2"):
        proof.check(Standing(**standing | {"data": {"mnist": "sha256:2"}}), "")


def test_only_what_the_job_needs_is_looked_for(proof: Proof) -> None:
    one = Question(inner="uid", profile="full", milestones=("perceptron",))
    real = Question(inner="uid", profile="full", milestones=("mlp",))

    assert set(data_of(HOME, COURSE, one)) == {"clouds"}
    assert data_of(HOME, COURSE, real, Path("/nowhere")) == {"mnist": ""}
    assert set(data_of(HOME, COURSE, proof.question)) <= QUICK


def test_data_is_known_by_the_digest_of_reports(proof: Proof) -> None:
    found = data_of(HOME, COURSE, proof.question)

    root = HOME.milestones / "data"
    assert found["digits"] == datasets.load("digits", root=root, seed=5).digest


@pytest.fixture
def asked_for(facts: dict[str, Any]) -> tuple[Submission, GradeReport]:
    """A submission and the report that a good worker sends of it."""
    graded = report(modules=good())
    verdict = dict(graded.verdict) | {
        name: facts[name] for name in ("suites", "reference", "engine")
    }
    measured = dict(graded.measurements) | {
        "isolation": dict(graded.measurements.isolation) | {"tier": "uid"}
    }
    whole = dict(graded) | {"verdict": verdict, "measurements": measured}
    submission = Submission(
        label="x", student=graded.student, digest=graded.verdict.submission, files=()
    )
    return submission, GradeReport.model_validate(whole)


def test_a_report_is_what_was_asked_for(
    proof: Proof, asked_for: tuple[Submission, GradeReport]
) -> None:
    submission, graded = asked_for
    stranger = Submission.model_validate(dict(submission) | {"student": "mallory"})
    older = dict(graded) | {"verdict": dict(graded.verdict) | {"engine": "0.0.1"}}

    assert proof.other(submission, graded) == ""
    assert proof.other(stranger, graded) == "student"
    assert proof.other(submission, GradeReport.model_validate(older)) == "engine"


def test_a_worker_that_came_back_is_another_one() -> None:
    errand = Errand(born="before", inner="uid").model_dump_json().encode()

    answer = Answer.model_validate_json(grade_here(errand, b"not even a request"))

    assert answer == Answer(born=BORN)


def test_whatever_goes_wrong_comes_back_as_text() -> None:
    errand = Errand(born=BORN, inner="uid").model_dump_json().encode()

    answer = Answer.model_validate_json(grade_here(errand, b"no tar"))

    assert answer.report is None
    assert answer.failure is not None
    assert answer.failure.code == "bug"
    assert "ReadError" in answer.failure.message
