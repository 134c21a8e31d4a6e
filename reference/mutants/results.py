"""A pytest plugin that writes what became of each hidden check, as JSON.

    PYTHONPATH=reference/mutants MUTANT_RESULTS=out.json \
        python -m pytest -p results reference/checks

    {"tensor::data_is_float32": {"failed": true, "mistake": "", "needs": []}, ...}

A check that uses more CPU than it may is interrupted and counts as failed. This is for
our own mutants only: the grader never runs a package in its own process.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from grader.checks.checklib import CheckFailure
from grader.checks.marks import marks_of

CPU_LIMIT_S = 2.0  # the slowest check of the reference needs a tenth of it
RESULTS: dict[str, dict[str, Any]] = {}


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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Generator[None]:
    """Run the check under its time limit and note how it ended."""
    found = RESULTS[check_id(item)] = {
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


def pytest_sessionfinish() -> None:
    """Write the results."""
    Path(os.environ["MUTANT_RESULTS"]).write_text(json.dumps(RESULTS), "utf-8")
