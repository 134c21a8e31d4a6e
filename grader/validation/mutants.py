"""All wrong packages of a course, named and machine-made, module by module."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from grader.errors import ConfigError
from grader.models.course import Course
from grader.models.submission import SourceFile
from grader.validation.named import (
    Edit,
    Equivalent,
    changed,
    load_edits,
    load_equivalents,
)
from grader.validation.operators import Change, changes

Files = tuple[SourceFile, ...]
GIVEN: Final = frozenset({"__init__.py", "base.py"})


@dataclass(frozen=True)
class Mutant:
    """One wrong package and where its mistake is.

    Attributes:
        modules: whose suites see the changed code first: its own, and those whose
            tasks extend the changed function.
        catches: checks that must fail; empty: any may.
    """

    name: str
    kind: Literal["named", "operator"]
    module: str
    modules: frozenset[str]
    place: str
    old: str
    new: str
    files: Files
    why: str = ""
    catches: tuple[str, ...] = ()
    mistake: str = ""
    equivalent: str = ""

    @property
    def digest(self) -> str:
        """Name this mutant in the journal of an interrupted run."""
        state = hashlib.sha256(f"{self.name}\0{self.catches}\0{self.mistake}".encode())
        for file in self.files:
            state.update(file.path.encode() + b"\0" + file.data)
        return state.hexdigest()


class Source:
    """The reference as text, and which module each of its files belongs to."""

    def __init__(self, course: Course, files: Files) -> None:
        self.course, self.files = course, files
        self._texts = {
            PurePosixPath(f.path)
            .relative_to(course.package)
            .as_posix(): f.data.decode()
            for f in files
        }

    def owner(self, file: str) -> str:
        """Return the module whose code a file is; "" where it is given to students."""
        stem = file.removesuffix(".py")
        for module in self.course.modules:
            paths = {path for s in module.symbols for path in s.paths}
            if module.file == file or f"{self.course.package}.{stem}" in paths:
                return module.name
        if file in GIVEN:
            return ""
        uses = re.compile(rf"^from {self.course.package}\.{stem} import", re.MULTILINE)
        for module in self.course.modules:
            if uses.search(self._texts.get(module.file, "")):
                return module.name
        return ""

    def named(self, edits: dict[str, tuple[Edit, ...]]) -> list[Mutant]:
        """Return a mutant for every edit that is a package of its own.

        Raises:
            ConfigError: an edit does not fit the reference.
        """
        alone = [found[0] for found in edits.values() if len(found) == 1]
        return [self._named(edit) for edit in alone]

    def _named(self, edit: Edit) -> Mutant:
        try:
            text = changed(self._texts[edit.file], edit)
        except (ValueError, KeyError) as exc:
            msg = f"mutant {edit.name} does not fit the reference: {exc}"
            raise ConfigError(msg) from exc
        suites = {c.split("::")[0] for c in edit.catches}
        module = self.owner(edit.file) or min(suites)
        return Mutant(
            name=edit.name,
            kind="named",
            module=module,
            modules=frozenset(suites | {module}),
            place=edit.file,
            old=edit.old,
            new=edit.new,
            files=self._with(edit.file, text),
            why=edit.why,
            catches=edit.catches,
            mistake=edit.mistake,
        )

    def operators(self, equivalents: tuple[Equivalent, ...]) -> list[Mutant]:
        """Return a mutant for every machine-made change of the students' code."""
        found = []
        for file, text in sorted(self._texts.items()):
            module = self.owner(file)
            if module:
                found += [
                    self._operator(module, change, equivalents)
                    for change in changes(file, text)
                ]
        return found

    def _operator(
        self, module: str, change: Change, equivalents: tuple[Equivalent, ...]
    ) -> Mutant:
        extended = {
            m.name
            for m in self.course.modules
            if any(task.target == change.function for task in m.tasks)
        }
        reasons = [e.reason for e in equivalents if _is_that(change, e)]
        return Mutant(
            name=change.name,
            kind="operator",
            module=module,
            modules=frozenset(extended | {module}),
            place=f"{change.file}:{change.line} {change.function}",
            old=change.old,
            new=change.new,
            files=self._with(change.file, change.text),
            equivalent=reasons[0] if reasons else "",
        )

    def _with(self, file: str, text: str) -> Files:
        path = f"{self.course.package}/{file}"
        return tuple(
            SourceFile(path=path, data=text.encode()) if f.path == path else f
            for f in self.files
        )


def _is_that(change: Change, known: Equivalent) -> bool:
    return (
        change.file == known.file
        and known.function in {"*", change.function}
        and known.old in {"*", change.old}
        and known.new in {"*", change.new}
    )


def select(
    source: Source,
    folder: Path,
    *,
    modules: Sequence[str] = (),
    kinds: Sequence[str] = ("named", "operator"),
    sample: int = 0,
) -> tuple[Mutant, ...]:
    """Return the wrong packages of `modules` (none named: of all).

    Args:
        folder: of the named ones and the list of changes that change nothing.
        sample: how many machine-made ones a module at most; the same ones every time.

    Raises:
        ConfigError: a file in `folder` is malformed or does not fit the reference.
    """
    found = source.named(load_edits(folder)) if "named" in kinds else []
    machine: list[Mutant] = []
    if "operator" in kinds:
        machine = source.operators(load_equivalents(folder))
    by_module: dict[str, list[Mutant]] = {}
    for mutant in machine:
        by_module.setdefault(mutant.module, []).append(mutant)
    for module, own in by_module.items():
        few = random.Random(module).sample(own, min(sample, len(own)))  # noqa: S311
        found += few if sample else own
    return tuple(m for m in found if not modules or m.module in modules)
