"""The course as this repository was given it: `tito/course.json`, which staff's
`grader template build` writes. Nothing in it has to be changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tito.errors import TitoError, UnknownNameError
from tito.package import PACKAGE

FILE = "tito/course.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Module:
    """One module; of one that is not released yet only number, name and title."""

    number: str
    name: str
    title: str
    files: tuple[str, ...] = ()  # "tensor.py"
    needs: tuple[str, ...] = ()  # names of modules
    tasks: tuple[tuple[str, str], ...] = ()  # number and target
    due: str = ""  # a day: "2026-10-05"

    @property
    def label(self) -> str:
        return f"{self.number}_{self.name}"

    @property
    def released(self) -> bool:
        return bool(self.files)

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(f"{PACKAGE}/{name}" for name in self.files)


@dataclass(frozen=True)
class Script:
    """One script of a milestone, and how it runs on the data that is here.

    Attributes:
        fetch: the data set that has to be fetched first; empty: none.
    """

    file: str
    options: tuple[str, ...]
    fetch: str


@dataclass(frozen=True)
class Quick:
    """What counts when the milestone is graded in the quick profile."""

    script: str
    metric: str
    target: float
    lower_is_better: bool
    cpu_s: float
    wall_s: float
    memory_mib: int


@dataclass(frozen=True)
class Milestone:
    """One historical run; without scripts, it is not released yet."""

    number: str
    name: str
    year: int
    title: str
    needs: tuple[str, ...]
    folder: str = ""
    scripts: tuple[Script, ...] = ()
    quick: Quick | None = None
    due: str = ""

    @property
    def label(self) -> str:
        return f"{self.number}_{self.name}"

    @property
    def released(self) -> bool:
        return bool(self.scripts)


@dataclass(frozen=True)
class Course:
    """All modules and milestones, in the order of the course."""

    title: str
    modules: tuple[Module, ...]
    milestones: tuple[Milestone, ...]

    def module(self, name: str) -> Module:
        """Return the module called "2", "02", "tensor" or "02_tensor".

        Raises:
            UnknownNameError: there is none, or it is not released yet.
        """
        found = _named(name, self.modules)
        if found is None:
            raise UnknownNameError(
                f"there is no module {name!r}", "`tito module list` shows the modules."
            )
        if not found.released:
            raise UnknownNameError(
                f"module {found.label} is not released yet",
                "It comes with an update of this repository.",
            )
        return found

    def milestone(self, name: str) -> Milestone:
        """Return the milestone called "1", "01", "perceptron" or "01_perceptron".

        Raises:
            UnknownNameError: there is none, or it is not released yet.
        """
        found = _named(name, self.milestones)
        if found is None:
            raise UnknownNameError(
                f"there is no milestone {name!r}",
                "`tito milestone list` shows the milestones.",
            )
        if not found.released:
            raise UnknownNameError(
                f"milestone {found.label} is not released yet",
                "It comes with the modules that it needs.",
            )
        return found

    def closure(self, names: Iterable[str]) -> list[Module]:
        """Return these modules and all that they rest on, in the course's order."""
        by_name = {module.name: module for module in self.modules}
        wanted: set[str] = set()
        todo = list(names)
        while todo:
            name = todo.pop()
            if name in by_name and name not in wanted:
                wanted.add(name)
                todo += by_name[name].needs
        return [module for module in self.modules if module.name in wanted]

    def label(self, name: str) -> str:
        """Return "02_tensor" for "tensor"."""
        return next((m.label for m in self.modules if m.name == name), name)


def _named(name: str, things: Iterable[Any]) -> Any:
    for thing in things:
        if name in (thing.name, thing.label):
            return thing
        if name.isdecimal() and name.isascii() and name.zfill(2) == thing.number:
            return thing
        # The folder of a milestone: "01_1957_perceptron".
        if name and name == getattr(thing, "folder", None):
            return thing
    return None


def load(project: Path) -> Course:
    """Read the course's file.

    Raises:
        TitoError: it is not there, or not what this `tito` can read.
    """
    try:
        data = json.loads((project / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TitoError(
            f"this repository has no {FILE}, which lists modules and milestones",
            "It comes with the course's repository (staff: grader template build).",
        ) from None
    except (OSError, ValueError, RecursionError):
        raise TitoError(f"{FILE} cannot be read", RESTORE) from None
    try:
        if data["schema_version"] != SCHEMA_VERSION:
            raise TitoError(
                f"{FILE} is of another version than this tito",
                "Run `make setup` again, or take both from the course's repository.",
            )
        return Course(
            str(data["title"]),
            tuple(map(_module, data["modules"])),
            tuple(map(_milestone, data["milestones"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TitoError(f"{FILE} is damaged", RESTORE) from None


RESTORE = f"Take it back from the repository's history: git checkout -- {FILE}"


def _module(row: dict[str, Any]) -> Module:
    return Module(
        str(row["number"]),
        str(row["name"]),
        str(row["title"]),
        tuple(map(str, row.get("files", ()))),
        tuple(map(str, row.get("needs", ()))),
        tuple((str(t["number"]), str(t["target"])) for t in row.get("tasks", ())),
        str(row.get("due", "")),
    )


def _milestone(row: dict[str, Any]) -> Milestone:
    quick = row.get("quick")
    return Milestone(
        str(row["number"]),
        str(row["name"]),
        int(row["year"]),
        str(row["title"]),
        tuple(map(str, row["needs"])),
        str(row.get("folder", "")),
        tuple(map(_script, row.get("scripts", ()))),
        Quick(**quick) if quick else None,
        str(row.get("due", "")),
    )


def _script(row: dict[str, Any]) -> Script:
    return Script(str(row["file"]), tuple(map(str, row["options"])), str(row["fetch"]))
