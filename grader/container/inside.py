"""Grade one request, inside the container."""

from __future__ import annotations

import base64
import logging
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from grader.checks.recording import DamagedRecordingError, Recording, unseal
from grader.config import Home, load_course
from grader.container.request import (
    ContainerJob,
    ContainerResult,
    Failure,
    SessionJob,
    project_in,
    unpack,
)
from grader.errors import ConfigError, GraderError
from grader.intake import Handed
from grader.intake.project import DECLARATION
from grader.models.capstone import Capstone
from grader.models.session import Session
from grader.models.submission import Submission
from grader.pipeline import Job, grade, record_answers
from grader.projects import ProjectJob, declare, reproduce
from grader.sandbox import choose
from grader.sandbox.lines import Speaker

_log = logging.getLogger(__name__)
# Measures a session of a submission, against the files of a holder if there is one.
Measure = Callable[
    [Submission, Mapping[str, bytes], SessionJob, Callable[[str], None]], Session
]


def serve(request: bytes, home: Home, measure: Measure) -> bytes:
    """Grade one request, inside the container; return the result as JSON.

    Args:
        measure: what a session of the competition is measured by.
    """
    with tempfile.TemporaryDirectory(prefix="data-") as name, Speaker() as speaker:
        folder = Path(name)
        try:
            submission, wanted = unpack(request, folder)
            if wanted.session is not None:
                held, say = project_in(request), speaker.say
                session = measure(submission, held, wanted.session, say)
                return _json(ContainerResult(session=session))
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
            if wanted.project:
                result = _project(Handed(submission, project_in(request)), job)
            else:
                result = _result(submission, job, record=wanted.record)
        except GraderError as exc:
            failure = Failure(code=exc.code, message=exc.message, hint=exc.hint)
            result = ContainerResult(failure=failure)
    return _json(result)


def _json(result: ContainerResult) -> bytes:
    return result.model_dump_json().encode()


def _project(handed: Handed, job: Job) -> ContainerResult:
    """Reproduce a project; that it is declared rightly was seen outside.

    Raises:
        ConfigError: this version does not read its declaration.
    """
    declared = declare(handed.files[DECLARATION], job.course.projects)
    if not isinstance(declared, Capstone):
        msg = f"the image reads {DECLARATION} otherwise: {declared[0]}"
        raise ConfigError(msg, hint="rebuild the image: make image")
    roots = (job.data or Path(), job.home.milestones / "data")
    wanted = ProjectJob(job.course, job.round, job.wall, roots, job.progress)
    return ContainerResult(project=reproduce(handed, declared, wanted))


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
