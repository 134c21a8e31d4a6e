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
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.models.outcome import Blocked, LimitExceeded, Passed
from grader.models.report import GradeReport

pytestmark = pytest.mark.namespaces

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
PARTS = ("grader", "reference", "milestones", "course.toml")
SYSTEM_PYTHON = Path("/usr/bin/python3")
FORKING = "\nimport os\ndef system_info():\n    os.fork()\n"


def problem() -> str:
    """Return why an ordinary user cannot be played here; empty if one can."""
    if os.geteuid() != 0:
        return ""
    if shutil.which("setpriv") is None:
        return "no setpriv"
    wanted = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [
        str(SYSTEM_PYTHON),
        "-c",
        "import sys; print('%d.%d' % sys.version_info[:2])",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = done.stdout.strip()
    return "" if found == wanted else f"{SYSTEM_PYTHON} is {found}, not {wanted}"


class Ordinary:
    """Runs `grader` as an ordinary user, in a home of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.course = folder / "course"
        self.course.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            copy(source, self.course / part)  # type: ignore[operator]
        self.python = Path(sys.executable)
        self.drop: list[str] = []
        if os.geteuid() == 0:
            self._give_away()

    def _give_away(self) -> None:
        venv = self.folder / "venv"
        make = [str(SYSTEM_PYTHON), "-m", "venv", "--without-pip", str(venv)]
        subprocess.run(make, check=True, capture_output=True)
        packages = next(p for p in sys.path if p.endswith("site-packages"))
        target = next(venv.glob("lib/python*/site-packages"))
        subprocess.run(["cp", "-r", f"{packages}/.", str(target)], check=True)
        for pth in target.glob("*.pth"):
            pth.unlink()  # an editable install would lead back into this checkout
        for path in target.glob("__editable__*"):
            path.unlink()
        (target / "course.pth").write_text(f"{self.course}\n")
        subprocess.run(["chown", "-R", str(NOBODY), str(self.course)], check=True)
        for parent in [self.folder, *self.folder.parents]:
            if parent.stat().st_uid == 0 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o011)
        self.python = venv / "bin" / "python"
        who = str(NOBODY)
        self.drop = ["setpriv", "--reuid", who, "--regid", who, "--clear-groups"]

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
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordinary]:
    if why := problem():
        if "namespaces" in os.environ.get("GRADER_REQUIRE", ""):
            pytest.fail(why)
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("ordinary")
    made = Ordinary(folder)
    made.new_round()
    yield made
    shutil.rmtree(folder)


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
