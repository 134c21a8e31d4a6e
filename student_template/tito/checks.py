"""The public checks, run by pytest in a process of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tito.errors import TitoError

TESTS = "tests"
TOTAL_S = 600  # each test has its own, shorter limit in tests/conftest.py
COUNT = re.compile(r"(\d+) ([a-zA-Z]+)")
WORDS = {"todo": "not written yet", "error": "failed", "errors": "failed"}


def modules(project: Path) -> list[str]:
    """Return the modules that have public checks: "02_tensor", ..."""
    found = sorted((project / TESTS).glob("test_[0-9][0-9]_*.py"))
    return [path.stem.removeprefix("test_") for path in found]


def choose(project: Path, name: str) -> Path:
    """Return the test file of a module named by number, name or both."""
    for module in modules(project):
        number, _, word = module.partition("_")
        if name in (module, word) or (name.isdigit() and name.zfill(2) == number):
            return project / TESTS / f"test_{module}.py"
    raise TitoError(
        f"there are no public checks for a module {name!r}",
        "`tito module list` shows the modules.",
    )


def run(project: Path, *arguments: str) -> int:
    """Run pytest with its output shown; return its exit code."""
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=project, check=False).returncode


def summary(project: Path) -> str:
    """Run all public checks quietly; return "34 passed, 3 failed", or why not."""
    if not modules(project):
        return "there are none here"
    options = ["-q", "--color=no", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, TESTS]
    try:
        done = subprocess.run(
            command, cwd=project, check=False, capture_output=True, timeout=TOTAL_S
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {TOTAL_S} s"
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    counts: dict[str, int] = {}
    for number, word in COUNT.findall(lines[-1] if lines else ""):
        kind = WORDS.get(word.casefold(), word)
        if kind in ("passed", "failed", "skipped", "not written yet"):
            counts[kind] = counts.get(kind, 0) + int(number)
    if not counts:
        return "they did not run; `make test` shows why"
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())
