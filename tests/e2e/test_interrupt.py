"""Ctrl-C in a long milestone: the report of what was measured until then."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from grader_command import REFERENCE, ROOT

from grader.models.outcome import Inconclusive, Passed
from grader.models.report import GradeReport

LONG = 'script = "perceptron_trained.py"\ndata = "clouds"\ntarget = 0.95\nepochs = '
PATIENCE_S = 120.0


def course_with_a_long_milestone(folder: Path) -> Path:
    """Return a course in which the perceptron trains for a million epochs."""
    for name in ("reference", "milestones"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    text = (ROOT / "course.toml").read_text(encoding="utf8")
    assert f"{LONG}20\ncpu_s = 1.0\nwall_s = 20.0" in text
    longer = f"{LONG}1000000\ncpu_s = 500.0\nwall_s = 500.0"
    text = text.replace(f"{LONG}20\ncpu_s = 1.0\nwall_s = 20.0", longer)
    (folder / "course.toml").write_text(text, encoding="utf8")
    return folder


def read_until(terminal: int, pattern: str) -> str:
    """Return what the terminal shows up to a line with `pattern`."""
    seen, end = "", time.monotonic() + PATIENCE_S
    while not re.search(pattern, seen):
        assert time.monotonic() < end, seen[-500:]
        if select.select([terminal], [], [], 1.0)[0]:
            seen += os.read(terminal, 4096).decode(errors="replace")
    return seen


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path) -> None:
    course = course_with_a_long_milestone(tmp_path / "course")
    shown, terminal = pty.openpty()
    env = os.environ | {"GRADER_STATE": str(tmp_path / "state")}
    env |= {"COLUMNS": "200", "LINES": "24"}
    grader = [sys.executable, "-m", "grader.cli.main"]
    subprocess.run([*grader, "round", "new", "one"], cwd=course, env=env, check=True)
    command = [*grader, "grade", str(REFERENCE)]
    chosen = ["--module", "setup", "--milestone", "perceptron", "--milestone", "xor"]
    process = subprocess.Popen(
        [*command, *chosen, "--format", "json"],
        cwd=course,
        env=env,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        start_new_session=True,  # one process group, as a shell makes for a command
    )
    line = read_until(shown, r"epoch [3-9]\d* of 1000000[^\r]*s to go")
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE_S)
    os.close(terminal)
    os.close(shown)

    assert process.returncode == 130
    assert "MiB" in line
    assert " s CPU" in line
    verdict = GradeReport.model_validate_json(out).verdict
    assert all(isinstance(c.outcome, Passed) for c in verdict.modules[0].checks)
    cut, not_run = verdict.milestones
    assert cut.outcome == Inconclusive(reason="interrupted by Ctrl-C")
    assert len(cut.curve) >= 3
    assert cut.earned == 0
    assert not_run.outcome == cut.outcome
    assert not_run.curve == ()
