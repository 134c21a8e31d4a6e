"""What the host asks of a container and what it answers, and the tar in between."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Final

from pydantic import Field, ValidationError

from grader.errors import (
    ConfigError,
    GraderError,
    InconclusiveError,
)
from grader.models.base import Digest, Model, Profile
from grader.models.measure import ContainerLimits
from grader.models.project import Project
from grader.models.report import GradeReport
from grader.models.session import Session
from grader.models.submission import SourceFile, Submission
from grader.rounds import Round

JOB: Final = "job.json"
SUBMISSION: Final = "submission/"
DATA: Final = "data/"
PROJECT: Final = "project/"


class SessionJob(Model):
    """Which session of the competition is wanted.

    Attributes:
        holder: digest of the submission that is challenged; its files travel, too.
        limits: of the container; not every engine lets them be read inside.
        offsets: of earlier canaries, as ln, by host class.
    """

    event: str
    workload: str
    launches: int
    pairs: int
    attempt: int
    limits: ContainerLimits
    holder: Digest | None = None
    offsets: dict[str, tuple[float, ...]] = Field(default_factory=dict)


class ContainerJob(Model):
    """What the host asks of the container, besides the files."""

    round: Round
    profile: Profile
    modules: tuple[str, ...]
    milestones: tuple[str, ...] | None
    label: str
    student: str
    digest: str
    notes: tuple[str, ...]
    answers: str = ""  # what `record_in_docker` returned, in base64
    record: bool = False  # answers are wanted, not a grading
    project: bool = False  # a project is wanted; its files are in the request, too
    session: SessionJob | None = None  # a session of the competition is wanted


class Failure(Model):
    """An error of ours inside the container."""

    code: str
    message: str
    hint: str


class ContainerResult(Model):
    """What the container answers: what was asked for, or why there is none."""

    report: GradeReport | None = None
    project: Project | None = None
    session: Session | None = None
    answers: str = ""
    failure: Failure | None = None


def pack(
    submission: Submission,
    job: ContainerJob,
    data: Iterable[Path],
    project: Mapping[str, bytes] = MappingProxyType({}),
) -> bytes:
    """Return the request as one canonical tar.

    Args:
        data: folders of data sets.
        project: files of a project by path, or those of a holder who is challenged.
    """
    files = {JOB: job.model_dump_json().encode()}
    files |= {PROJECT + path: content for path, content in project.items()}
    files |= {SUBMISSION + f.path: f.data for f in submission.files}
    for folder in data:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder.parent).as_posix()
            files[DATA + name] = path.read_bytes()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o600
            tar.addfile(member, io.BytesIO(files[name]))
    return buffer.getvalue()


def project_in(request: bytes) -> dict[str, bytes]:
    """Return the files of the project, or of the holder, in a request, by path."""
    found = _files(request).items()
    return {n.removeprefix(PROJECT): d for n, d in found if n.startswith(PROJECT)}


def _files(request: bytes) -> dict[str, bytes]:
    """Return everything in a request by name.

    Raises:
        ConfigError: it is not one of ours.
    """
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(request), mode="r:") as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is None or ".." in PurePosixPath(member.name).parts:
                msg = f"{member.name!r} in the request"
                raise ConfigError(msg)
            files[member.name] = stream.read()
    return files


def unpack(request: bytes, data: Path) -> tuple[Submission, ContainerJob]:
    """Return what `pack` packed; data sets are written below `data`.

    Raises:
        ConfigError: the request is not one of ours.
    """
    files = _files(request)
    try:
        job = ContainerJob.model_validate_json(files[JOB])
    except (KeyError, ValidationError) as exc:
        msg = "the request holds no job that this version understands"
        raise ConfigError(msg, hint="rebuild the image: make image") from exc
    _write_data(files, data)
    sources = tuple(
        SourceFile(path=name.removeprefix(SUBMISSION), data=content)
        for name, content in sorted(files.items())
        if name.startswith(SUBMISSION)
    )
    submission = Submission(
        label=job.label,
        student=job.student,
        digest=job.digest,
        files=sources,
        notes=job.notes,
    )
    return submission, job


def _write_data(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        if name.startswith(DATA):
            path = folder / name.removeprefix(DATA)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def report_of(answer: bytes, kinds: Iterable[type[GraderError]]) -> GradeReport:
    """Return the report in the container's answer.

    Raises:
        GraderError: of the kind that was raised inside.
        InconclusiveError: the answer is none of ours.
    """
    result = _result_of(answer)
    if result.report is not None:
        return result.report
    raise _failure_of(result, kinds)


def project_of(answer: bytes, kinds: Iterable[type[GraderError]]) -> Project:
    """Return the project in the container's answer.

    Raises:
        GraderError, InconclusiveError: as `report_of`.
    """
    result = _result_of(answer)
    if result.project is not None:
        return result.project
    raise _failure_of(result, kinds)


def session_of(answer: bytes, kinds: Iterable[type[GraderError]]) -> Session:
    """Return the session in the container's answer.

    Raises:
        GraderError, InconclusiveError: as `report_of`.
    """
    result = _result_of(answer)
    if result.session is not None:
        return result.session
    raise _failure_of(result, kinds)


def _result_of(answer: bytes) -> ContainerResult:
    try:
        return ContainerResult.model_validate_json(answer)
    except ValidationError as exc:
        msg = "the container's answer cannot be read"
        raise InconclusiveError(msg, hint="rebuild the image: make image") from exc


def _failure_of(
    result: ContainerResult, kinds: Iterable[type[GraderError]]
) -> GraderError:
    failure = result.failure or Failure(code="bug", message="no report", hint="")
    for kind in kinds:
        if kind.code == failure.code:
            return kind(f"in the container: {failure.message}", hint=failure.hint)
    msg = f"in the container: {failure.message}"
    return InconclusiveError(msg, hint=failure.hint)
