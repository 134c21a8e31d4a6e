"""What staff do with capstone projects: reproduce, keep, list, approve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from grader.config import data_folder, state_folder
from grader.errors import InconclusiveError, SubmissionRejectedError
from grader.grading import (
    GradeOptions,
    course_of,
    round_of,
    silent,
)
from grader.intake import open_project
from grader.intake.project import DECLARATION
from grader.models.base import Digest, Model
from grader.models.capstone import Capstone
from grader.models.project import Project
from grader.projects import ProjectJob, declare, declared_files, reproduce
from grader.records import Place, opened
from grader.sandbox import choose
from grader.store.events import ProjectApproved, ProjectRun

Talk = Callable[[str], None]


@dataclass(frozen=True)
class Reproduced:
    """A project and whose it is, as the command line or a bundle says it."""

    project: Project
    student: str


class Row(Model):
    """One stored project."""

    at: datetime
    student: str
    document: Digest
    title: str
    state: str
    approved: bool
    by: str = ""  # who said so last
    reason: str = ""


def run(source: str, options: GradeOptions, talk: Talk = silent) -> Reproduced:
    """Reproduce the project of a submission: a folder, archive or git address.

    Raises:
        SubmissionRejectedError: `capstone.toml` or the files it names are missing or
            wrong; every problem is told through `talk`.
        GraderError: something of ours is wrong.
    """
    home, course = course_of(options)
    limits = course.projects
    handed = open_project(
        source,
        lambda data: declared_files(data, limits),
        package=course.package,
        student=options.student,
    )
    declared = declare(handed.files[DECLARATION], limits)
    if not isinstance(declared, Capstone):
        for problem in declared:
            talk(str(problem))
        more = "" if len(declared) == 1 else f", and {len(declared) - 1} more to change"
        msg = f"{declared[0]}".rstrip(".") + more
        raise SubmissionRejectedError(msg, hint="entry/README.md has an example.")
    state, data = state_folder(home), options.data or data_folder(home)
    shipped = home.milestones / "data"
    job = ProjectJob(
        course=course,
        round=round_of(home, options, handed.submission),
        wall=choose(options.sandbox, secrets=(home.reference, state)),
        roots=(data, shipped) if data else (shipped,),
        progress=talk,
    )
    return Reproduced(reproduce(handed, declared, job), handed.submission.student)


def keep(done: Reproduced, place: Place) -> str:
    """Keep a project that was judged; return its digest.

    Raises:
        SubmissionRejectedError: nobody is named.
        InconclusiveError: it could not be judged, for a reason on our side.
        StoreError: it cannot be written.
    """
    if not done.student:
        msg = "whose project is it?"
        raise SubmissionRejectedError(msg, hint="name the student: --student ID")
    if done.project.inconclusive:
        msg = "the project could not be judged, for a reason on our side"
        raise InconclusiveError(msg, hint="record it again")
    with opened(place) as store:
        return store.projects.add(done.student, done.project)


def rows(place: Place) -> list[Row]:
    """Return all stored projects, oldest first, with the last word of staff on each."""
    found: dict[str, Row] = {}
    with opened(place) as store:
        events = store.events(kinds=("project", "project_approved"))
    for event in events:
        document = event.document or ""
        match event.payload:
            case ProjectRun() as ran:
                found[document] = Row(
                    at=event.at,
                    student=event.student,
                    document=document,
                    title=ran.title,
                    state=ran.state,
                    approved=False,
                )
            case ProjectApproved() as said if document in found:
                word = {
                    "approved": said.approved,
                    "by": said.by,
                    "reason": said.reason,
                }
                found[document] = Row(**(dict(found[document]) | word))
            case _:
                pass
    return list(found.values())


def approve(place: Place, wanted: str, *, approved: bool, by: str, reason: str) -> str:
    """Let a project be shown, or take that back; return its digest.

    Raises:
        UsageError: no project has a digest that begins so, or several have.
    """
    said = ProjectApproved(approved=approved, by=by, reason=reason)
    with opened(place) as store:
        return store.projects.approve(wanted, said)
