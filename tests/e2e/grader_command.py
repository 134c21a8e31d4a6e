"""The `grader` command as a user runs it, and submissions to run it on."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock

from grader.cli.main import main
from grader.models.outcome import Outcome
from grader.models.report import CheckResult, GradeReport

ROOT: Final = Path(__file__).resolve().parents[2]
REFERENCE: Final = ROOT / "reference"
TEMPLATE: Final = ROOT / "student_template"
TIMEOUT_S: Final = 300  # a hung command fails its test and not the whole run


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> GradeReport:
        """The report that `--format json` printed."""
        return GradeReport.model_validate_json(self.out)

    @property
    def verdict(self) -> bytes:
        """The verdict as bytes, to be compared."""
        return self.report.verdict.model_dump_json().encode()

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What happened to every check and milestone, by id."""
        return {name: check.outcome for name, check in self.checks.items()} | {
            m.name: m.outcome for m in self.report.verdict.milestones
        }

    @property
    def checks(self) -> dict[str, CheckResult]:
        """All checks by id."""
        return {c.id: c for m in self.report.verdict.modules for c in m.checks}

    @property
    def earned(self) -> dict[str, tuple[float, float]]:
        """Points earned and possible, by module and milestone."""
        verdict = self.report.verdict
        results: list[Any] = [*verdict.modules, *verdict.milestones]
        return {r.name: (r.earned, r.points) for r in results}


class Grader:
    """Runs `grader` with secrets and results in a folder of its own."""

    def __init__(self, state: Path, course: Path = ROOT) -> None:
        self.state, self.course = state, course

    @classmethod
    def with_rounds(cls, state: Path, *names: str) -> Grader:
        """Return one with a new state and these rounds."""
        made = cls(state)
        for name in names:
            assert made.here("round", "new", name).code == 0
        return made

    def __call__(self, *arguments: str | Path, **variables: str) -> Done:
        """Run one command line in the folder of the course."""
        env = {k: v for k, v in os.environ.items() if k != "TINYTORCH_DATA"}
        env |= {"GRADER_STATE": str(self.state), "GRADER_DEBUG": "", "COLUMNS": "80"}
        done = subprocess.run(
            [sys.executable, "-m", "grader.cli.main", *map(str, arguments)],
            cwd=self.course,
            env=env | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def here(self, *arguments: str | Path) -> Done:
        """Run one command line in this process: for what ends before any grading.

        A fresh interpreter takes a second to start, which dozens of refusals and
        questions need not pay; gradings do.
        """
        env = {"GRADER_STATE": str(self.state), "GRADER_DEBUG": "", "COLUMNS": "80"}
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, env),
            mock.patch.object(sys, "argv", ["grader", *map(str, arguments)]),
            contextlib.chdir(self.course),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as ending:
                code = ending.code if isinstance(ending.code, int) else 1
            else:
                code = 0
        return Done(code, out.getvalue(), err.getvalue())

    def grade(self, source: str | Path, *options: str | Path, round_: str = "") -> Done:
        """Grade in a process of its own and print JSON."""
        chosen = ["--round", round_ or "one", "--format", "json"]
        return self("grade", source, *chosen, *options)


def modules(*names: str) -> list[str]:
    """Return the options that restrict a grading to these modules' checks."""
    return [*(word for name in names for word in ("--module", name)), "--no-milestones"]


def copied(source: Path, target: Path, changes: Mapping[str, bytes | None]) -> Path:
    """Copy source/tinytorch to target/tinytorch with files changed, or removed."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(source / "tinytorch", target / "tinytorch", ignore=ignored)
    for name, data in changes.items():
        path = target / "tinytorch" / name
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
    return target


def small_course(target: Path, changes: Sequence[tuple[str, str]]) -> Path:
    """Make a course like ours in `target`, with parts of its course.toml replaced."""
    target.mkdir()
    for name in ("reference", "milestones", "leaderboard"):
        (target / name).symlink_to(ROOT / name)
    text = (ROOT / "course.toml").read_text(encoding="utf8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (target / "course.toml").write_text(text, encoding="utf8")
    return target
