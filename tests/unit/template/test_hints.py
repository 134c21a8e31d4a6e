from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "student_template"
HINTS = tomllib.loads((TEMPLATE / "hints.toml").read_text(encoding="utf-8"))


def tasks() -> dict[str, list[str]]:
    """Return the targets of each task of the course."""
    course = tomllib.loads((ROOT / "course.toml").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for module in course["modules"]:
        for task in module.get("tasks", []):
            found.setdefault(task["number"], []).append(task["target"])
    return found


def hint(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tests/hint.py", *arguments],
        cwd=TEMPLATE,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_task_has_two_hints() -> None:
    assert set(HINTS) == set(tasks())
    for number, entry in HINTS.items():
        assert set(entry) == {"target", "cause", "direction"}, number


@pytest.mark.parametrize("number", HINTS)
def test_no_hint_shows_the_answer(number: str) -> None:
    """A hint is prose: no call with arguments, no assignment, nothing to paste."""
    for level in ("cause", "direction"):
        text = HINTS[number][level]
        assert "return " not in text.replace("returns ", "")
        assert " = " not in text
        assert 40 <= len(text) <= 300


def test_the_second_hint_is_shown_when_asked_for() -> None:
    first, more, variable = hint("2.4"), hint("2.4", "more"), hint("2.4", MORE="1")

    start = HINTS["2.4"]["direction"][:20]
    assert start not in first.stdout
    assert "make hint-2.4 MORE=1" in first.stdout
    assert start in more.stdout
    assert more.stdout == variable.stdout


@pytest.mark.parametrize("arguments", [(), ("9.99",), ("2.4", "please")])
def test_a_task_without_hints_says_so(arguments: tuple[str, ...]) -> None:
    done = hint(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
