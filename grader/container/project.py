"""Reproduce a project in a container of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from grader.config import Home, load_course
from grader.container.host import Engine, answered, both, patiently, unjudged
from grader.container.request import ContainerJob, pack, project_of
from grader.errors import (
    ConfigError,
    SandboxUnavailableError,
    SubmissionRejectedError,
)
from grader.intake import Handed
from grader.models.capstone import Capstone
from grader.models.project import Project
from grader.rounds import Round


def project_in_docker(
    handed: Handed,
    declared: Capstone,
    chosen: Round,
    place: tuple[Home, Path | None],
    engine: Engine,
) -> Project:
    """Reproduce a project in a container of the staff image.

    Args:
        place: the course, and the folder of data sets that were fetched.

    Raises:
        SubmissionRejectedError: its own data are not what is declared, or it took the
            memory of the whole container.
        SandboxUnavailableError, ConfigError, InconclusiveError: as `grade_in_docker`.
    """
    return patiently(partial(_once, handed, declared, chosen, place), engine)


def _once(
    handed: Handed,
    declared: Capstone,
    chosen: Round,
    place: tuple[Home, Path | None],
    engine: Engine,
) -> Project:
    home, data = place
    submission = handed.submission
    job = ContainerJob(
        round=chosen,
        profile="quick",
        modules=(),
        milestones=(),
        label=submission.label,
        student="",
        digest=submission.digest,
        notes=submission.notes,
        project=True,
    )
    named = data / str(declared.data.set) if data and declared.data.set else None
    folders = [named] if named and named.is_dir() else []
    request = pack(submission, job, folders, handed.files)
    answer = answered(request, submission.digest, home, engine)
    if isinstance(answer, bytes):
        kinds = (ConfigError, SandboxUnavailableError, SubmissionRejectedError)
        found = project_of(answer, kinds)
        return Project(**(dict(found) | {"isolation": both(found.isolation)}))
    limits = load_course(home.course_file).limits.container
    if answer.oom and answer.doing:
        most = f"{limits.memory_bytes / 2**20:.0f} MiB"
        msg = f"the project took the memory of the whole container, {most}"
        raise SubmissionRejectedError(msg, hint="its budget is far below that")
    raise unjudged(answer, limits)
