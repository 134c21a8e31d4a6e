"""Repositories as students have them, and `tito` run in them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tito_here import UNSET, USUAL, tito_here

from grader.config import find_home, load_course
from grader.template import build, release
from grader.template.course_file import module_files

HOME = find_home(Path(__file__).parent)
COURSE = load_course(HOME.course_file)
# What only a new process takes notice of, or only a terminal's program.
OWN_PROCESS = {"PYTHONPATH", "PYTHONIOENCODING", "TERM"}


def built(target: Path, upto: str) -> Path:
    """Return a new repository with modules up to `upto`."""
    build(release(HOME, COURSE, upto), target)
    return target


def solve(project: Path, *names: str) -> None:
    """Put what the reference has in place of these modules' files."""
    there = {path.name for path in (HOME.reference / "tinytorch").glob("*.py")}
    helpers = there.difference(*(module_files(m) for m in COURSE.modules))
    own = (module_files(COURSE.module(name)) for name in names)
    for file in helpers.union(*own):
        source = HOME.reference / "tinytorch" / file
        shutil.copy(source, project / "tinytorch" / file)


def tito(
    folder: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `tito` as a student does: the repository's own, in a process, where needed.

    A repository is built of the template, so that in this process the same files run.
    """
    # The peak memory that a system tells of a child is at least that of its parent.
    measures = arguments[:1] == ("benchmark",)
    if not (measures or OWN_PROCESS & variables.keys()):
        return tito_here(folder, *arguments, **variables)
    kept = {k: v for k, v in os.environ.items() if k not in UNSET}
    return subprocess.run(
        [sys.executable, "-m", "tito", *arguments],
        cwd=folder,
        env=kept | USUAL | variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def one_error(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """Return sentence and hint of an error that is told as it should be."""
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    error, hint = lines
    assert error.startswith("error: ")
    assert re.match(r"  hint: \S", hint)
    return error.removeprefix("error: "), hint.removeprefix("  hint: ")
