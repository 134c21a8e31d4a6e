"""Show machine-made mutants that no hidden check notices, quickly.

    PYTHONPATH=. python reference/mutants/survivors.py MODULE... [--all]

In-process and in forked children, for authors of checks: some fifty times as fast as
`grader validate`, which has the last word. Exit code 1 where a mutant survives.
--all runs every check on every mutant and also lists checks that notice none.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent))

from run import REFERENCE, imported, outcome

from grader.checks.suites import Check, load_suites
from grader.config import load_course
from grader.models.course import Course
from grader.pipeline import reference_files
from grader.validation.mutants import Mutant, Source
from grader.validation.named import load_equivalents
from grader.validation.validate import dependents

CHILDREN: Final = 2
PACKAGE: Final = REFERENCE / "tinytorch"


class Run:
    """Checks, the oracle and how thoroughly to look."""

    def __init__(self, *, every: bool) -> None:
        self.course: Course = load_course(REFERENCE.parent / "course.toml")
        self.checks = load_suites(REFERENCE / "checks", self.course).checks
        self.every = every
        self.oracle: ModuleType = imported(REFERENCE)

    def mutants(self, modules: set[str]) -> list[Mutant]:
        """Return the machine-made mutants of `modules` that are not equivalent."""
        source = Source(self.course, reference_files(PACKAGE))
        found = source.operators(load_equivalents(REFERENCE / "mutants"))
        return [m for m in found if m.module in modules and not m.equivalent]

    def noticed(self, mutant: Mutant, home: Path) -> Iterator[str]:
        """Yield the checks that fail on `mutant`: the nearest suites first."""
        folder = Path(tempfile.mkdtemp(dir=home))
        package = folder / "tinytorch"
        shutil.copytree(PACKAGE, package)  # with compiled files: their times are kept
        for file in mutant.files:
            path = folder / file.path
            if path.read_bytes() != file.data:
                path.write_bytes(file.data)
                os.utime(path, (0, 0))  # so that no compiled file of it fits
        os.chdir(folder)
        try:
            tt = imported(folder)
        except Exception:  # noqa: BLE001 -- a package that does not import is noticed
            yield "import"
            return
        far = dependents(self.course, mutant.modules)
        for names in (mutant.modules, far):
            for check in self._of(names):
                if outcome(check, tt, self.oracle)["failed"]:
                    yield check.id
                    if not self.every:
                        return
            if self.every:
                return

    def _of(self, names: frozenset[str] | set[str]) -> list[Check]:
        return [c for c in self.checks if c.module in names]


def child(run: Run, mutants: list[Mutant], home: Path, out: Path) -> None:
    """Write which checks notice each mutant, one line a mutant."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    with out.open("w", encoding="utf-8") as file:
        for mutant in mutants:
            pid = os.fork()
            if pid == 0:
                file.write(" ".join(run.noticed(mutant, home)) + "\n")
                file.flush()
                os._exit(0)
            if os.waitpid(pid, 0)[1] != 0:
                file.write("crash\n")
                file.flush()
            for folder in home.iterdir():
                shutil.rmtree(folder, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """Run the command line; return its exit code."""
    modules = {a for a in arguments if not a.startswith("--")}
    if not modules:
        sys.stderr.write(__doc__ or "")
        return 2
    run = Run(every="--all" in arguments)
    mutants = run.mutants(modules)
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        parts = [mutants[n::CHILDREN] for n in range(CHILDREN)]
        pids = []
        for number, part in enumerate(parts):
            home = Path(name) / f"home{number}"
            home.mkdir()
            pid = os.fork()
            if pid == 0:
                child(run, part, home, Path(name) / f"out{number}")
                os._exit(0)
            pids.append(pid)
        for pid in pids:
            os.waitpid(pid, 0)
        for number, part in enumerate(parts):
            lines = (Path(name) / f"out{number}").read_text().split("\n")
            found |= {
                m.name: line.split() for m, line in zip(part, lines, strict=False)
            }
    return told(run, mutants, found, modules)


def told(
    run: Run, mutants: list[Mutant], found: dict[str, list[str]], modules: set[str]
) -> int:
    """Print survivors and, where all were asked, idle checks; return the exit code."""
    survivors = [m for m in mutants if not found.get(m.name)]
    for mutant in survivors:
        sys.stdout.write(f"{mutant.place}\n  - {mutant.old}\n  + {mutant.new}\n")
    # A package may crash the interpreter, and so may a mistake of this tool.
    sys.stdout.writelines(
        f"crashed: {m.name}\n" for m in mutants if "crash" in found.get(m.name, [])
    )
    for module in sorted(modules):
        own = [m for m in mutants if m.module == module]
        left = sum(m in survivors for m in own)
        sys.stdout.write(f"{module}: {len(own) - left} of {len(own)} noticed\n")
    if run.every:
        useful = {check for checks in found.values() for check in checks}
        idle = [c.id for c in run.checks if c.module in modules and c.id not in useful]
        sys.stdout.writelines(f"notices none: {name}\n" for name in idle)
    return 1 if survivors else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
