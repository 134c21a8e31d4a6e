"""The reusable workflow and the action in it, their steps run for real."""

from __future__ import annotations

import base64
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from grader.rounds import demo_round
from workflows.run_steps import Result, Runner
from workflows.students import HOME, built

WORKFLOW = HOME.folder / ".github/workflows/feedback.yml"
GRADER = Path(__file__).parents[3] / ".venv/bin/grader"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SECRET = "the token that reads"  # noqa: S105 -- it opens nothing
# A machine of the tests has them already; making them takes a minute and the network.
READY = ("Install the grader", "Make the sandbox ready")
TIER = "uid" if os.geteuid() == 0 else "namespaces"
FILES = {"classroom.json", "junit.xml", "report.html", "report.json"}


def ran(
    folder: Path, repository: Path, skip: tuple[str, ...] = READY, **inputs: Any
) -> Result:
    """Run the job with the grader of this checkout."""
    course = folder / "course"
    for name in (".github", "grader", "reference", "milestones", "course.toml"):
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (HOME.folder / name).is_dir() else shutil.copy
        copy(HOME.folder / name, course / name)
    shutil.copytree(HOME.template, course / "student_template")
    given = {
        "repository": "course/ada",
        "commit": COMMIT,
        "student": "ada",
        "round": "week-1",
        "profile": "quick",
        "modules": "setup",
        "milestones": False,
        "sandbox": TIER,
        "image": "none",
        "grader-repository": "course/grader",
        "grader-ref": "",
        **inputs,
    }
    round_ = demo_round().model_dump_json().replace('"demo"', '"week-1"', 1)
    contexts = {
        "inputs": given,
        "secrets": {"round-secret": round_, "read-token": SECRET},
        "github": {"repository": "course/grader"},
    }
    there = {"course/grader": course, "course/ada": repository}
    runner = Runner(folder / "run", there, contexts, skip=skip)
    program = runner.temp / "grader/bin/grader"
    program.parent.mkdir(parents=True)
    program.symlink_to(shutil.which("grader", path=str(GRADER.parent)) or "none")
    return runner.job(WORKFLOW, "grade")


@pytest.mark.namespaces
def test_a_commit_is_graded_and_what_it_prints_is_no_command(tmp_path: Path) -> None:
    project = built(tmp_path / "repo", "02")
    (project / "tinytorch/setup.py").write_text(
        'print("::error::PWNED", flush=True)\n'
        "def system_info():\n"
        '    print("::notice title=Autograding report::{}\\n##[add-mask]a")\n'
        '    raise KeyError("::error::PWNED\\n::add-path::/x %0A::warning::x")\n'
    )

    result = ran(tmp_path, project)

    assert result.failed == [], result.text  # graded: what it earns is another matter
    told = result.outputs["grade"]
    assert (told["status"], told["earned"]) == ("graded", "0.00")
    assert float(told["points"]) > 0
    classroom = json.loads(base64.b64decode(told["result"]))
    assert (classroom["status"], classroom["max_score"]) == (
        "fail",
        float(told["points"]),
    )
    assert {path.name for path in result.artifacts["grading"]} == FILES
    assert "points**" in result.summary
    assert {c.name for c in result.log.commands} == {"error"}
    for command in result.log.commands:
        assert command.words["title"].startswith("01 ")
        assert command.words["file"] == "tinytorch/setup.py"
        assert command.words["line"] == "4"
    assert len(result.log.tokens) == 1
    grading = result.environment["Grade"]
    round_ = demo_round().secret_hex
    assert not [v for v in grading.values() if SECRET in v or round_ in v]


@pytest.mark.docker
def test_a_commit_is_graded_in_the_staff_image(tmp_path: Path) -> None:
    image = os.environ.get("GRADER_IMAGE", "tinytorch-grader:staff")
    project = built(tmp_path / "repo", "02", "setup", "tensor")
    where = {"sandbox": "docker", "image": image}

    result = ran(tmp_path, project, READY[:1], **where)

    assert result.failed == [], result.text
    told = result.outputs["grade"]
    assert told["status"] == "graded"
    assert told["earned"] == told["points"] != "0.00"
    assert result.log.commands == []
    report = next(p for p in result.artifacts["grading"] if p.name == "report.json")
    isolation = json.loads(report.read_text())["measurements"]["isolation"]
    assert "docker" in json.dumps(isolation)


def test_what_is_no_package_is_rejected_and_not_ours(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo/::error::x.py").write_text("")

    result = ran(tmp_path, tmp_path / "repo")

    assert len(result.failed) == 1
    assert result.outputs["grade"]["status"] == "rejected"
    assert "was rejected" in result.summary
    assert result.log.commands == []


def test_a_branch_is_no_commit(tmp_path: Path) -> None:
    result = ran(tmp_path, built(tmp_path / "repo", "02"), commit="main")

    assert result.failed == ["Is the commit pinned?"]
    assert result.ran == ["Is the commit pinned?"]
