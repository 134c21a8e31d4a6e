"""Find the hidden checks: one file a module, collected by pytest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from grader.checks.marks import Marks
from grader.errors import ConfigError
from grader.models.course import Course


@dataclass(frozen=True)
class Check:
    """One hidden check, ready to be called with (a part of) tt, oracle, rng."""

    id: str
    family: str  # the id without parameters; "needs" may name all of them by it
    module: str
    title: str
    marks: Marks
    function: Callable[..., Any]
    fixtures: tuple[str, ...]
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Suites:
    """All checks of a course, module by module, and what they are a function of."""

    checks: tuple[Check, ...]
    digest: str


def load_suites(folder: Path, course: Course) -> Suites:
    """Collect the checks in `folder`.

    Raises:
        ConfigError: a file does not import, belongs to no module, or names a check
            that does not exist.
    """
    return _loaded(folder, course.model_dump_json(), suites_digest(folder))


@lru_cache(maxsize=2)  # a worker of a batch loads them once
def _loaded(folder: Path, settings: str, digest: str) -> Suites:
    from grader.checks.collection import collect  # noqa: PLC0415 -- pytest is slow

    course = Course.model_validate_json(settings)
    files = _files(folder)
    checks = collect(folder, files, course)
    known = {m.name for m in course.modules}
    known |= {name for c in checks for name in (c.id, c.family)}
    for check in checks:
        for need in check.marks.needs:
            if need not in known:
                msg = f"check {check.id} needs {need!r}, which does not exist"
                raise ConfigError(msg)
    return Suites(checks, digest)


def suites_digest(folder: Path) -> str:
    """Return the digest of the suites in `folder` without loading them.

    Raises:
        ConfigError: there are none.
    """
    digest = hashlib.sha256()
    for file in _files(folder):
        data = file.read_bytes()
        digest.update(f"{file.name}\0{len(data)}\0".encode() + data)
    return f"sha256:{digest.hexdigest()}"


def _files(folder: Path) -> list[Path]:
    files = sorted(folder.glob("test_*.py"))
    if not files:
        msg = f"no hidden suites in {folder}"
        raise ConfigError(msg, hint="name the folder of `test_NN_name.py` files")
    return files
