"""Every workflow and action of this repository and of the students' template."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from workflows.students import HOME

ROOT = HOME.folder
BIN = Path(sys.executable).parent
WORKFLOWS = sorted(
    path
    for folder in (ROOT, HOME.template)
    for path in (folder / ".github/workflows").glob("*.yml")
)
ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def steps(path: Path) -> list[dict[str, Any]]:
    """Return the steps of all jobs of a workflow, or of an action."""
    facts = yaml.safe_load(path.read_text(encoding="utf-8"))
    jobs = facts["jobs"].values() if "jobs" in facts else [facts["runs"]]
    return [step for job in jobs for step in job["steps"]]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_actionlint_finds_nothing() -> None:
    done = subprocess.run(
        [BIN / "actionlint", "-no-color", *map(str, WORKFLOWS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--no-progress", *map(str, WORKFLOWS + ACTIONS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS + ACTIONS, ids=name_of)
def test_actions_are_pinned_and_no_step_holds_what_others_wrote(path: Path) -> None:
    assert steps(path)
    for step in steps(path):
        uses = step.get("uses", "")
        assert not uses or uses.startswith("./") or PINNED.fullmatch(uses)
        # An expression in a script is filled in before the shell reads it.
        assert "${{" not in step.get("run", "")
        if "checkout" in uses:
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=name_of)
def test_jobs_may_read_and_have_an_end(path: Path) -> None:
    facts = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert facts["permissions"] in ({}, {"contents": "read"})
    for job in facts["jobs"].values():
        assert job.get("permissions", {"contents": "read"}) == {"contents": "read"}
        assert job["timeout-minutes"] <= 60


def test_no_secret_is_where_a_package_is_graded() -> None:
    for path in WORKFLOWS + ACTIONS:
        for step in steps(path):
            text = step.get("run", "")
            if "grader grade" in text or "ci test" in text:
                assert "secret" not in str(step.get("env", {})).lower()
