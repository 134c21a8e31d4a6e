"""`grader validate` on a course of one function: what it proves and what it refuses."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COURSE = """
name = "small"
title = "Small"
package = "small"

[[modules]]
number = "01"
name = "sums"
title = "Sums"
points = 1.0
file = "sums.py"
symbols = [{ name = "total", paths = ["small.sums"] }]
tasks = [{ number = "1.1", target = "total", lines = 3 }]
"""
REFERENCE = '''
def total(numbers):
    """Return the sum; 0 of none."""
    found = 0
    for number in numbers:
        found += number
    return found
'''
TEMPLATE = '''
def total(numbers):
    """Return the sum; 0 of none."""
    raise NotImplementedError("TODO 1.1: total")
'''
CHECKS = '''
from grader.checks import holds


def test_adds_all(tt, rng):
    """The sum of several numbers."""
    last = int(rng.integers(3, 9))
    got = tt.total([1, 2, last])
    holds(got == 3 + last, call="total", expected=str(3 + last), got=str(got))


def test_nothing_is_zero(tt):
    """The sum of nothing."""
    holds(tt.total([]) == 0, call="total([])", expected="0")
'''
IDLE = '''

def test_has_a_name(tt):
    """True of every wrong package."""
    tt.total([1])
'''
ALARM = '''

def test_is_wrong_itself(tt):
    """Fails on the reference."""
    holds(tt.total([1]) == 2, call="total([1])", expected="2")
'''
MUTANT = """
[[edits]]
name = "{name}"
file = "sums.py"
old = "{old}"
new = "{new}"
why = "a slip"
catches = ["sums::{catches}"]
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    texts = {
        "course.toml": COURSE + "\nmilestones = []\n",
        "reference/small/__init__.py": "",
        "reference/small/sums.py": REFERENCE,
        "reference/checks/test_01_sums.py": CHECKS,
        "reference/mutants/01_sums.toml": MUTANT.format(
            name="last_only",
            old="found += number",
            new="found = number",
            catches="adds_all",
        ),
        "student_template/small/__init__.py": "",
        "student_template/small/sums.py": TEMPLATE,
    }
    texts["course.toml"] = "milestones = []\n" + COURSE
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf8")
    (tmp_path / "reference").chmod(0o700)
    return tmp_path


def validate(course: Path, *options: str) -> tuple[int, dict[str, Any], str]:
    """Return exit code, report and what was said."""
    command = [sys.executable, "-m", "grader.cli.main", "validate", "--jobs", "1"]
    command += ["--format", "json"]
    done = subprocess.run(
        [*command, "--course", str(course), *options],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf8") + text, encoding="utf8")


def test_good_suites_are_proven(course: Path) -> None:
    code, report, said = validate(course)

    (proof,) = report["modules"]
    assert code == 0, said
    assert report["problems"] == []
    assert report["survivors"] == []
    assert (proof["named"], proof["named_killed"]) == (1, 1)
    assert proof["operators"] == proof["operators_killed"] >= 3
    assert report["empty_passed"] == report["template_passed"] == 0


def test_a_check_that_no_mutant_fails_is_told(course: Path) -> None:
    append(course / "reference/checks/test_01_sums.py", IDLE)

    code, report, _ = validate(course)

    assert code == 7
    assert report["problems"] == ["sums::has_a_name fails on no wrong package"]


def test_a_false_alarm_is_told(course: Path) -> None:
    append(course / "reference/checks/test_01_sums.py", ALARM)

    code, report, _ = validate(course, "--rounds", "2")

    assert code == 7
    assert report["problems"] == ["sums::is_wrong_itself fails on the reference"]


def test_a_mutant_that_its_check_misses_is_told(course: Path) -> None:
    wrong = MUTANT.format(
        name="seven", old="return found", new="return found or 7", catches="adds_all"
    )
    (course / "reference/mutants/01_sums.toml").write_text(wrong, encoding="utf8")

    code, report, _ = validate(course, "--bar", "0")

    assert code == 7
    (survivor,) = report["survivors"]
    assert survivor["killed_by"] == ["sums::nothing_is_zero"]
    assert report["problems"] == ["named mutant seven is not caught by sums::adds_all"]


def test_a_suite_that_misses_too_much_is_told(course: Path) -> None:
    checks = course / "reference/checks/test_01_sums.py"
    checks.write_text(CHECKS.replace("got == 3 + last", "got >= 3"), encoding="utf8")

    code, report, said = validate(course, "--mutants", "operator")

    assert code == 7
    assert {s["kind"] for s in report["survivors"]} == {"operator"}
    assert any("less than 95%" in problem for problem in report["problems"])
    assert "error[unproven]" in said


def test_an_equivalent_change_with_a_reason_does_not_count(course: Path) -> None:
    checks = course / "reference/checks/test_01_sums.py"
    text = CHECKS.replace(' == 0, call="total([])"', ' < 2, call="total([])"')
    checks.write_text(text, encoding="utf8")
    same = course / "reference/mutants/equivalent/01_sums.toml"
    same.parent.mkdir()
    same.write_text(
        '[[changes]]\nfile = "sums.py"\nfunction = "total"\nold = "found = 0"\n'
        'new = "found = 1"\nreason = "for the test"\n',
        encoding="utf8",
    )

    _, report, _ = validate(course, "--mutants", "operator")

    assert report["survivors"] == []
    (known,) = report["equivalents"]
    assert known["equivalent"] == "for the test"


def test_an_endless_mutant_is_noticed_in_time(course: Path) -> None:
    endless = MUTANT.format(
        name="endless",
        old="    return found",
        new="    while True: pass",
        catches="nothing_is_zero",
    )
    (course / "reference/mutants/01_sums.toml").write_text(endless, encoding="utf8")

    code, report, said = validate(course, "--mutants", "named", "--bar", "0")

    assert code == 0, said
    assert report["modules"][0]["named_killed"] == 1


def test_an_interrupted_run_goes_on(course: Path) -> None:
    validate(course)
    (journal,) = (course / ".grader" / "validation").glob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    row = json.loads(lines[0])
    row["result"]["killed_by"] = []  # so that it shows which result was taken
    row["result"]["missed"] = []
    journal.write_bytes(json.dumps(row).encode() + b"\n" + lines[1][:40])

    _, again, _ = validate(course)
    _, fresh, _ = validate(course, "--fresh")

    assert len(again["survivors"]) == 1
    assert fresh["survivors"] == []


def test_a_mutant_that_no_longer_fits_is_a_clear_error(course: Path) -> None:
    stale = MUTANT.format(name="stale", old="gone", new="x", catches="adds_all")
    (course / "reference/mutants/01_sums.toml").write_text(stale, encoding="utf8")

    code, _, said = validate(course)

    assert code == 3
    assert "mutant stale" in said
    assert "occurs 0 times" in said


def test_without_a_template_there_is_a_clear_error(course: Path) -> None:
    shutil.rmtree(course / "student_template")

    code, _, said = validate(course)

    assert code == 3
    assert "student_template" in said
