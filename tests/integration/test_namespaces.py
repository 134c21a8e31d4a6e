"""Tier `namespaces`: the whole grader as an ordinary user, where tests run as root too.

Root has no ordinary user's view, and its interpreter may lie where others cannot read.
So a copy of this checkout and of the installed packages is given to `nobody`, with the
system's Python of the same version.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiers

from grader.models.outcome import Blocked, LimitExceeded, Passed
from grader.models.report import GradeReport

pytestmark = pytest.mark.namespaces

FORKING = "\nimport os\ndef system_info():\n    os.fork()\n"


class Ordinary:
    """Runs `grader` as an ordinary user, in a home of its own."""

    def __init__(self, folder: Path) -> None:
        user = tiers.NOBODY if os.geteuid() == 0 else 0
        self.course = tiers.copy_checkout(folder, tiers.PARTS, owner=user)
        self.python = Path(sys.executable)
        if user:
            self.python = tiers.copy_python(folder, self.course)
        self.drop = tiers.as_user(user)

    def grade(self, submission: Path, *options: str) -> GradeReport:
        """Grade `submission` and return the report."""
        command = [*self.drop, str(self.python), "-m", "grader.cli.main", "grade"]
        done = subprocess.run(
            [*command, str(submission), "--format", "json", *options],
            cwd=self.course,
            env={
                "PATH": os.environ["PATH"],
                "GRADER_STATE": str(self.course / "state"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return GradeReport.model_validate_json(done.stdout)

    def new_round(self) -> None:
        """Make the round that all gradings here use."""
        command = [*self.drop, str(self.python), "-m", "grader.cli.main"]
        subprocess.run(
            [*command, "round", "new", "r"],
            cwd=self.course,
            env={
                "PATH": os.environ["PATH"],
                "GRADER_STATE": str(self.course / "state"),
            },
            check=True,
            capture_output=True,
        )


@pytest.fixture(scope="module")
def ordinary() -> Iterator[Ordinary]:
    if os.geteuid() == 0 and (why := tiers.problem()):
        if "namespaces" in os.environ.get("GRADER_REQUIRE", ""):
            pytest.fail(why)
        pytest.skip(why)
    # Not below pytest's folder: every pytest that starts closes it to other users.
    with tempfile.TemporaryDirectory(prefix="ordinary-") as name:
        made = Ordinary(Path(name))
        made.new_round()
        yield made


def test_an_ordinary_user_grades_behind_namespaces(ordinary: Ordinary) -> None:
    options = ["--module", "setup", "--module", "layers", "--milestone", "perceptron"]

    report = ordinary.grade(ordinary.course / "reference", *options)

    assert report.measurements.isolation.tier == "namespaces"
    checks = [c for m in report.verdict.modules for c in m.checks]
    assert {type(c.outcome) for c in checks} == {Passed}
    assert [type(m.outcome) for m in report.verdict.milestones] == [Passed]


def test_a_fork_is_refused_there_too(ordinary: Ordinary) -> None:
    package = ordinary.course / "forking" / "tinytorch"
    shutil.copytree(ordinary.course / "reference" / "tinytorch", package)
    with (package / "setup.py").open("a") as file:
        file.write(FORKING)

    report = ordinary.grade(package.parent, "--module", "setup", "--no-milestones")

    kinds = {type(c.outcome) for c in report.verdict.modules[0].checks}
    assert LimitExceeded in kinds
    assert kinds <= {LimitExceeded, Blocked}
