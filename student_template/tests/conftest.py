"""What makes the output of `make test` short.

Code that is not written yet is TODO, not a failure; a mistake is told in a few lines:
the call, what was expected, what came back, and where in your code. Every test has a
time limit. Nothing here needs to be changed or understood to solve the tasks.
"""

from __future__ import annotations

import importlib
import linecache
import os
import re
import signal
import sys
import textwrap
import threading
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import numpy as np
import pytest

TESTS = Path(__file__).resolve().parent
# The folder that holds `tinytorch`: this repository, unless you name another one.
HOME = Path(os.environ.get("TINYTORCH_PACKAGE") or TESTS.parent).resolve()
PACKAGE = HOME / "tinytorch"
TIME_LIMIT_S = 20.0  # each test needs milliseconds when its loops are numpy's
WIDTH = 80
TODO = re.compile(r"TODO (\d+)\.(\d+): [\w.]+")

for folder in (TESTS, HOME):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from checklib import CheckFailure  # noqa: E402 -- needs the path above


class TimeLimitError(BaseException):
    """The test ran too long; no `except Exception` of tested code may swallow it."""


@pytest.fixture
def tt() -> ModuleType:
    """Return your package, with numpy's random numbers the same for every test."""
    np.random.seed(0)
    return importlib.import_module("tinytorch")


def pytest_configure(config: pytest.Config) -> None:
    # An overflow warning of numpy is no failure; the value it leaves may be.
    config.addinivalue_line("filterwarnings", "default")
    config.stash[SEEN] = {}
    if config.option.reportchars == "fE":  # pytest's default: failures a second time
        config.option.reportchars = ""


SEEN = pytest.StashKey[dict[str, str]]()


# Time limit


@contextmanager
def _time_limit() -> Iterator[None]:
    """Interrupt what runs longer than the limit, where the system has alarms."""
    usable = hasattr(signal, "setitimer") and (
        threading.current_thread() is threading.main_thread()
    )
    if not usable:
        yield
        return
    before = signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, TIME_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(_signal: int, _frame: FrameType | None) -> None:
    msg = f"stopped after {TIME_LIMIT_S:g} s"
    raise TimeLimitError(msg)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    with _time_limit():  # importing the package happens here
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    with _time_limit():
        return (yield)


# What a test that does not pass looks like


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is None or not report.failed:
        return report
    error = call.excinfo.value
    if isinstance(error, NotImplementedError):
        found = TODO.search(str(error))
        report.outcome = "skipped"
        todo = found.group() if found else str(error) or "TODO"
        report.todo = todo  # type: ignore[attr-defined]
        report.longrepr = (str(item.path), item.location[1] or 0, todo)
    elif call.when == "setup" or isinstance(error, SyntaxError):
        report.longrepr = _once(item, _explain(error, "import tinytorch"))
    else:
        report.longrepr = _explain(error, "")
    return report


def _once(item: pytest.Item, text: str) -> str:
    """Return `text`, or where it was shown already: an import fails for all tests."""
    first = item.config.stash[SEEN].setdefault(text, item.nodeid)
    return text if first == item.nodeid else f"{text.splitlines()[0]}: as above"


def _explain(error: BaseException, call: str) -> str:
    """Return at most six lines about `error`, without a traceback."""
    if isinstance(error, CheckFailure):
        return "\n".join(map(_fitted, str(error).splitlines()))
    frames = traceback.extract_tb(error.__traceback__)
    test = [f for f in frames if Path(f.filename).name.startswith("test_")]
    own = [f for f in frames if PACKAGE in Path(f.filename).parents]
    lines = [_short(call or (test[-1].line if test else "") or "this test")]
    if isinstance(error, TimeLimitError):
        lines.append(f"  expected  an answer within {TIME_LIMIT_S:g} s")
        lines.append("  got       none; the test was stopped")
    else:
        text = (str(error).splitlines() or [""])[0]
        lines.append("  expected  no error")
        lines.append(_short(f"  got       {type(error).__name__}: {text}"))
    return "\n".join(lines + _where(error, own, test))


def _where(
    error: BaseException,
    own: list[traceback.FrameSummary],
    test: list[traceback.FrameSummary],
) -> list[str]:
    """Return the line of the student's code that raised, or of the test."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        place, line = Path(error.filename), error.lineno
        source, name = linecache.getline(error.filename, line), ""
    elif own or test:
        frame = (own or test)[-1]
        place, line = Path(frame.filename), frame.lineno or 0
        source, name = frame.line or "", f", in {frame.name}"
    else:
        return []
    shown = place.relative_to(HOME) if HOME in place.parents else Path(place.name)
    return [
        f"  at        {shown}:{line}{name}",
        _short(f"            {source.strip()}"),
    ]


def _short(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def _fitted(line: str) -> str:
    """Return `line` cut to the width; a hint is wrapped instead."""
    if not line.startswith("  hint"):
        return _short(line)
    return textwrap.fill(line, WIDTH, subsequent_indent=" " * 12)


# Summary


def pytest_report_teststatus(
    report: pytest.TestReport | pytest.CollectReport,
) -> tuple[str, str, str] | None:
    return ("todo", "t", "TODO") if hasattr(report, "todo") else None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what to do next: the lowest task that is not right yet."""
    stats = terminalreporter.stats
    bad = stats.get("failed", []) + stats.get("error", [])
    if not (bad or stats.get("todo")):
        return
    terminalreporter.section("next step")
    steps = [_failure_step(r, len(bad)) for r in bad]
    steps += _todo_steps(stats.get("todo", []))
    terminalreporter.write_line(min(steps, key=lambda step: step[0])[1])


def _failure_step(report: Any, count: int) -> tuple[tuple[int, int], str]:
    name = report.nodeid.rpartition("::")[2]
    found = re.match(r"test_(\d+)_(\d+)_", name)
    task = (int(found[1]), int(found[2])) if found else (0, 0)
    hint = f"; a hint: make hint-{task[0]}.{task[1]}" if found else ""
    return task, f"{name}\n({count} not right yet{hint})"


def _todo_steps(reports: list[Any]) -> list[tuple[tuple[int, int], str]]:
    """Return the first task to write, of the modules tested and those they need."""
    met = sorted({report.todo for report in reports})
    modules = {found[1] for found in map(TODO.search, met) if found}
    modules |= {
        found[1]
        for found in (re.search(r"test_0*(\d+)_\w+\.py", r.nodeid) for r in reports)
        if found
    }
    unwritten = {
        found[0]: (int(found[1]), int(found[2]))  # in the order of the file
        for path in sorted(PACKAGE.rglob("*.py"))
        for found in TODO.finditer(path.read_text(encoding="utf-8", errors="replace"))
        if found[1] in modules
    }
    if not unwritten:
        return [((99, 0), text) for text in met[:1]]
    first = min(unwritten, key=lambda text: unwritten[text])
    return [(unwritten[first], f"{first}   ({len(unwritten)} left to write)")]
