"""Content-addressed files: `results/<hh>/<sha256>.json`, whole or not there.

Sessions of the competition and projects lie beside the results, each in a folder of
their own.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from grader.errors import StoreError
from grader.files import write_whole
from grader.intake import pack
from grader.models.report import GradeReport, MilestoneMeasure, MilestoneResult
from grader.models.submission import Submission

M = TypeVar("M", bound=BaseModel)
KINDS: Final = ("results", "sessions", "projects")  # what the store has documents of
RESTORE: Final = "Restore the file from a backup, or grade the submission again."


def write(folder: Path, report: GradeReport) -> str:
    """Store `report` and return its digest; an existing equal document is kept.

    Raises:
        StoreError: the folder cannot be written.
    """
    data = report.model_dump_json().encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    write_once(path_of(folder, digest), data)
    return digest


def write_once(target: Path, data: bytes) -> None:
    """Write a file whose name says what it holds; one that is there is kept.

    Raises:
        StoreError: the folder cannot be written.
    """
    if target.exists():
        return
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(target, data)
    except OSError as exc:
        msg = f"cannot write {target}: {exc.strerror}"
        raise StoreError(msg, hint="Check free space and permissions.") from exc


def read(folder: Path, digest: str) -> GradeReport:
    """Return the report stored under `digest`.

    Raises:
        StoreError: the document is missing, damaged or of a newer schema.
    """
    return _read(folder, digest, GradeReport)


class _Results(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)
    milestones: tuple[MilestoneResult, ...] = ()


class _Costs(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)
    milestones: tuple[MilestoneMeasure, ...] = ()


class Runs(BaseModel):
    """The milestones of a report alone, a twentieth of it."""

    model_config = ConfigDict(frozen=True, strict=True)
    verdict: _Results
    measurements: _Costs


def read_runs(folder: Path, digest: str) -> Runs:
    """Return the milestones of the report stored under `digest`.

    Raises:
        StoreError: as `read`.
    """
    return _read(folder, digest, Runs)


def _read(folder: Path, digest: str, kind: type[M]) -> M:
    path = path_of(folder, digest)
    try:
        data = path.read_bytes()
    except OSError as exc:
        msg = f"result document {path} cannot be read: {exc.strerror}"
        raise StoreError(msg, hint=RESTORE) from exc
    if "sha256:" + hashlib.sha256(data).hexdigest() != digest:
        msg = f"result document {path} is damaged: its content has another digest"
        raise StoreError(msg, hint=RESTORE)
    try:
        return kind.model_validate_json(data)
    except ValidationError as exc:
        msg = f"result document {path} is not of a schema this grader knows"
        hint = "A newer grader wrote it: upgrade this one."
        raise StoreError(msg, hint=hint) from exc


def path_of(folder: Path, digest: str, kind: str = KINDS[0]) -> Path:
    """Return where the document with `digest` is kept; `kind` is one of `KINDS`."""
    name = digest.removeprefix("sha256:")
    return folder / kind / name[:2] / f"{name}.json"


def keep_source(folder: Path, submission: Submission, package: str) -> None:
    """Keep what was graded, so that it can be graded again; no name is in it.

    Raises:
        StoreError: the folder cannot be written.
    """
    target = source_path(folder, submission.digest)
    if not target.exists():
        bare = dict(submission) | {"student": "", "round": "", "label": "", "notes": ()}
        write_once(target, pack(Submission.model_validate(bare), package))


def source_path(folder: Path, digest: str) -> Path:
    """Return where the submission with `digest` is kept, if it is."""
    name = digest.removeprefix("sha256:")
    return folder / "sources" / name[:2] / f"{name}.tar.gz"
