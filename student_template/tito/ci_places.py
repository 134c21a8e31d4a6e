"""Where in a student's files something has to be done."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tito import course as course_file
from tito.ci_records import Check
from tito.course import Course, Module
from tito.package import Source, collect


@dataclass(frozen=True)
class Place:
    """A line of a file of the repository; no file: nowhere in particular."""

    file: str = ""
    line: int = 0


class Places:
    """Finds the line that a test is about."""

    def __init__(
        self, project: Path, course: Course, sources: Sequence[Source]
    ) -> None:
        self._project = project
        self._course = course
        self._sources = {source.path: source.data for source in sources}

    def of(self, check: Check) -> Place:
        """Return the line that raised, or of the function the task is about, or of the
        test.
        """
        found = self.at(check.file, check.line, check.task, check.name)
        return found if found.file else self._test(check) or Place()

    def at(self, file: str, line: int, task: str, test: str) -> Place:
        """Return that line if the package has it, or that of what the task is about."""
        data = self._sources.get(file)
        if data is not None and 0 < line <= data.count(b"\n") + 1:
            return Place(file, line)
        return self._target(task, test) or Place()

    def _target(self, task: str, test: str) -> Place | None:
        tasks = {n: (m, t) for m in self._course.modules for n, t in m.tasks}
        if task not in tasks:
            return None
        module, target = tasks[task]
        for name in _likely(target, test):
            for path in self._files_of(module):
                if name in self._definitions[path]:
                    return Place(path, self._definitions[path][name])
        return None

    def _files_of(self, module: Module) -> list[str]:
        """Return a module's files, then all others: 06 is at home in 02 as well."""
        own = [path for path in module.paths if path in self._sources]
        return [*own, *(path for path in self._sources if path not in own)]

    @cached_property
    def _definitions(self) -> dict[str, dict[str, int]]:
        return {path: _defined(data) for path, data in self._sources.items()}

    def _test(self, check: Check) -> Place | None:
        path = check.id.partition("::")[0]
        if not path.startswith("tests/") or ".." in path:
            return None
        try:
            lines = (self._project / path).read_text("utf-8").splitlines()
        except (OSError, ValueError):
            return None
        name = check.name.partition("[")[0]
        numbers = (n for n, x in enumerate(lines, 1) if x.startswith(f"def {name}("))
        return Place(path, next(numbers, 1))


def places_of(project: Path) -> Places | None:
    """Return where things are in a repository; None if it says nothing of its course.

    Raises:
        TitoError: the package cannot be read.
    """
    if not (project / course_file.FILE).exists():
        return None
    return Places(project, course_file.load(project), collect(project))


def _likely(target: str, test: str) -> list[str]:
    """Return the names in "Tensor.__add__ __sub__"; first those in a test's name."""
    first, *rest = target.split()
    owner = first.rpartition(".")[0]
    names = [first, *(f"{owner}.{name}" if owner else name for name in rest)]
    return sorted(names, key=lambda n: n.rpartition(".")[2].strip("_") not in test)


def _defined(data: bytes) -> dict[str, int]:
    """Return the lines of all functions and classes: {"Tensor.matmul": 12}."""
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return dict(_walk(tree.body, ""))


def _walk(body: Sequence[ast.stmt], above: str) -> Iterator[tuple[str, int]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield f"{above}{node.name}", node.lineno
        if isinstance(node, ast.ClassDef):
            yield from _walk(node.body, f"{above}{node.name}.")
