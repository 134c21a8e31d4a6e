"""Start a container for each grading, and say what became of it."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from grader.config import Home, load_course
from grader.container.request import (
    ContainerJob,
    ContainerResult,
    pack,
    report_of,
)
from grader.errors import (
    ConfigError,
    InconclusiveError,
    SandboxUnavailableError,
)
from grader.image.fresh import require_current
from grader.models.measure import ContainerLimits, Isolation
from grader.models.outcome import Limit, LimitExceeded
from grader.models.report import GradeReport, Measurements
from grader.models.submission import Submission
from grader.pipeline import Job, ended_report
from grader.rounds import Round
from grader.sandbox import Wall, docker
from grader.sandbox.scratch import sweep_scratch
from grader.sandbox.uids import Lease

T = TypeVar("T")
SUBMISSION_LABEL: Final = "tinytorch.grader.submission"  # its digest, for operators
IMAGE: Final = "tinytorch-grader:staff"
IMAGE_VARIABLE: Final = "GRADER_IMAGE"
TRIES: Final = 3  # of a grading whose container or engine was lost
PATIENCE_S: Final = 60.0  # for an engine that was there and starts anew


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
    once = partial(_graded_once, submission, job, data, home)
    return patiently(once, engine or Engine())


def patiently(once: Callable[[Engine], T], engine: Engine) -> T:
    """Do `once`, and twice more where the container or the engine was lost.

    Raises:
        GraderError: as `once`.
    """
    for left in reversed(range(TRIES)):
        try:
            return once(engine)
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
    request = pack(submission, job, _data_folders(job, data, home))
    answer = answered(request, submission.digest, home, engine)
    if isinstance(answer, bytes):
        report = report_of(answer, (ConfigError, SandboxUnavailableError))
        return _both_walls(report)
    if answer.oom and answer.doing:
        return _out_of_memory(submission, job, home)
    raise unjudged(answer, limits)


def answered(
    request: bytes, digest: str, home: Home, engine: Engine
) -> bytes | docker.ContainerDied:
    """Return what a container of the staff image makes of a request.

    Args:
        digest: of the submission, for operators.

    Raises:
        SandboxUnavailableError, ConfigError, ContainerLostError: as `grade_in_docker`.
    """
    limits = load_course(home.course_file).limits.container
    with closing(docker.connect(engine.patience_s)) as client, closing(Lease()) as uids:
        docker.remove_orphans(client)  # of gradings whose grader was killed
        image = image_name()
        require_current(image, client, home)
        environment = {
            "GRADER_UID_BASE": str(uids.container_base()),
            "GRADER_IMAGE_DIGEST": docker.image_id(image, client),
        }
        labels = {SUBMISSION_LABEL: digest}
        return docker.grade_in_container(
            request,
            image=image,
            limits=limits,
            client=client,
            extras=docker.Extras(environment, labels, engine.progress),
        )


def image_name() -> str:
    """Return the name of the image that gradings run in."""
    return os.environ.get(IMAGE_VARIABLE, IMAGE)


def image_now(home: Home) -> str:
    """Return the digest of that image, in an engine that answers.

    Raises:
        SandboxUnavailableError: no engine answers, or it lacks the image.
        ConfigError: the image is of another course or engine.
    """
    with closing(docker.connect()) as client:
        require_current(image_name(), client, home)
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


def unjudged(died: docker.ContainerDied, limits: ContainerLimits) -> InconclusiveError:
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
    isolation = both(report.measurements.isolation)
    measured = dict(report.measurements) | {"isolation": isolation}
    whole = dict(report) | {"measurements": Measurements.model_validate(measured)}
    return GradeReport.model_validate(whole)


def both(inner: Isolation) -> Isolation:
    """Return the container's features beside those of the wall inside."""
    features = docker.ISOLATION.features + inner.features
    return Isolation(tier=inner.tier, features=features)


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
