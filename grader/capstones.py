"""What staff do with capstone projects: reproduce, keep, list, approve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from grader.config import data_folder, state_folder
from grader.container.host import Engine
from grader.container.project import project_in_docker
from grader.errors import InconclusiveError, SubmissionRejectedError, UsageError
from grader.grading import GradeOptions, course_of, round_of, silent
from grader.intake import Handed, open_project
from grader.intake.project import DECLARATION
from grader.models.base import Digest, Model
from grader.models.capstone import Capstone
from grader.models.course import Course
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


def run(
    source: str,
    options: GradeOptions,
    talk: Talk = silent,
    tell: Talk = silent,
    *,
    named: bool = False,
) -> Reproduced:
    """Reproduce the project of a submission: a folder, archive or git address.

    Args:
        talk: is told how far it is.
        tell: is told every problem of `capstone.toml`, before the error.
        named: refuse a project of nobody, before anything is run.

    Raises:
        SubmissionRejectedError: `capstone.toml` or the files it names are missing or
            wrong.
        UsageError: nobody is named.
        GraderError: something of ours is wrong.
    """
    home, course = course_of(options)
    handed = _handed(source, course, options.student)
    student = handed.submission.student
    if named and not student:
        msg = "whose project is it?"
        raise UsageError(msg, hint="name the student: --student ID")
    declared = _declared(handed, course, tell)
    chosen = round_of(home, options, handed.submission)
    data = options.data or data_folder(home)
    if options.sandbox == "docker":
        engine = Engine(options.patience_s, talk)
        found = project_in_docker(handed, declared, chosen, (home, data), engine)
        return Reproduced(found, student)
    shipped = home.milestones / "data"
    job = ProjectJob(
        course=course,
        round=chosen,
        wall=choose(options.sandbox, secrets=(home.reference, state_folder(home))),
        roots=(data, shipped) if data else (shipped,),
        progress=talk,
    )
    return Reproduced(reproduce(handed, declared, job), student)


def _handed(source: str, course: Course, student: str) -> Handed:
    def files(data: bytes) -> dict[str, int]:
        return declared_files(data, course.projects)

    return open_project(source, files, package=course.package, student=student)


def _declared(handed: Handed, course: Course, tell: Talk) -> Capstone:
    """Return what is declared, or tell everything that is wrong with it.

    Raises:
        SubmissionRejectedError: something is.
    """
    declared = declare(handed.files[DECLARATION], course.projects)
    if isinstance(declared, Capstone):
        return declared
    for problem in declared:
        tell(str(problem))
    count = len(declared)
    many = "is one thing" if count == 1 else f"are {count} things"
    msg = f"there {many} to change in {DECLARATION}"
    hint = "entry/README.md of the template says what goes into it."
    raise SubmissionRejectedError(msg, hint=hint)


def keep(done: Reproduced, place: Place) -> str:
    """Keep a project that was judged; return its digest.

    Raises:
        InconclusiveError: it could not be judged, for a reason on our side.
        StoreError: it cannot be written.
    """
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
