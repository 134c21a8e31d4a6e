"""The public checks, run by pytest in a process of their own."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tito import tokens
from tito.errors import UnknownNameError
from tito.process import Ran, run
from tito.screen import look

TESTS = "tests"
MODULE_S = 180.0  # each test has its own, shorter limit in tests/conftest.py
TOTAL_S = 600.0  # all modules together
SUMMARY = re.compile(r"\d+ [a-zA-Z]+.* in \d+(\.\d+)?s\b")
COUNT = re.compile(r"(\d+) ([a-zA-Z]+)")
WORDS = {"todo": "not written yet", "error": "failed", "errors": "failed"}
KNOWN = ("failed", "passed", "skipped", "not written yet")


@dataclass(frozen=True)
class Result:
    """What the public checks of a module came to."""

    ran: Ran
    counts: dict[str, int]

    @property
    def passed(self) -> bool:
        """Whether all passed: none failed, and none waits for code to be written."""
        others = [n for kind, n in self.counts.items() if kind != "passed"]
        return self.ran.code == 0 and bool(self.counts.get("passed")) and not others

    @property
    def words(self) -> str:
        """Return "34 passed, 3 failed", or why there is nothing to count."""
        if self.ran.stopped:
            return f"stopped after {self.ran.wall_s:.0f} s"
        if self.ran.code < 0:
            return f"ended by signal {-self.ran.code}"
        if not self.counts:
            return "they did not run"
        return ", ".join(f"{number} {kind}" for kind, number in self.counts.items())


def modules(project: Path) -> list[str]:
    """Return the modules that have public checks: "02_tensor", ..."""
    found = sorted((project / TESTS).glob("test_[0-9][0-9]_*.py"))
    return [path.stem.removeprefix("test_") for path in found]


def choose(project: Path, name: str) -> Path:
    """Return the test file of a module named by number, name or both."""
    for module in modules(project):
        number, _, word = module.partition("_")
        if name in (module, word) or (name.isdecimal() and name.zfill(2) == number):
            return project / TESTS / f"test_{module}.py"
    raise UnknownNameError(
        f"there are no public checks for a module {name!r}",
        "`tito module list` shows the modules.",
    )


def environment() -> dict[str, str]:
    """Return variables for checks of the code that is here, and of no other."""
    kept = tokens.environment()
    kept.pop("TINYTORCH_PACKAGE", None)
    # numpy's threads cost more than they give at the sizes of this course.
    return {"OPENBLAS_NUM_THREADS": "1"} | kept


def run_checks(
    project: Path,
    *files: str,
    options: tuple[str, ...] = (),
    limit_s: float = MODULE_S,
    show: Callable[[str], None] | None = None,
) -> Result:
    """Run public checks and count what they came to.

    Raises:
        KeyboardInterrupt: as the checks were told to stop, so are we.
    """
    colour = "yes" if show is not None and look().colour else "no"
    words = ["-q", f"--color={colour}", "-p", "no:cacheprovider", *options]
    command = [sys.executable, "-m", "pytest", *words, *files]
    ran = run(
        command, folder=project, limit_s=limit_s, environment=environment(), show=show
    )
    if ran.interrupted:
        raise KeyboardInterrupt
    return Result(ran, count(ran.output))


def count(output: str) -> dict[str, int]:
    """Return the numbers of pytest's last line: {"failed": 1, "passed": 2}."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    lines = [line for line in plain.splitlines() if SUMMARY.search(line)]
    counts: dict[str, int] = {}
    for number, word in COUNT.findall(lines[-1].partition(" in ")[0] if lines else ""):
        kind = WORDS.get(word.casefold(), word)
        if kind in KNOWN:
            counts[kind] = counts.get(kind, 0) + int(number)
    return counts


def summary(project: Path) -> str:
    """Run all public checks quietly; return "34 passed, 3 failed", or why not."""
    if not modules(project):
        return "there are none here"
    result = run_checks(project, TESTS, limit_s=TOTAL_S)
    if result.words == "they did not run":
        return "they did not run; `make test` shows why"
    return result.words
