"""Grading inside our container: what goes in, what comes out, on both sides.

In: one canonical tar on standard input with `job.json`, the submission's files and, for
the full profile, data sets. Out: one JSON document on standard output. No bind mounts,
so a remote engine works; the secret of the round travels in the job, never in an
argument or the environment.
"""

from __future__ import annotations

import base64
import hashlib
import io
import logging
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import ValidationError

from grader.checks.recording import DamagedRecordingError, Recording, unseal
from grader.config import Home, load_course
from grader.errors import (
    ConfigError,
    GraderError,
    InconclusiveError,
    SandboxUnavailableError,
)
from grader.image.fresh import require_current
from grader.models.base import Model, Profile
from grader.models.measure import ContainerLimits, Isolation
from grader.models.outcome import Limit, LimitExceeded
from grader.models.report import GradeReport, Measurements
from grader.models.submission import SourceFile, Submission
from grader.pipeline import Job, ended_report, grade, record_answers
from grader.rounds import Round
from grader.sandbox import Wall, choose, docker
from grader.sandbox.lines import Speaker
from grader.sandbox.scratch import sweep_scratch
from grader.sandbox.uids import Lease

JOB: Final = "job.json"
SUBMISSION: Final = "submission/"
DATA: Final = "data/"
SUBMISSION_LABEL: Final = "tinytorch.grader.submission"  # its digest, for operators
IMAGE: Final = "tinytorch-grader:staff"
IMAGE_VARIABLE: Final = "GRADER_IMAGE"
_log = logging.getLogger(__name__)
TRIES: Final = 3  # of a grading whose container or engine was lost
PATIENCE_S: Final = 60.0  # for an engine that was there and starts anew


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


class Failure(Model):
    """An error of ours inside the container."""

    code: str
    message: str
    hint: str


class ContainerResult(Model):
    """What the container answers: a report, or why there is none."""

    report: GradeReport | None = None
    answers: str = ""
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
    with tempfile.TemporaryDirectory(prefix="data-") as name, Speaker() as speaker:
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
                answers=partial(_given, wanted),
                progress=speaker.say,
            )
            result = _result(submission, job, record=wanted.record)
        except GraderError as exc:
            failure = Failure(code=exc.code, message=exc.message, hint=exc.hint)
            result = ContainerResult(failure=failure)
    return result.model_dump_json().encode()


def _given(wanted: ContainerJob, basis: bytes) -> Recording:
    """Return the recording that travelled with a job, if it was made here."""
    data = base64.b64decode(wanted.answers)
    try:
        return unseal(data, basis, wanted.round.secret) if data else {}
    except DamagedRecordingError as exc:  # of another processor, say
        _log.warning("recorded answers: %s; the oracle is asked live", exc)
        return {}


def _result(submission: Submission, job: Job, *, record: bool) -> ContainerResult:
    if not record:
        return ContainerResult(report=grade(submission, job))
    data, _ = record_answers(job)
    return ContainerResult(answers=base64.b64encode(data).decode())


def answers_name(chosen: Round) -> str:
    """Return the name of a round's recording in the image that is used now.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
    """
    with closing(docker.connect()) as client:
        image = docker.image_id(image_name(), client)
    parts = ("container", image, chosen.secret_hex)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def record_in_docker(chosen: Round) -> bytes:
    """Return the oracle's answers of a round, recorded in a container of their own.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        InconclusiveError: the container ended without them.
    """
    nothing = Submission(label="answers", digest=f"sha256:{'0' * 64}", files=())
    wanted = ContainerJob(
        round=chosen,
        profile="quick",
        modules=(),
        milestones=(),
        label=nothing.label,
        student="",
        digest=nothing.digest,
        notes=(),
        record=True,
    )
    with closing(docker.connect()) as client, closing(Lease()) as lease:
        answer = docker.grade_in_container(
            pack(nothing, wanted, ()),
            image=image_name(),
            client=client,
            extras=docker.Extras({"GRADER_UID_BASE": str(lease.container_base())}),
        )
    try:
        found = ContainerResult.model_validate_json(
            answer if isinstance(answer, bytes) else b""
        )
        return base64.b64decode(found.answers, validate=True)
    except ValueError as exc:
        msg = "the container ended without the oracle's answers"
        raise InconclusiveError(msg, hint="rebuild the image: make image") from exc


@dataclass(frozen=True)
class Engine:
    """How the engine is used.

    Attributes:
        patience_s: how long an engine that does not answer is waited for.
        progress: told what is being graded.
    """

    patience_s: float = 0.0
    progress: Callable[[str], None] = lambda _: None


def grade_in_docker(
    submission: Submission,
    job: ContainerJob,
    data: Path | None,
    home: Home,
    engine: Engine | None = None,
) -> GradeReport:
    """Grade one submission in a container of the staff image.

    A grading whose container was killed by somebody, or whose engine was lost, is
    repeated twice.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        ConfigError: the image is of another course or engine.
        InconclusiveError: the container ended for a reason of ours.
    """
    engine = engine or Engine()
    for left in reversed(range(TRIES)):
        try:
            return _graded_once(submission, job, data, home, engine)
        except docker.ContainerLostError as exc:
            if not left:
                raise
            engine.progress(f"{exc.message}; once more")
            engine = replace(engine, patience_s=max(engine.patience_s, PATIENCE_S))
    raise AssertionError  # the last try returned or raised


def _graded_once(
    submission: Submission,
    job: ContainerJob,
    data: Path | None,
    home: Home,
    engine: Engine,
) -> GradeReport:
    limits = load_course(home.course_file).limits.container
    with closing(docker.connect(engine.patience_s)) as client, closing(Lease()) as uids:
        docker.remove_orphans(client)  # of gradings whose grader was killed
        image = image_name()
        require_current(image, client, home)
        environment = {
            "GRADER_UID_BASE": str(uids.container_base()),
            "GRADER_IMAGE_DIGEST": docker.image_id(image, client),
        }
        labels = {SUBMISSION_LABEL: submission.digest}
        answer = docker.grade_in_container(
            pack(submission, job, _data_folders(job, data, home)),
            image=image,
            limits=limits,
            client=client,
            extras=docker.Extras(environment, labels, engine.progress),
        )
    if isinstance(answer, bytes):
        report = report_of(answer, (ConfigError, SandboxUnavailableError))
        return _both_walls(report)
    if answer.oom and answer.doing:
        return _out_of_memory(submission, job, home)
    raise _unjudged(answer, limits)


def image_name() -> str:
    """Return the name of the image that gradings run in."""
    return os.environ.get(IMAGE_VARIABLE, IMAGE)


def image_now() -> str:
    """Return the digest of that image, in an engine that answers.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
    """
    with closing(docker.connect()) as client:
        return docker.image_id(image_name(), client)


@contextmanager
def swept(sandbox: str) -> Iterator[None]:
    """Remove what killed gradings of this host left, before and after a batch."""
    _sweep(sandbox)
    try:
        yield
    finally:
        # Not even an engine that has gone may hide why the batch ended.
        with suppress(SandboxUnavailableError, docker.ContainerLostError):
            _sweep(sandbox)


def _sweep(sandbox: str) -> None:
    sweep_scratch()
    if sandbox == "docker":
        with closing(docker.connect()) as client:
            docker.remove_orphans(client)


def _unjudged(died: docker.ContainerDied, limits: ContainerLimits) -> InconclusiveError:
    """Say why a container ended that gave no result; each reason is ours."""
    during = f" (during {died.doing})" if died.doing else ""
    if died.killed:
        msg = f"somebody killed the container, not the grader{during}"
        return docker.ContainerLostError(msg, hint="grade again")
    if died.timed_out:
        most = f"{limits.deadline_s:g} s"
        msg = f"it took too long: the container's deadline, {most}, came{during}"
        return InconclusiveError(msg, hint="course.toml: [limits.container] deadline_s")
    if died.oom:
        most = f"{limits.memory_bytes / 2**20:.0f} MiB"
        msg = f"the container ran out of memory before it graded anything, at {most}"
        hint = "course.toml: [limits.container] memory_bytes"
        return InconclusiveError(msg, hint=hint)
    why = died.stderr.strip()[-200:] or f"exit code {died.exit_code}"
    msg = f"the container ended without a result{during}: {why}"
    return InconclusiveError(msg, hint="is the image of this version? make image")


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
    limit = f"{course.limits.container.memory_bytes / 2**20:.0f} MiB"
    outcome = LimitExceeded(
        which=Limit.MEMORY, limit=limit, where="in the whole container"
    )
    wall = Wall(docker.ISOLATION, bubblewrap=False, switch_uid=True, nest=False)
    wanted = Job(
        home=home,
        course=course,
        round=job.round,
        profile=job.profile,
        wall=wall,
        modules=job.modules,
        milestones=job.milestones,
    )
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
