"""`tito doctor`: is this machine, and this repository, as the course needs it?"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from tito import course as course_file
from tito import waiting
from tito.errors import TitoError
from tito.package import PACKAGE
from tito.road_service import ServiceRoad
from tito.roads import LOCAL, destination, road
from tito.tokens import find as find_token

PYTHON = (3, 11)
WANTED = {"numpy": (1, 26), "pytest": (8, 3), "click": (8, 1)}
SHAPE = ("tests/conftest.py", "hints.toml", "Makefile", "pyproject.toml")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
WHERE = (
    "import importlib.util as u; s = u.find_spec({!r}); print(s.origin if s else '')"
)


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, how it is, and what to do about it."""

    what: str
    state: str
    do: str = ""
    level: Literal["ok", "advice", "wrong"] = "ok"


def examine(project: Path) -> Iterator[Finding]:
    """Yield what is found; nothing is changed."""
    yield _python()
    for name, least in WANTED.items():
        yield _library(name, least)
    yield _installed(project)
    yield _threads()
    yield _git(project)
    yield _system()
    yield _shape(project)
    yield _road(project)


def _python() -> Finding:
    found = platform.python_version()
    if sys.version_info < PYTHON:
        do = "Install Python 3.11 or newer, delete .venv, then: make setup"
        return Finding("Python", f"{found} is too old", do, "wrong")
    if sys.prefix == sys.base_prefix:
        do = "To use the course's own: make setup, then source .venv/bin/activate"
        return Finding("Python", f"{found}, not of a virtual environment", do, "advice")
    return Finding("Python", f"{found} in {sys.prefix}")


def _library(name: str, least: tuple[int, int]) -> Finding:
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "is not installed", "make setup", "wrong")
    numbers = tuple(map(int, re.findall(r"\d+", found)[:2]))
    if numbers < least:
        do = f"Needed: {least[0]}.{least[1]} or newer. Delete .venv, then: make setup"
        return Finding(name, f"{found} is too old", do, "wrong")
    return Finding(name, found)


def _installed(project: Path) -> Finding:
    """Find the package as a script in another folder would."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", WHERE.format(PACKAGE)],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    found = done.stdout.strip()
    own = project.resolve() / PACKAGE / "__init__.py"
    if found and Path(found).resolve() == own:
        return Finding(PACKAGE, "this repository's is found from everywhere")
    if found:
        do = "Activate this repository's .venv, or run: make setup"
        return Finding(PACKAGE, f"another one is found: {found}", do, "wrong")
    do = "make setup installs it (editable), so that scripts find it"
    return Finding(PACKAGE, "is not installed here", do, "advice")


def _threads() -> Finding:
    given = [f"{name}={os.environ[name]}" for name in THREADS if os.environ.get(name)]
    if given:
        return Finding("threads", " ".join(given))
    state = f"numpy may use all {os.cpu_count() or 1} processors"
    do = "export OPENBLAS_NUM_THREADS=1, as make does"
    return Finding("threads", state, do, "advice")


def _git(project: Path) -> Finding:
    if shutil.which("git") is None:
        do = "Install git, if your course collects by push"
        return Finding("git", "is not installed", do, "advice")
    done = subprocess.run(
        ["git", "-C", str(project), "rev-parse", "--is-inside-work-tree"],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return Finding("git", "this folder is no repository", "git init", "advice")
    return Finding("git", "a repository")


def _system() -> Finding:
    name = f"{platform.system()} {platform.release()}"
    if platform.system() == "Windows":
        do = "Use WSL (wsl --install) and clone the repository inside it"
        return Finding("system", name, do, "advice")
    if "microsoft" in platform.release().lower() and Path.cwd().as_posix().startswith(
        "/mnt/"
    ):
        do = "Clone into your Linux home folder; files below /mnt are slow"
        return Finding("system", f"{name}, on a Windows drive", do, "advice")
    return Finding("system", name)


def _shape(project: Path) -> Finding:
    gone = [name for name in SHAPE if not (project / name).is_file()]
    if gone:
        do = "Take them back from the repository's history: git checkout -- NAME"
        return Finding("repository", f"without {', '.join(gone)}", do, "wrong")
    try:
        course = course_file.load(project)
    except TitoError as error:
        return Finding("repository", error.message, error.hint, "wrong")
    files = [path for m in course.modules for path in m.paths]
    if lost := [path for path in files if not (project / path).is_file()]:
        do = "If you did not mean to delete them: git checkout -- NAME"
        return Finding("repository", f"without {', '.join(lost[:3])}", do, "advice")
    released = sum(m.released for m in course.modules)
    return Finding("repository", f"complete, {released} modules released")


def _road(project: Path) -> Finding:
    """Look whether what is written could be handed in; nothing is asked over a line."""
    name = "hand in"
    try:
        to = destination("", project)
        way = road(to, project)
        if isinstance(way, ServiceRoad):
            find_token(project)
    except TitoError as error:
        return Finding(name, error.message, error.hint, "advice")
    if waits := len(waiting.everything(project)[0]):
        what = "1 bundle is" if waits == 1 else f"{waits} bundles are"
        do = "as soon as you are online: tito submit --queued"
        return Finding(name, f"{what} kept and not handed in yet", do, "advice")
    return Finding(name, f"to {way.to}" if to else f"bundles are put into {LOCAL}/")
