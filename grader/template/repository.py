"""Write a release into a new folder, or into a repository that has an older one.

A repository belongs to a student: links in it may lead anywhere, and the record of its
release may say anything. Nothing is written through a link or outside.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from grader.errors import ConfigError
from grader.intake.entries import ArchiveError, Kind
from grader.intake.zip_ import ZipReader
from grader.models.course import Course
from grader.template.course_file import COURSE_FILE, dates_in
from grader.template.release import Release
from grader.template.submit import submit_in
from grader.template.update import Step, plan

RECORD: Final = ".tinytorch/release.zip"
ABOUT: Final = "release.json"
MOST_RECORD_BYTES: Final = 4 << 20
MOST_BYTES: Final = 16 << 20
_DAY: Final = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name: same bytes always
_PERSON: Final = ("-c", "user.name=course", "-c", "user.email=course@localhost")


def build(made: Release, target: Path, *, git: bool = False) -> None:
    """Write a release into a new folder.

    Args:
        git: also make it a repository with one commit.

    Raises:
        ConfigError: the folder is not empty or cannot be written, or git fails.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        msg = f"{target} exists and is not empty"
        raise ConfigError(msg, hint="name a new folder")
    files = {**made.files, RECORD: _record(made)}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            _write(target, path, data)
    except OSError as exc:
        msg = f"cannot write to {target}: {exc.strerror}"
        raise ConfigError(msg, hint="check free space and permissions") from exc
    if git:
        _commit(target, f"{made.course}, modules up to {made.upto}")


def update(made: Release, repository: Path, *, dry: bool = False) -> list[Step]:
    """Bring a student's repository to a newer release; return what was done.

    Raises:
        ConfigError: it was not built by us, has later modules, or cannot be written.
    """
    old = _recorded(repository)
    old.pop(ABOUT, None)
    if (has := upto_of(repository)) > made.upto:
        msg = (
            f"{repository} has modules up to {has}, and this release up to {made.upto}"
        )
        raise ConfigError(msg, hint="name a later module: --upto")
    names = {*old, *made.files}
    now = {
        path: data for path in names if (data := _read(repository, path)) is not None
    }
    steps = plan(old, made.files, now)
    if dry:
        return steps
    try:
        for step in steps:
            if step.data is not None:
                _write(repository, step.path, step.data)
        _write(repository, RECORD, _record(made))
    except OSError as exc:
        msg = f"cannot write to {repository}: {exc.strerror}"
        raise ConfigError(msg, hint="is there a link, or a folder in place?") from exc
    return steps


def upto_of(repository: Path) -> str:
    """Return the number of the last module that a repository was given.

    Raises:
        ConfigError: it was not built by us.
    """
    try:
        about = json.loads(_recorded(repository).get(ABOUT, b""))
        return str(about["upto"])
    except (ValueError, KeyError, TypeError) as exc:
        msg = f"{repository}: {RECORD} does not say up to which module it goes"
        raise ConfigError(msg, hint="name the module: --upto") from exc


def dates_of(repository: Path, course: Course) -> dict[str, date]:
    """Return the due dates that a repository was given.

    Raises:
        ConfigError: it was not built by us, or its record is damaged.
    """
    data = _recorded(repository).get(COURSE_FILE)
    return {} if data is None else dates_in(data, course)


def submit_of(repository: Path) -> dict[str, str]:
    """Return where a repository was told to hand in; nothing if it was not.

    Raises:
        ConfigError: it was not built by us, or its record is damaged.
    """
    data = _recorded(repository).get(COURSE_FILE)
    return {} if data is None else submit_in(data)


def _record(made: Release) -> bytes:
    """Return what a later update must know: the texts as they were given."""
    about = {"schema_version": 1, "course": made.course, "upto": made.upto}
    members = {ABOUT: json.dumps(about).encode(), **_texts(made.files)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name, _DAY), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _texts(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if b"\0" not in data}


def _recorded(repository: Path) -> dict[str, bytes]:
    data = _read(repository, RECORD, MOST_RECORD_BYTES)
    if data is None:
        msg = f"{repository} has no {RECORD}"
        hint = "it holds what was given; build the repository: grader template build"
        raise ConfigError(msg, hint=hint)
    try:
        found = _unzipped(data)
    except ArchiveError as exc:
        msg = f"{repository}: {RECORD} is damaged: {exc.message}"
        raise ConfigError(msg, hint="take it from the repository's history") from exc
    return {path: text for path, text in found.items() if ".." not in path.split("/")}


def _unzipped(data: bytes) -> dict[str, bytes]:
    """Return the files of a zip.

    Raises:
        ArchiveError: it is none, or holds more than a release can.
    """
    reader = ZipReader(data)
    entries = [e for e in reader.entries() if e.kind is Kind.FILE]
    if sum(e.size for e in entries) > MOST_BYTES:
        msg = f"it holds more than {MOST_BYTES >> 20} MiB"
        raise ArchiveError(msg)
    return {"/".join(e.parts): text for e, text in reader.read(entries)}


def _read(root: Path, path: str, most: int = 2 << 20) -> bytes | None:
    """Return a regular file of the repository; None if there is none."""
    place = root / path
    if any(part.is_symlink() for part in _parts(root, path)) or not place.is_file():
        return None
    return place.read_bytes() if place.stat().st_size <= most else b""


def _write(root: Path, path: str, data: bytes) -> None:
    """Write a file, never through a link, and whole.

    Raises:
        OSError: something is in the way.
    """
    for part in _parts(root, path):
        if part.is_symlink():
            raise OSError(0, f"{part} is a link", str(part))
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _parts(root: Path, path: str) -> Iterable[Path]:
    """Return all folders and the file on the way from the root."""
    place = root
    for name in path.split("/"):
        place /= name
        yield place


def _commit(target: Path, message: str) -> None:
    commands = (
        ("init", "--quiet", "--initial-branch=main"),
        ("add", "--all"),
        (*_PERSON, "commit", "--quiet", "--message", message),
    )
    git = shutil.which("git")
    if git is None:
        raise ConfigError("git is not installed", hint="leave out --git")
    for command in commands:
        done = subprocess.run(  # noqa: S603 -- words of ours
            [git, "-C", str(target), *command],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            msg = f"git {command[0]} failed: {done.stderr.strip()[-200:]}"
            raise ConfigError(msg)
