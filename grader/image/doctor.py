"""The doctor inside a container: what is there, and what stands around it."""

from __future__ import annotations

import os
import platform
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from grader.config import find_home
from grader.errors import ConfigError, SandboxUnavailableError
from grader.image.contents import Contents, contents_of
from grader.image.settings import Setting, settings
from grader.models.base import Model
from grader.models.measure import Limits
from grader.sandbox import Package, Zygote, choose

# A request for the doctor in place of a grading; no tar is that short.
DOCTOR: Final = b"doctor"


class Doctor(Model):
    """What the doctor has found."""

    python: str
    numpy: str
    machine: str
    contents: Contents
    inner_wall: tuple[str, ...]  # tier and features; none if it does not start
    problem: str  # why it does not start
    settings: tuple[Setting, ...]
    privileged: tuple[str, ...]  # set-user-id and set-group-id files and folders
    writable: tuple[str, ...]  # files and folders that everybody may write to
    programs: tuple[str, ...]  # executables on PATH


def examine() -> Doctor:
    """Examine the container that this process runs in.

    Raises:
        GraderError: the course inside cannot be read.
    """
    try:
        home = find_home()
    except ConfigError:  # the engine's image holds none
        home = None
    secrets = () if home is None else (home.reference,)
    inner_wall, problem = _inner_wall(secrets)
    modes = list(_modes(Path("/")))
    return Doctor(
        python=platform.python_version(),
        numpy=np.__version__,
        machine=platform.machine(),
        contents=contents_of(home),
        inner_wall=inner_wall,
        problem=problem,
        settings=settings(),
        privileged=tuple(path for path, mode in modes if mode & 0o6000),
        writable=tuple(path for path, mode in modes if mode & 0o002),
        programs=_programs(),
    )


def _inner_wall(secrets: tuple[Path, ...]) -> tuple[tuple[str, ...], str]:
    """Start the sandbox of a grading; return its tier and features, or the problem."""
    try:
        wall = choose("uid", secrets=secrets)
        with Zygote(wall, Package("nothing", (), {}), memory=Limits()):
            return (wall.isolation.tier, *wall.isolation.features), ""
    except (SandboxUnavailableError, OSError) as exc:
        return (), str(exc)


def _modes(root: Path) -> Iterator[tuple[str, int]]:
    """Yield files and folders of this file system with their modes; no links."""
    device = root.lstat().st_dev
    for folder, names, files in os.walk(root):
        for name in (*names, *files):
            found = os.lstat(os.path.join(folder, name))  # noqa: PTH118 -- 10,000 files
            if not stat.S_ISLNK(found.st_mode) and found.st_dev == device:
                yield f"{folder.rstrip('/')}/{name}", found.st_mode
        names[:] = [n for n in names if _is_on(device, folder, n)]


def _is_on(device: int, folder: str, name: str) -> bool:
    return Path(folder, name).lstat().st_dev == device


def _programs() -> tuple[str, ...]:
    """Return the executables on PATH, each name once."""
    folders = [Path(f) for f in os.environ.get("PATH", "").split(":") if f]
    there = [path for f in folders if f.is_dir() for path in f.iterdir()]
    return tuple(sorted({p.name for p in there if os.access(p, os.X_OK)}))
