"""What `tito ci test` loads into pytest: a line of JSON for all that happens there.

It runs in the process of the code that is tested, so what it writes is read as
carefully as anything a stranger sends. If the process dies, the lines until then count.
"""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tito.ci_records import OUTPUT, RECORDS, TEXT
from tito.package import PACKAGE

CHAIN = 10  # errors that are looked at, from the last one back


def pytest_configure(config: pytest.Config) -> None:
    path = os.environ.pop(RECORDS, "")  # the code that is tested has no use for it
    if path:
        recorder = Recorder(Path(path), config.rootpath)
        config.pluginmanager.register(recorder, "tito-ci-recorder")


class Recorder:
    """Writes what pytest tells it."""

    def __init__(self, path: Path, project: Path) -> None:
        self._file = path.open("a", encoding="ascii", buffering=1)  # a line at a time
        self._project = project.resolve()

    def _write(self, kind: str, **facts: Any) -> None:
        self._file.write(json.dumps({"kind": kind, **facts}) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            self._write("collected", id=item.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            text = report.longreprtext[:TEXT]
            self._write("result", id=report.nodeid, outcome="failed", text=text)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._write("started", id=nodeid)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if call.excinfo is not None and not report.passed:
            report.tito_at = self._place(call.excinfo.value)  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        todo = getattr(report, "todo", "")
        file, line = getattr(report, "tito_at", ("", 0))
        self._write(
            "result",
            id=report.nodeid,
            outcome="todo" if todo else report.outcome,
            text="" if report.passed else str(todo or report.longreprtext)[:TEXT],
            file=file,
            line=line,
            output=(report.capstdout + report.capstderr)[-OUTPUT:],
            wall_s=report.duration,
        )

    def pytest_sessionfinish(self) -> None:
        self._write("finished")

    def _place(self, error: BaseException) -> tuple[str, int]:
        """Return the innermost line of the package that raised: "tinytorch/a.py", 12.

        Empty and 0 where the package was left again before the test failed.
        """
        for each in _chain(error):
            for name, line in reversed(_frames(each)):
                if path := self._inside(name):
                    return path, line
        return "", 0

    def _inside(self, name: str) -> str:
        """Return a path relative to the repository, if it is of the package."""
        try:
            path = Path(name).resolve().relative_to(self._project)
        except (ValueError, OSError, RuntimeError):
            return ""
        return path.as_posix() if path.parts[:1] == (PACKAGE,) else ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those in whose handling it was raised: a test that expects
    another error fails so.
    """
    seen: list[BaseException] = []
    while error is not None and all(error is not e for e in seen) and len(seen) < CHAIN:
        seen.append(error)
        yield error
        error = error.__cause__ or error.__context__


def _frames(error: BaseException) -> list[tuple[str, int]]:
    if isinstance(error, SyntaxError) and error.filename:
        return [(error.filename, error.lineno or 1)]
    walked = traceback.walk_tb(error.__traceback__)
    return [(frame.f_code.co_filename, line or 1) for frame, line in walked]
