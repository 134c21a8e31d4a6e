"""What travels into a container for a project, and what its answers mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.config import find_home
from grader.container import project as module
from grader.container.host import Engine
from grader.container.request import (
    ContainerResult,
    Failure,
    project_in,
    project_of,
    unpack,
)
from grader.errors import (
    ConfigError,
    GraderError,
    InconclusiveError,
    SubmissionRejectedError,
)
from grader.intake import Handed
from grader.models.project import Project
from grader.models.submission import SourceFile, Submission
from grader.rounds import demo_round
from grader.sandbox.docker import ContainerDied
from projects.made import A_DIGEST, capstone, project

FILES = {"capstone.toml": b"a = 1", "entry/project.py": b"x = 1"}
SOURCE = SourceFile(path="tinytorch/a.py", data=b"a = 2")
SUBMISSION = Submission(label="a", student="ada", digest=A_DIGEST, files=(SOURCE,))


def died_with(*, oom: bool) -> ContainerDied:
    return ContainerDied(
        oom=oom,
        timed_out=False,
        doing="training 1 of 5",
        exit_code=137,
        stderr="",
        wall_s=1.0,
    )


def asked(
    monkeypatch: pytest.MonkeyPatch, answer: bytes | ContainerDied
) -> tuple[list[bytes], Project]:
    """Return the requests that were made, and what became of the last."""
    requests: list[bytes] = []

    def answered(request: bytes, *_: object) -> bytes | ContainerDied:
        requests.append(request)
        return answer

    monkeypatch.setattr(module, "answered", answered)
    handed, place = Handed(SUBMISSION, FILES), (find_home(None), None)
    found = module.project_in_docker(handed, capstone(), demo_round(), place, Engine())
    return requests, found


def test_the_project_travels_beside_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = ContainerResult(project=project()).model_dump_json().encode()

    (request,), found = asked(monkeypatch, answer)

    assert project_in(request) == FILES
    submission, job = unpack(request, tmp_path)
    assert submission.files == (SOURCE,)
    assert job.project
    assert not submission.student  # nobody's name goes where the student's code runs
    assert "container" in found.isolation.features


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("submission", SubmissionRejectedError),
        ("config", ConfigError),
        ("bug", InconclusiveError),
    ],
)
def test_an_error_inside_is_the_same_outside(
    code: str, kind: type[GraderError]
) -> None:
    failure = Failure(code=code, message="y has 3 classes", hint="")
    answer = ContainerResult(failure=failure).model_dump_json().encode()

    with pytest.raises(kind, match="in the container: y has 3 classes"):
        project_of(answer, (SubmissionRejectedError, ConfigError))


def test_a_project_that_takes_all_memory_gets_no_free_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    died = died_with(oom=True)

    with pytest.raises(SubmissionRejectedError, match="memory of the whole container"):
        asked(monkeypatch, died)


def test_a_container_that_ends_without_an_answer_is_our_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InconclusiveError):
        asked(monkeypatch, died_with(oom=False))
