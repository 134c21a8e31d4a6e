"""Run hidden checks in-process on several wrong packages, each in a forked child.

    PYTHONPATH=. python reference/mutants/run.py JOBS

JOBS is a JSON file, [{"folder": ..., "only": [...]}, ...]: `folder` holds `tinytorch`,
`only` are ids of the checks to run (empty: all). folder/results.json then says what
became of each:

    {"tensor::data_is_float32": {"failed": true, "mistake": "", "needs": []}, ...}

A check that takes longer than it may is interrupted and counts as failed. This is for
our own mutants only: the grader never runs a package in its own process.
`grader validate` runs the same mutants behind the wall.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import importlib.util
import json
import os
import py_compile
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Final

import numpy as np

from grader.checks import CheckFailure
from grader.checks.suites import Check, load_suites
from grader.config import load_course

REFERENCE: Final = Path(__file__).resolve().parents[1]
# The slowest check of the reference needs a hundredth of it. Wall time: with a timer of
# CPU time set, the clock of CPU time that checks read shows the kernel's ticks only.
LIMIT_S: Final = 8.0
CHILDREN: Final = 2  # at a time


class OutOfTimeError(Exception):
    """The check was interrupted."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    msg = f"more than {LIMIT_S:g} s"
    raise OutOfTimeError(msg)


def compiled(folder: Path) -> dict[bytes, Path]:
    """Compile the reference into `folder`: source -> where its bytecode lies."""
    found = {}
    for number, file in enumerate(sorted((REFERENCE / "tinytorch").glob("*.py"))):
        target = folder / f"{number}.pyc"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(file), str(target), invalidation_mode=mode)
        found[file.read_bytes()] = target
    return found


def share(bytecode: dict[bytes, Path], folder: Path) -> None:
    """Give folder/tinytorch the bytecode of all files that are as in the reference.

    A wrong package differs in a file or two; compiling the others took half the time.
    """
    cache = folder / "tinytorch/__pycache__"
    cache.mkdir(exist_ok=True)
    for file in (folder / "tinytorch").glob("*.py"):
        if same := bytecode.get(file.read_bytes()):
            target = Path(importlib.util.cache_from_source(str(file)))
            target.unlink(missing_ok=True)
            os.link(same, target)


def imported(folder: Path) -> ModuleType:
    """Import the package in `folder` apart from any copy imported before."""
    for name in [m for m in sys.modules if m.split(".")[0] == "tinytorch"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    package = importlib.import_module("tinytorch")
    for name in dir(package):  # lazy names resolve while this copy is the imported one
        if not name.startswith("_"):
            getattr(package, name, None)
    sys.path.remove(str(folder))
    return package


def outcome(check: Check, tt: ModuleType, oracle: ModuleType) -> dict[str, Any]:
    """Run one check and return what became of it."""
    found: dict[str, Any] = {"failed": True, "mistake": ""}
    found["needs"] = list(check.marks.needs)
    seed = hashlib.sha256(check.id.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(seed[:8], "big"))
    fixtures = {"tt": tt, "oracle": oracle, "rng": rng}
    given = check.parameters | {name: fixtures[name] for name in check.fixtures}
    np.random.seed(0)
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        with np.errstate(all="ignore"):
            check.function(**given)
        found["failed"] = False
    except CheckFailure as failure:
        found["mistake"] = failure.misconception
    except Exception:  # noqa: BLE001 -- whatever a wrong package raises is a failure
        return found
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return found


def run(folder: Path, checks: list[Check], oracle: ModuleType) -> None:
    """Run checks on folder/tinytorch and write folder/results.json."""
    (folder / "scratch").mkdir()
    os.chdir(folder / "scratch")
    try:
        tt = imported(folder)
        results = {check.id: outcome(check, tt, oracle) for check in checks}
    except Exception as error:  # noqa: BLE001 -- it does not even import
        sys.stderr.write(f"{folder.name}: {error!r}\n")
        return
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Run the command line; return its exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python reference/mutants/run.py JOBS\n")
        return 2
    course = load_course(REFERENCE.parent / "course.toml")
    checks = load_suites(REFERENCE / "checks", course).checks
    jobs = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(dir=Path(arguments[0]).parent) as name:
        bytecode = compiled(Path(name))
        for job in jobs:
            share(bytecode, Path(job["folder"]))
    oracle = imported(REFERENCE)
    gc.freeze()  # a child's collections leave the pages of its parent alone
    running = 0
    for job in jobs:
        if running == CHILDREN:
            os.wait()
            running -= 1
        if os.fork() == 0:
            wanted = [c for c in checks if not job["only"] or c.id in job["only"]]
            run(Path(job["folder"]), wanted, oracle)
            sys.stdout.flush()
            os._exit(0)
        running += 1
    while running:
        os.wait()
        running -= 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
