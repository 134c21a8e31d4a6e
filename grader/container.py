"""Grading inside our container: what goes in, what comes out, on both sides.

In: one canonical tar on standard input with `job.json`, the submission's files and, for
the full profile, data sets. Out: one JSON document on standard output. No bind mounts,
so a remote engine works; the secret of the round travels in the job, never in an
argument or the environment.
"""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import ValidationError

from grader.config import Home, load_course
from grader.errors import (
    ConfigError,
    GraderError,
    InconclusiveError,
    SandboxUnavailableError,
)
from grader.image.fresh import require_current
from grader.models.base import Model, Profile
from grader.models.measure import Isolation
from grader.models.outcome import Limit, LimitExceeded
from grader.models.report import GradeReport, Measurements
from grader.models.submission import SourceFile, Submission
from grader.pipeline import Job, ended_report, grade
from grader.rounds import Round
from grader.sandbox import Wall, choose, docker
from grader.sandbox.uids import Lease

JOB: Final = "job.json"
SUBMISSION: Final = "submission/"
DATA: Final = "data/"
IMAGE: Final = "tinytorch-grader:staff"
IMAGE_VARIABLE: Final = "GRADER_IMAGE"


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


class Failure(Model):
    """An error of ours inside the container."""

    code: str
    message: str
    hint: str


class ContainerResult(Model):
    """What the container answers: a report, or why there is none."""

    report: GradeReport | None = None
    failure: Failure | None = None


def pack(submission: Submission, job: ContainerJob, data: Iterable[Path]) -> bytes:
    """Return the request as one canonical tar; `data` are folders of data sets."""
    files = {JOB: job.model_dump_json().encode()}
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


def unpack(request: bytes, data: Path) -> tuple[Submission, ContainerJob]:
    """Return what `pack` packed; data sets are written below `data`.

    Raises:
        ConfigError: the request is not one of ours.
    """
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(request), mode="r:") as tar:
        for member in tar:
            stream = tar.extractfile(member)
            if stream is None or ".." in PurePosixPath(member.name).parts:
                msg = f"{member.name!r} in the request"
                raise ConfigError(msg)
            files[member.name] = stream.read()
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


def serve(request: bytes, home: Home) -> bytes:
    """Grade one request, inside the container; return the result as JSON."""
    with tempfile.TemporaryDirectory(prefix="data-") as name:
        folder = Path(name)
        try:
            submission, wanted = unpack(request, folder)
            job = Job(
                home=home,
                course=load_course(home.course_file),
                round=wanted.round,
                profile=wanted.profile,
                wall=choose("uid", secrets=(home.reference,)),
                data=folder,
                modules=wanted.modules,
                milestones=wanted.milestones,
            )
            result = ContainerResult(report=grade(submission, job))
        except GraderError as exc:
            failure = Failure(code=exc.code, message=exc.message, hint=exc.hint)
            result = ContainerResult(failure=failure)
    return result.model_dump_json().encode()


def grade_in_docker(
    submission: Submission, job: ContainerJob, data: Path | None, home: Home
) -> GradeReport:
    """Grade one submission in a container of the staff image.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        ConfigError: the image is of another course or engine.
        InconclusiveError: the container ended for a reason of ours.
    """
    with closing(docker.connect()) as client, closing(Lease()) as lease:
        docker.remove_orphans(client)  # of gradings whose grader was killed
        image = os.environ.get(IMAGE_VARIABLE, IMAGE)
        require_current(image, client, home)
        environment = {
            "GRADER_UID_BASE": str(lease.container_base()),
            "GRADER_IMAGE_DIGEST": docker.image_id(image, client),
        }
        answer = docker.grade_in_container(
            pack(submission, job, _data_folders(job, data, home)),
            image=image,
            client=client,
            environment=environment,
        )
    if isinstance(answer, bytes):
        report = report_of(answer, (ConfigError, SandboxUnavailableError))
        return _both_walls(report)
    if answer.oom:
        return _out_of_memory(submission, job, home)
    why = "it took too long" if answer.timed_out else answer.stderr.strip()[-200:]
    msg = f"the container ended without a result: {why or answer.exit_code}"
    raise InconclusiveError(msg, hint="grade again")


def _both_walls(report: GradeReport) -> GradeReport:
    """Return the report with the container's own features beside the inner wall's."""
    inner = report.measurements.isolation
    isolation = Isolation(
        tier=inner.tier, features=docker.ISOLATION.features + inner.features
    )
    measured = dict(report.measurements) | {"isolation": isolation}
    whole = dict(report) | {"measurements": Measurements.model_validate(measured)}
    return GradeReport.model_validate(whole)


def _data_folders(job: ContainerJob, data: Path | None, home: Home) -> list[Path]:
    """Return the data sets that the milestones of a full run read."""
    if data is None or job.profile == "quick":
        return []
    milestones = load_course(home.course_file).milestones
    runs = [(m, m.profile(job.profile)) for m in milestones]
    wanted = {
        run.data
        for m, run in runs
        if run and (home.milestones / m.folder / run.script).is_file()
    }
    return [data / name for name in sorted(wanted) if (data / name).is_dir()]


def _out_of_memory(
    submission: Submission, job: ContainerJob, home: Home
) -> GradeReport:
    """Return the report of a submission that took the whole container with it.

    The kernel's own counter is the evidence: a memory verdict, never a free retry.
    """
    course = load_course(home.course_file)
    limit = f"{docker.ContainerLimits().memory_bytes / 2**20:.0f} MiB"
    outcome = LimitExceeded(
        which=Limit.MEMORY, limit=limit, where="in the whole container"
    )
    wall = Wall(docker.ISOLATION, bubblewrap=False, switch_uid=True, nest=False)
    wanted = Job(home, course, job.round, job.profile, wall, modules=job.modules)
    return ended_report(submission, wanted, outcome)


def report_of(answer: bytes, kinds: Iterable[type[GraderError]]) -> GradeReport:
    """Return the report in the container's answer.

    Raises:
        GraderError: of the kind that was raised inside.
        InconclusiveError: the answer is none of ours.
    """
    try:
        result = ContainerResult.model_validate_json(answer)
    except ValidationError as exc:
        msg = "the container's answer cannot be read"
        raise InconclusiveError(msg, hint="rebuild the image: make image") from exc
    if result.report is not None:
        return result.report
    failure = result.failure or Failure(code="bug", message="no report", hint="")
    for kind in kinds:
        if kind.code == failure.code:
            raise kind(f"in the container: {failure.message}", hint=failure.hint)
    msg = f"in the container: {failure.message}"
    raise InconclusiveError(msg, hint=failure.hint)
