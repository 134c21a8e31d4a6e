"""Run the public tests once and read what they came to, one by one."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tito import checks
from tito.errors import TitoError
from tito.process import Ran, run

RECORDS = "TITO_CI_RECORDS"  # names the file that the plugin writes
TEXT, OUTPUT = 4000, 2000  # characters kept of a failure, and of what was printed
MOST_BYTES = 16 << 20  # of records that are read
MOST_CHECKS = 5000
NAME = 300  # characters of a test's name
OUTCOMES = ("passed", "skipped", "todo", "missing", "failed")  # from good to bad
WORDS = (
    *("-q", "--color=no", "-p", "no:cacheprovider", "-p", "tito.ci_plugin"),
    "--continue-on-collection-errors",  # a test file that is broken hides no other
)
# The public tests need no plugin that is installed; looking for some takes a second.
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
_ID = re.compile(r"tests/test_(\d\d_\w+)\.py(?:::.*)?", re.DOTALL)
_TASK = re.compile(r"test_0*(\d{1,2})_(\d{1,2})(?:_|$)")


@dataclass(frozen=True)
class Check:
    """One public test.

    Attributes:
        module: "02_tensor"; for a test elsewhere, its file.
        outcome: one of `OUTCOMES`; missing: Python ended before or in it.
        text: what the test says, raw.
        file, line: the innermost line of the package that raised; empty: none did.
        output: the end of what was printed, raw.
    """

    id: str
    module: str
    outcome: str = "missing"
    text: str = ""
    file: str = ""
    line: int = 0
    output: str = ""
    wall_s: float = 0.0

    @property
    def name(self) -> str:
        """The name of the function, "test_2_4_matmul"; of a file that does not load,
        its path.
        """
        return self.id.rpartition("::")[2]

    @property
    def task(self) -> str:
        """The number in the name, "2.4", or nothing."""
        found = _TASK.match(self.name)
        return f"{found[1]}.{found[2]}" if found else ""


@dataclass(frozen=True)
class Outcomes:
    """All public tests, in the order of the course.

    Attributes:
        finished: whether pytest came to its end.
        last: where it ended, if it did not; empty: before the first test.
    """

    checks: tuple[Check, ...]
    ran: Ran
    finished: bool
    last: str = ""

    def of(self, module: str) -> list[Check]:
        """Return the tests of a module."""
        return [check for check in self.checks if check.module == module]

    @property
    def modules(self) -> list[str]:
        """The modules that have tests here, in order."""
        return list(dict.fromkeys(check.module for check in self.checks))

    @property
    def good(self) -> bool:
        """Whether nothing is wrong; what is not written yet is not wrong."""
        bad = any(check.outcome in ("failed", "missing") for check in self.checks)
        return self.finished and bool(self.checks) and not bad


def count(found: Iterable[Check], *kinds: str) -> int:
    """Return how many of these have one of these outcomes."""
    return sum(check.outcome in kinds for check in found)


def run_public(
    project: Path, limit_s: float, show: Callable[[str], None] | None = None
) -> Outcomes:
    """Run all public tests in a process of their own; `show` gets their output.

    Raises:
        TitoError: there are none.
        KeyboardInterrupt: they were told to stop.
    """
    if not checks.modules(project):
        raise TitoError(
            "there are no public checks in tests/",
            "Take them back: git checkout -- tests",
        )
    command = [sys.executable, "-m", "pytest", *WORDS, checks.TESTS]
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records.jsonl"
        path = os.pathsep.join(filter(None, (str(project), os.getenv("PYTHONPATH"))))
        around = {RECORDS: str(records), "PYTHONPATH": path} | PLAIN
        ran = run(
            command,
            folder=project,
            limit_s=limit_s,
            environment=checks.environment() | around,
            show=show,
        )
        if ran.interrupted:
            raise KeyboardInterrupt
        return _outcomes(_read(records), ran)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records; what is none is left out."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
    except FileNotFoundError:
        return
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


@dataclass
class _Seen:
    """What the records have told so far."""

    checks: dict[str, Check] = field(default_factory=dict)
    last: str = ""
    finished: bool = False

    def take(self, record: dict[str, Any]) -> None:
        kind, name = record.get("kind"), record.get("id")
        if kind == "finished":
            self.finished = True
        if not isinstance(name, str) or len(self.checks) >= MOST_CHECKS:
            return
        name = name[:NAME]
        if kind == "started":
            self.last = name
        elif kind == "collected":
            self.checks.setdefault(name, Check(name, _module(name)))
        elif kind == "result":
            self._result(name, record)

    def _result(self, name: str, record: dict[str, Any]) -> None:
        """Keep the worst of what a test came to: it may pass and then fail to end."""
        before = self.checks.get(name)
        now = _check(name, record)
        told = before is not None and before.outcome != "missing"
        if not told or _rank(now) > _rank(before):
            self.checks[name] = now


def _rank(check: Check | None) -> int:
    return OUTCOMES.index(check.outcome) if check else -1


def _outcomes(records: Iterable[dict[str, Any]], ran: Ran) -> Outcomes:
    seen = _Seen()
    for record in records:
        seen.take(record)
    found = sorted(seen.checks.values(), key=lambda check: check.module)
    last = "" if seen.finished else seen.last
    return Outcomes(tuple(found), ran, seen.finished, last)


def _module(name: str) -> str:
    found = _ID.fullmatch(name)
    return found[1] if found else name.partition("::")[0]


def _check(name: str, record: dict[str, Any]) -> Check:
    outcome = _text(record, "outcome", 20)
    line, wall_s = record.get("line"), record.get("wall_s")
    return Check(
        name,
        _module(name),
        outcome if outcome in OUTCOMES else "failed",
        _text(record, "text", TEXT),
        _text(record, "file", NAME),
        line if isinstance(line, int) and line > 0 else 0,
        _text(record, "output", OUTPUT),
        wall_s if isinstance(wall_s, float) and 0 <= wall_s < 1e6 else 0.0,
    )


def _text(record: dict[str, Any], key: str, most: int) -> str:
    value = record.get(key)
    return value[:most] if isinstance(value, str) else ""
