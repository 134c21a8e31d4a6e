"""Let pytest collect the hidden checks."""

from __future__ import annotations

import inspect
import os
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from grader.checks.marks import marks_of
from grader.checks.suites import Check
from grader.errors import ConfigError
from grader.models.course import Course

FILE: Final = re.compile(r"^test_(\d\d)_([a-z0-9_]+)\.py$")
FIXTURES: Final = frozenset({"tt", "oracle", "rng"})


class _Collector:
    """A pytest plugin that keeps what was collected and runs nothing."""

    def __init__(self) -> None:
        self.items: list[pytest.Function] = []
        self.failure = ""

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failure:
            self.failure = f"{report.nodeid}: {str(report.longrepr).strip()[-600:]}"

    @pytest.hookimpl
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = [i for i in session.items if isinstance(i, pytest.Function)]

    @pytest.hookimpl
    def pytest_runtestloop(self) -> bool:
        return True


def collect(folder: Path, files: list[Path], course: Course) -> tuple[Check, ...]:
    """Return the checks of `files`, in their order; nothing of them is kept imported.

    Raises:
        ConfigError: a file does not import, or is no suite of this course.
    """
    collector = _Collector()
    arguments = ["-c", os.devnull, "--rootdir", str(folder), "--noconftest"]
    arguments += ["--confcutdir", str(folder)]  # folders above need not be listed
    arguments += ["--import-mode=importlib", "-p", "no:terminal", "-p", "no:logging"]
    arguments += ["-p", "no:cacheprovider", "-p", "no:faulthandler"]
    arguments += ["--assert=plain"]  # checks do not assert, and rewriting takes time
    saved = {k: os.environ.pop(k, None) for k in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")}
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        _forget()
        pytest.main([*arguments, *map(str, files)], plugins=[collector])
    finally:
        _forget()
        os.environ.update({k: v for k, v in saved.items() if v is not None})
        del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
    if collector.failure:
        msg = f"a hidden suite does not load: {collector.failure}"
        raise ConfigError(msg)
    return tuple(_check(item, course) for item in collector.items)


def _forget() -> None:
    """Drop suites imported under the same names, from here or from another folder."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and FILE.match(Path(file).name) and name == Path(file).stem:
            del sys.modules[name]


def _check(item: pytest.Function, course: Course) -> Check:
    match = FILE.match(item.path.name)
    module = match.group(2) if match else item.path.stem
    if module not in {m.name for m in course.modules}:
        msg = f"{item.path.name} belongs to no module of the course"
        raise ConfigError(msg, hint="name it test_NN_<module>.py as in course.toml")
    callspec = getattr(item, "callspec", None)
    parameters = dict(callspec.params) if callspec else {}
    names = [n for n in inspect.signature(item.obj).parameters if n not in parameters]
    if unknown := set(names) - FIXTURES:
        msg = f"check {item.name} asks for {sorted(unknown)}; there are tt, oracle, rng"
        raise ConfigError(msg)
    slug = re.sub(r"[^a-z0-9]+", "_", item.name.lower()).strip("_")
    doc = (inspect.getdoc(item.obj) or "").split("\n", maxsplit=1)[0].rstrip(".")
    slug = slug.removeprefix("test_")
    return Check(
        id=f"{module}::{slug}",
        family=f"{module}::{item.originalname.removeprefix('test_')}",
        module=module,
        title=doc or slug.replace("_", " "),
        marks=marks_of(item.obj),
        function=item.obj,
        fixtures=tuple(names),
        parameters=parameters,
    )
