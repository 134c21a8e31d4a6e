"""What runs on the workers of a cluster: the look beforehand, and one grading.

Bytes go in and JSON comes out, so that no object of ours is pickled. The worker's own
process only judges: what a submission brings runs behind the inner wall, as anywhere.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import numpy as np
from pydantic import Field

import grader
from grader import datasets
from grader.checks.suites import load_suites
from grader.config import Home, data_folder, find_home, load_course, state_folder
from grader.container.host import IMAGE, IMAGE_VARIABLE, grade_in_docker
from grader.container.request import Failure, unpack
from grader.errors import ConfigError, GraderError
from grader.models.base import Model, Profile
from grader.models.course import Course, MilestoneProfile
from grader.models.measure import Limits, Tier
from grader.models.report import GradeReport
from grader.pipeline import Job, digest_of, reference_files
from grader.pipeline import grade as run_job
from grader.sandbox import Package, Wall, Zygote, choose, docker

Inner = Literal["docker", "uid", "namespaces"]
# Of this process: a worker that dies and comes back under its address is another one.
BORN: Final = uuid.uuid4().hex


class Question(Model):
    """What the coordinator means to send here."""

    inner: Inner
    profile: Profile
    milestones: tuple[str, ...] | None


class Facts(Model):
    """What a result depends on besides the job; all must be as the coordinator's."""

    engine: str
    python: str
    numpy: str
    distributed: str
    course: str
    suites: str
    reference: str
    scripts: str
    image: str = ""  # of inner wall "docker"


class Standing(Model):
    """What a worker is and has."""

    born: str
    threads: int
    facts: Facts | None = None
    tier: Tier | None = None  # of a wall that was started
    data: dict[str, str] = Field(default_factory=dict)  # digests; empty: not there
    failure: Failure | None = None


class Errand(Model):
    """Which worker is meant, and behind which wall it grades."""

    born: str
    inner: Inner


class Answer(Model):
    """A report or why there is none; neither: another worker was meant."""

    born: str
    report: GradeReport | None = None
    failure: Failure | None = None


def look(question: bytes) -> bytes:
    """Return the `Standing` of this worker, after its wall was started once."""
    asked = Question.model_validate_json(question)
    worker = importlib.import_module("distributed").get_worker()
    threads = worker.state.nthreads
    try:
        home = find_home()
        course = load_course(home.course_file)
        facts, data = facts_of(home, course, asked), data_of(home, course, asked)
        tier = _proved(asked.inner, home)
        standing = Standing(
            born=BORN, threads=threads, facts=facts, data=data, tier=tier
        )
    except Exception as exc:  # noqa: BLE001 -- would be sent as a pickle
        standing = Standing(born=BORN, threads=threads, failure=_failure(exc))
    return standing.model_dump_json().encode()


def grade_here(errand: bytes, request: bytes) -> bytes:
    """Grade the submission in `request`, packed by `grader.container.request.pack`."""
    told = Errand.model_validate_json(errand)
    answer = Answer(born=BORN)
    if told.born == BORN:
        try:
            answer = Answer(born=BORN, report=_graded(request, told.inner))
        except Exception as exc:  # noqa: BLE001 -- would be sent as a pickle
            answer = Answer(born=BORN, failure=_failure(exc))
    return answer.model_dump_json().encode()


def _graded(request: bytes, inner: Inner) -> GradeReport:
    home = find_home()
    with tempfile.TemporaryDirectory(prefix="request-") as name:
        submission, wanted = unpack(request, Path(name))  # which holds no data sets
    data = data_folder(home)
    if inner == "docker":
        return grade_in_docker(submission, wanted, data, home)
    job = Job(
        home=home,
        course=load_course(home.course_file),
        round=wanted.round,
        profile=wanted.profile,
        wall=_wall(inner, home),
        data=data,
        modules=wanted.modules,
        milestones=wanted.milestones,
    )
    return run_job(submission, job)


def facts_of(home: Home, course: Course, asked: Question) -> Facts:
    """Return the facts of this host.

    Raises:
        GraderError: suites or reference cannot be read, or there is no image.
    """
    image = ""
    if asked.inner == "docker":
        client = docker.connect()
        try:
            name = os.environ.get(IMAGE_VARIABLE, IMAGE)
            image = docker.image_id(name, client)
        finally:
            client.close()
    return Facts(
        engine=grader.__version__,
        python=platform.python_version(),
        numpy=np.__version__,
        distributed=importlib.import_module("distributed").__version__,
        course=_digest(course.model_dump_json().encode()),
        suites=load_suites(home.suites, course).digest,
        reference=digest_of(reference_files(home.reference / course.package)),
        scripts=_digest(*(path.read_bytes() for path, _ in _runs(home, course, asked))),
        image=image,
    )


def data_of(
    home: Home, course: Course, asked: Question, named: Path | None = None
) -> dict[str, str]:
    """Return the digests of the data sets that the milestones of the job need."""
    own = named or data_folder(home)
    roots = [*([own] if own else []), home.milestones / "data"]
    size: datasets.Profile = "quick" if asked.profile == "quick" else "full"
    found = {}
    for name in sorted({run.data for _, run in _runs(home, course, asked)}):
        try:
            loaded = datasets.load(name, root=roots, profile=size, compact=True)
            found[name] = loaded.digest
        except ConfigError:
            found[name] = ""
    return found


def _runs(
    home: Home, course: Course, asked: Question
) -> Iterator[tuple[Path, MilestoneProfile]]:
    """Yield script and profile of every milestone that will be run."""
    for milestone in course.milestones:
        run = milestone.profile(asked.profile)
        if run and (asked.milestones is None or milestone.name in asked.milestones):
            path = home.milestones / milestone.folder / run.script
            if path.is_file():
                yield path, run


def _proved(inner: Inner, home: Home) -> Tier:
    """Return the kind of wall, after it was started; an image is proved by its digest.

    Raises:
        SandboxUnavailableError: it cannot start here.
    """
    if inner == "docker":
        return "docker"
    wall = _wall(inner, home)
    with Zygote(wall, Package("nothing", (), {}), memory=Limits()):
        return wall.isolation.tier


def _wall(inner: Inner, home: Home) -> Wall:
    return choose(inner, secrets=(home.reference, state_folder(home)))


def _digest(*parts: bytes) -> str:
    state = hashlib.sha256()
    for part in parts:
        state.update(f"{len(part)}\0".encode() + part)
    return f"sha256:{state.hexdigest()}"


def _failure(error: Exception) -> Failure:
    if isinstance(error, GraderError):
        return Failure(code=error.code, message=error.message, hint=error.hint)
    message = f"{type(error).__name__}: {error}"
    return Failure(code=GraderError.code, message=message, hint="")
