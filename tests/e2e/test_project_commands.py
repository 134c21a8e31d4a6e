"""`grader project` as staff use it, from a repository to an approved card."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from grader_command import REFERENCE, TEMPLATE, Done, Grader, copied

STUDENT = "ada@example.edu"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = copied(REFERENCE, tmp_path_factory.mktemp("project"), {})
    (root / "entry").mkdir()
    for name in ("example.py", "capstone.example.toml"):
        (root / "entry" / name).write_bytes((TEMPLATE / "entry" / name).read_bytes())
    (root / "entry" / "capstone.example.toml").rename(root / "capstone.toml")
    return root


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Grader:
    made = Grader(tmp_path_factory.mktemp("state"))
    assert made.here("round", "new", "one").code == 0
    return made


@pytest.fixture(scope="module")
def recorded(course: Grader, repository: Path) -> Done:
    return course.here("project", "record", repository, "--student", STUDENT)


def rows(course: Grader) -> list[dict[str, str]]:
    found = course.here("project", "list", "--format", "json")
    listed: list[dict[str, str]] = json.loads(found.out)
    return listed


def test_a_project_is_recorded_listed_and_approved(
    course: Grader, recorded: Done
) -> None:
    assert recorded.code == 0, recorded.err
    assert "claim      reproduced" in recorded.out
    (row,) = rows(course)
    assert (row["student"], row["approved"]) == (STUDENT, False)
    assert row["document"] in recorded.err

    short = row["document"][7:15]
    assert course.here("project", "approve", short, "--by", "A. Teacher").code == 0
    assert "approved by A. Teacher" in course.here("project", "list").out

    revoked = course.here("project", "approve", short, "--revoke", "--by", "A. Teacher")
    assert "not shown" in revoked.err
    assert not rows(course)[0]["approved"]


def test_it_is_in_the_history(course: Grader, recorded: Done) -> None:
    assert recorded.code == 0

    assert "project Digits through a bottleneck: reproduced" in (
        course.here("history", STUDENT, "--format", "csv").out
    )


def test_every_problem_of_a_declaration_is_told(
    course: Grader, repository: Path, tmp_path: Path
) -> None:
    text = (repository / "capstone.toml").read_text(encoding="utf8")
    (tmp_path / "tinytorch").mkdir()
    wrong = text.replace("0.93", "93").replace("set =", "sett =")
    (tmp_path / "capstone.toml").write_text(wrong, encoding="utf8")

    done = course.here("project", "run", tmp_path)

    assert done.code == 1
    assert "`data.sett` is not known; did you mean `set`?" in done.err
    assert "an accuracy lies between 0 and 1" in done.err
    assert "there are 2 things to change in capstone.toml" in done.err
    assert not done.out


def test_a_project_of_nobody_is_not_kept(course: Grader, repository: Path) -> None:
    done = course.here("project", "record", repository)

    assert done.code == 2
    assert "--student" in done.err


def test_a_digest_that_is_not_there_is_said(course: Grader) -> None:
    done = course.here("project", "approve", "zzzz", "--by", "A. Teacher")

    assert done.code == 2
    assert "no project has a digest" in done.err
