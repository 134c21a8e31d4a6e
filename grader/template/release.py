"""Which files a student's repository has, up to a module of the course."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from grader.config import Home
from grader.errors import ConfigError
from grader.models.course import Course, Milestone, Module
from grader.template.course_file import COURSE_FILE, course_file, module_files

# What running things leaves behind; the same as the template's .gitignore.
LEFT: Final = re.compile(
    r"(^|/)(\.venv|__pycache__|[^/]*\.egg-info|\.pytest_cache|\.ruff_cache|build|"
    r"submissions|\.ipynb_checkpoints|\.tinytorch|\.tito)(/|$)|\.(pyc|npz)$"
)
HINTS: Final = "hints.toml"
_HINT: Final = re.compile(r'^\["(\d+)\.\d+"\]', re.MULTILINE)
PROJECT: Final = "entry/"  # a project of the student's own, once all modules are there
_TEST: Final = re.compile(r"^tests/test_(\d\d)_\w+\.py$")


@dataclass(frozen=True)
class Release:
    """What students are given."""

    course: str
    upto: str  # number of the last module in it: "06"
    files: dict[str, bytes]  # by POSIX path

    @property
    def digest(self) -> str:
        """The digest of paths and content."""
        total = hashlib.sha256()
        for path, data in sorted(self.files.items()):
            total.update(f"{path}\0{len(data)}\0".encode() + data)
        return f"sha256:{total.hexdigest()}"


def release(
    home: Home,
    course: Course,
    upto: str = "",
    due: Mapping[str, date] | None = None,
    submit: Mapping[str, str] | None = None,
) -> Release:
    """Return the repository with all modules, or those up to the one named.

    Args:
        upto: number or name of a module; empty: all.
        due: days that students see, by name of module or milestone.
        submit: where they hand in, as `submit_place` gives it; None: nothing is said.

    Raises:
        ConfigError: there is no such module, or a file of the template has no TODO
            where a task is, which a solution would not have either.
    """
    last = _last(course, upto)
    given = course.modules[: course.modules.index(last) + 1]
    later = course.modules[len(given) :]
    hidden = {f for m in later for f in module_files(m)} - {
        f for m in given for f in module_files(m)
    }
    files = {
        path: data
        for path, data in _read(home.template, "")
        if path not in {f"{course.package}/{name}" for name in hidden}
        and not _is_later_test(path, given)
        and not (later and path.startswith(PROJECT))
    }
    _check_stubs(files, course, given)
    files[HINTS] = _hints(files[HINTS], given)
    files |= _milestones(home, course, {m.name for m in given})
    files[COURSE_FILE] = course_file(course, given, files, due or {}, submit or {})
    return Release(course.name, last.number, dict(sorted(files.items())))


def _last(course: Course, upto: str) -> Module:
    for module in course.modules:
        if upto in (module.number, module.name):
            return module
    if not upto:
        return course.modules[-1]
    known = ", ".join(f"{m.number} {m.name}" for m in course.modules)
    msg = f"there is no module {upto!r}"
    raise ConfigError(msg, hint=f"modules: {known}")


def _read(folder: Path, below: str) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and not LEFT.search(name):
            yield below + name, path.read_bytes()


def _is_later_test(path: str, given: Iterable[Module]) -> bool:
    match = _TEST.match(path)
    return bool(match) and match[1] not in {m.number for m in given} if match else False


def _check_stubs(
    files: dict[str, bytes], course: Course, given: Iterable[Module]
) -> None:
    """Refuse a template in which somebody has solved a task."""
    text = b"".join(d for p, d in files.items() if p.startswith(f"{course.package}/"))
    for module in given:
        for task in module.tasks:
            if f"TODO({task.number})".encode() not in text:
                msg = f"the template has no TODO({task.number}): {task.target}"
                hint = "make it anew: python reference/tools/template.py"
                raise ConfigError(msg, hint=hint)


def _hints(data: bytes, given: Iterable[Module]) -> bytes:
    """Return the hints of these modules' tasks."""
    text = data.decode()
    starts = [m.start() for m in _HINT.finditer(text)]
    if not starts:
        return data
    numbers = {int(m.number) for m in given}
    parts = [text[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    kept = [p for p in parts if int(_HINT.match(p)[1]) in numbers]  # type: ignore[index]
    return (text[: starts[0]] + "".join(kept)).rstrip().encode() + b"\n"


def _milestones(home: Home, course: Course, given: set[str]) -> dict[str, bytes]:
    """Return the milestones that can be run with these modules, and their data."""
    ready = [m for m in course.milestones if given.issuperset(m.needs)]
    if not ready:
        return {}
    folders = {m.folder for m in course.milestones} - {m.folder for m in ready}
    there = {p.name for p in (home.milestones / "data").glob("*")}
    unused = there - {name for m in ready for name in _data(m)}
    left_out = [f"milestones/{name}/" for name in folders]
    left_out += [f"milestones/data/{name}/" for name in unused]
    return {
        path: data
        for path, data in _read(home.milestones, "milestones/")
        if not path.startswith(tuple(left_out))
    }


def _data(milestone: Milestone) -> set[str]:
    runs = (milestone.quick, milestone.fast, milestone.full)
    return {run.data for run in runs if run is not None}
