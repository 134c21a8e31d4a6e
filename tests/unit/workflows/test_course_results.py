"""`tito ci results`: from the service into the summary."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from exports.golden import judged
from reports.samples import HOSTILE, hostile

from workflows.fake_service import TOKEN, Service, serving
from workflows.runner_log import Log
from workflows.students import built

ID = "s-ABCDEFGHIJKL"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("repo") / "repo", "02")


@pytest.fixture(scope="module")
def digest(project: Path) -> str:
    code = "from tito.package import *; import pathlib as p; "
    code += "print(digest_of(collect(p.Path('.'))))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def submission(digest: str, **facts: Any) -> dict[str, Any]:
    first = {"id": ID, "student": "ada", "round": "week-1", "digest": digest}
    rest = {
        "state": "graded",
        "message": "",
        "notes": [],
        "earned": 8.5,
        "points": 12.0,
    }
    return {**first, **rest, "page": f"/me/submissions/{ID}", **facts}


def results(
    project: Path, tmp_path: Path, service: Service, *words: str, token: str = TOKEN
) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run it as the workflow does; return what it said and the summary."""
    summary = tmp_path / "summary.md"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB", "SUB"))}
    told = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTIONS": "true"}
    told |= {"SUBMIT_TO": service.address, "TINYTORCH_TOKEN": token}
    done = subprocess.run(
        [sys.executable, "-m", "tito", "ci", "results", *words],
        cwd=project,
        env=kept | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done, summary.read_text() if summary.exists() else ""


def test_results_of_this_package_are_waited_for_and_told(
    project: Path, tmp_path: Path, digest: str
) -> None:
    mine, other = submission(digest), submission("sha256:other", earned=0.0)
    waiting = submission(digest, state="waiting", earned=None, points=None)
    answers = {
        "submissions": [
            *((503, {"title": "busy"}), (200, {"submissions": [other, waiting]})),
            (200, {"submissions": [other, mine]}),
        ],
        f"submissions/{ID}/report": [(200, judged().model_dump(mode="json"))],
    }
    with serving(Service(answers)) as service:
        done, summary = results(project, tmp_path, service, "--wait", "30")

    assert done.returncode == 0, done.stderr
    assert "8.5 of 12 points" in done.stdout
    assert {header for _, header in service.seen} == {f"Bearer {TOKEN}"}
    assert TOKEN not in done.stdout + done.stderr + summary
    assert "<code>02 Tensor</code> | <code>" in summary
    assert summary.count("\n### ") == 2  # the first of a module, and a milestone
    assert "  expected" in summary


def test_mistakes_stand_at_the_lines_of_the_tasks(
    project: Path, tmp_path: Path, digest: str
) -> None:
    report = judged().model_dump(mode="json")
    checks = report["verdict"]["modules"][1]["checks"]
    for check in checks:
        check["task"] = "2.4"
    answers = {
        f"submissions/{ID}": [(200, submission(digest))],
        f"submissions/{ID}/report": [(200, report)],
    }
    with serving(Service(answers)) as service:
        done, _ = results(project, tmp_path, service, ID)

    log = Log()
    log.read(done.stdout)
    source = (project / "tinytorch" / "tensor.py").read_text().splitlines()
    matmul = 1 + next(n for n, x in enumerate(source) if "def matmul(" in x)
    kinds = [check["outcome"]["kind"] for check in checks]
    assert len(log.commands) == sum(kind != "passed" for kind in kinds)
    placed = {c.words.get("line") for c in log.commands}
    assert str(matmul) in placed
    assert {c.words.get("file") for c in log.commands} == {"tinytorch/tensor.py"}


def test_lines_are_not_named_of_files_that_were_not_graded(
    project: Path, tmp_path: Path
) -> None:
    answers = {
        f"submissions/{ID}": [(200, submission("sha256:" + "0" * 64))],
        f"submissions/{ID}/report": [(200, judged().model_dump(mode="json"))],
    }
    with serving(Service(answers)) as service:
        done, _ = results(project, tmp_path, service, ID)

    log = Log()
    log.read(done.stdout)
    assert log.commands
    assert not any("file" in c.words for c in log.commands)


def test_details_of_an_open_round_are_told_later(
    project: Path, tmp_path: Path, digest: str
) -> None:
    closed = {"status": 409, "code": "round_open", "title": "the round is open"}
    answers = {
        f"submissions/{ID}": [(200, submission(digest, notes=["handed in late"]))],
        f"submissions/{ID}/report": [(409, closed)],
    }
    with serving(Service(answers)) as service:
        done, summary = results(project, tmp_path, service, ID)

    assert done.returncode == 0, done.stderr
    assert "told when the round has closed" in summary
    assert "handed in late" in summary


@pytest.mark.parametrize(
    ("state", "end"),
    [
        ("inconclusive", (0, "warning")),
        ("failed", (0, "warning")),
        ("rejected", (1, "error")),
    ],
)
def test_what_is_ours_is_no_failure(
    project: Path, tmp_path: Path, digest: str, state: str, end: tuple[int, str]
) -> None:
    facts = {"state": state, "message": "::error::one\n\n# sentence"}
    answers = {f"submissions/{ID}": [(200, submission(digest, **facts))]}
    with serving(Service(answers)) as service:
        done, summary = results(project, tmp_path, service, ID)

    assert done.returncode == end[0]
    log = Log()
    log.read(done.stdout)
    assert [command.name for command in log.commands] == [end[1]]
    assert "\n# " not in summary


def test_text_of_a_report_is_text(project: Path, tmp_path: Path, digest: str) -> None:
    report = hostile("\n".join(HOSTILE.values())[-40_000:]).model_dump(mode="json")
    answers = {
        f"submissions/{ID}": [(200, submission(digest))],
        f"submissions/{ID}/report": [(200, report)],
    }
    with serving(Service(answers)) as service:
        done, summary = results(project, tmp_path, service, ID)

    assert done.returncode == 0, done.stderr
    assert len(summary.encode()) < 1 << 20
    assert "<script" not in summary
    assert "\x1b" not in summary
    log = Log()
    log.read(done.stdout)
    assert {c.name for c in log.commands} <= {"error", "notice"}
    assert all(c.words.keys() <= {"file", "line", "title"} for c in log.commands)
    assert {c.words.get("file") for c in log.commands} <= {"tinytorch/tensor.py"}


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, {"code": "token_expired", "title": "expired"}, "token has expired"),
        (404, {"code": "not_found", "title": "none"}, "no submission of yours"),
        (500, b"<html>oh", "it answers 500"),
        (200, b"\xff{", "not what the course's service would"),
        (302, b"", "your token did not go there"),
    ],
)
def test_a_service_that_says_no_is_told_in_two_lines(
    project: Path, tmp_path: Path, status: int, body: Any, told: str
) -> None:
    elsewhere = {"Location": "http://127.0.0.1:1/api/v1/submissions"}
    service = Service({"submissions": [(status, body)]}, elsewhere)
    with serving(service):
        done, _ = results(project, tmp_path, service, "--wait", "0")

    assert done.returncode == 1
    error, hint = done.stderr.splitlines()
    assert told in error
    assert hint.startswith("  hint: ")


@pytest.mark.parametrize(
    ("address", "token", "told"),
    [
        ("http://grader.example.org", TOKEN, "is not encrypted"),
        ("ftp://grader.example.org", TOKEN, "no service"),
        ("https://grader.example.org", "", "no token"),
        ("https://grader.example.org", "a\nb", "no token"),
        ("http://127.0.0.1:1", TOKEN, "nothing answers there"),
    ],
)
def test_without_service_or_token_nothing_is_asked(
    project: Path, tmp_path: Path, address: str, token: str, told: str
) -> None:
    service = Service({}, address=address)

    done, _ = results(project, tmp_path, service, "--wait", "0", token=token)

    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
