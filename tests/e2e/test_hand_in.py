"""A student's own commands against the service as it runs: hand in, follow, be told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from grader_command import REFERENCE, Grader
from service_process import Start, services

from grader.store import Store
from grader.store.access import Who

CHEAP = ("--only", "setup", "--no-milestones", "--round", "week-1", "--jobs", "1")


@pytest.fixture
def grader(tmp_path: Path) -> Grader:
    return Grader.with_rounds(tmp_path / "state", "week-1")


@pytest.fixture
def start(grader: Grader) -> Iterator[Start]:
    with services(grader.state, *CHEAP) as start:
        yield start


class Student:
    """A repository as it was given out, and its owner's shell."""

    def __init__(self, folder: Path, token: str) -> None:
        self.folder, self.token = folder, token

    def __call__(self, *words: str, given: str = "") -> tuple[int, str, str]:
        unwanted = ("MAKE", "PYTEST", "COVERAGE", "TINYTORCH", "PYTHONPATH", "GRADER")
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={k: v for k, v in os.environ.items() if not k.startswith(unwanted)},
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert self.token not in done.stdout + done.stderr
        return done.returncode, done.stdout, done.stderr

    def make(self, *words: str, given: str = "") -> tuple[int, str, str]:
        return self("make", f"PYTHON={sys.executable}", *words, given=given)

    def tito(self, *words: str, given: str = "") -> tuple[int, str, str]:
        return self(sys.executable, "-m", "tito", *words, given=given)

    def receipts(self) -> list[dict[str, Any]]:
        found = (self.folder / ".tinytorch" / "receipts").glob("*.json")
        rows = [json.loads(path.read_text()) for path in found]
        return sorted(rows, key=lambda row: row["answer"]["received_at"])


def student(grader: Grader, folder: Path, place: str) -> Student:
    """Return Ann with her repository and a token that she has not stored yet."""
    build = ("template", "build", folder, "--upto", "01", "--submit", place)
    assert grader.here(*build).code == 0
    shutil.copy(REFERENCE / "tinytorch" / "setup.py", folder / "tinytorch")
    with closing(Store.open(grader.state / "store")) as store:
        return Student(folder, store.access.issue("token", Who("student", "ann")))


@pytest.mark.slow
def test_a_student_hands_in_waits_and_is_told(
    grader: Grader, start: Start, tmp_path: Path
) -> None:
    service = start()
    ann = student(grader, tmp_path / "ann", service.url)

    assert "no token" in ann.make("submit")[2]
    code, out, err = ann.make("login", given=f"{ann.token}\n")
    assert (code, err) == (0, "")
    assert "student ann" in out
    code, out, err = ann.make("submit")
    assert (code, err) == (0, "")
    assert "checks   5 passed" in out
    (receipt,) = ann.receipts()
    assert f"id       {receipt['id']}\n" in out

    code, out, err = ann.make("result", "WAIT=1")
    assert (code, err) == (0, "")
    assert "state    graded" in out
    told = ann.receipts()[0]["answer"]
    assert told["earned"] == told["points"] > 0

    again = ann.tito("submit", "--skip-tests")[1]
    assert "exactly this was handed in before" in again
    assert len(ann.receipts()) == 1
    for words, says in {
        ("--round", "week-9"): "no round of that name",
        ("--student", "ben"): "belongs to somebody else",
    }.items():
        code, _out, err = ann.tito("submit", "--skip-tests", *words)
        assert (code, says in err) == (1, True), err
    unknown = receipt["id"][:-4] + "AAAA"
    assert "by that id" in ann.tito("status", unknown)[2]
    assert "Is the id right?" in ann.tito("status", "s-0")[2]
    assert grader.here("roster", "revoke", "ann").code == 0
    code, _out, err = ann.tito("status")
    assert (code, "your token was withdrawn" in err) == (1, True), err


@pytest.mark.slow
def test_what_was_packed_while_the_service_was_away_arrives_in_order(
    grader: Grader, start: Start, tmp_path: Path
) -> None:
    service = start()
    ann = student(grader, tmp_path / "ann", service.url)
    ann.tito("login", given=ann.token)
    service.kill()

    code, out, err = ann.tito("submit", "--skip-tests")
    assert (code, "cannot be reached" in err) == (3, True), err
    assert "not handed in yet" in out
    with (ann.folder / "tinytorch" / "setup.py").open("a") as file:
        file.write("# later\n")
    port = service.url.rpartition(":")[2]
    start("--port", port)
    code, out, err = ann.tito("submit", "--skip-tests")

    assert (code, err) == (0, "")
    assert "sent     package " in out
    first, second = ann.receipts()
    assert first["made_at"] < second["made_at"]
    assert f"id       {second['id']}\n" in out
    code, out, err = ann.tito("status", "--wait")
    assert (code, err) == (0, "")
    code, out, err = ann.tito("status", first["id"], "--wait")
    assert (code, err) == (0, "")
    assert not list((ann.folder / ".tinytorch" / "queue").iterdir())
