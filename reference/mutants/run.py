"""Run hidden checks in-process on several wrong packages, each in a forked child.

    PYTHONPATH=. python reference/mutants/run.py JOBS

JOBS is a JSON file, [{"folder": ..., "suites": [...], "only": [...]}, ...]: `folder`
holds `tinytorch`, a suite is a module's name, and `only` are ids of the checks to run
(empty: all of these suites). folder/results.json then says what became of each check:

    {"tensor::data_is_float32": {"failed": true, "mistake": "", "needs": []}, ...}

A check that uses more CPU than it may is interrupted and counts as failed. This is for
our own mutants only: the grader never runs a package in its own process.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

import grader.checks.remote  # noqa: F401 -- imported once, for all children
from grader.checks import CheckFailure
from grader.checks.marks import marks_of

SUITES: Final = Path(__file__).resolve().parents[1] / "checks"
CPU_LIMIT_S: Final = 2.0  # the slowest check of the reference needs a tenth of it
CHILDREN: Final = 2  # at a time
OPTIONS: Final = ("-q", "-p", "no:cacheprovider", "--tb=no", "--assert=plain")


class OutOfTimeError(Exception):
    """The check was interrupted."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    msg = f"more than {CPU_LIMIT_S:g} s of CPU"
    raise OutOfTimeError(msg)


def check_id(item: pytest.Function) -> str:
    """Return the id that the grader gives this check."""
    module = item.path.stem.split("_", 2)[2]
    slug = re.sub(r"[^a-z0-9]+", "_", item.name.lower()).strip("_")
    return f"{module}::{slug.removeprefix('test_')}"


class Recorder:
    """A pytest plugin that notes how each check ends, and limits its time."""

    def __init__(self, only: list[str]) -> None:
        self.only = only
        self.results: dict[str, dict[str, Any]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        """Keep the checks that are asked for."""
        if self.only:
            items[:] = [item for item in items if check_id(item) in self.only]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Function) -> Generator[None]:
        found = self.results[check_id(item)] = {
            "failed": True,
            "mistake": "",
            "needs": list(marks_of(item.obj).needs),
        }
        signal.signal(signal.SIGPROF, _stop)
        signal.setitimer(signal.ITIMER_PROF, CPU_LIMIT_S)
        try:
            yield
            found["failed"] = False
        except CheckFailure as failure:
            found["mistake"] = failure.misconception
            raise
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def run(folder: Path, suites: list[str], only: list[str]) -> None:
    """Run checks on folder/tinytorch and write folder/results.json."""
    files = [str(next(SUITES.glob(f"test_??_{suite}.py"))) for suite in suites]
    recorder = Recorder(only)
    os.environ["TINYTORCH_PACKAGE"] = str(folder)
    options = [
        *OPTIONS,
        "--import-mode=importlib",
        "-c",
        os.devnull,
        "--rootdir",
        str(SUITES),
    ]
    code = pytest.main(
        [*options, "--basetemp", str(folder / "scratch"), *files], plugins=[recorder]
    )
    if code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        text = json.dumps(recorder.results)
        (folder / "results.json").write_text(text, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run the command line; return its exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python reference/mutants/run.py JOBS\n")
        return 2
    running = 0
    for job in json.loads(Path(arguments[0]).read_text(encoding="utf-8")):
        if running == CHILDREN:
            os.wait()
            running -= 1
        if os.fork() == 0:
            run(Path(job["folder"]), job["suites"], job["only"])
            sys.stdout.flush()
            os._exit(0)
        running += 1
    while running:
        os.wait()
        running -= 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
