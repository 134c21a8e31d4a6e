"""What becomes of a grading whose container ended without an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.config import Home
from grader.container import ContainerJob, grade_in_docker
from grader.errors import ConfigError, InconclusiveError
from grader.image import Build, labels_for
from grader.models.outcome import Blocked, Limit, LimitExceeded
from grader.models.submission import Submission
from grader.rounds import demo_round
from grader.sandbox import docker
from grader.sandbox.docker import ContainerDied

HOME = Home(Path(__file__).resolve().parents[3])
SUBMISSION = Submission(label="a", digest="sha256:" + "0" * 64, files=())


class Client:
    """An engine that is asked for nothing but the labels of its image."""

    def __init__(self) -> None:
        self.images = self
        self.labels = labels_for(HOME, Build())

    def get(self, _: str) -> Client:
        """Return the image."""
        return self

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def swept(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace the engine; return what was swept of earlier gradings."""
    found: list[Any] = []
    monkeypatch.setattr(docker, "connect", Client)
    monkeypatch.setattr(docker, "image_id", lambda *_: "sha256:1")
    monkeypatch.setattr(docker, "remove_orphans", found.append)
    return found


def job() -> ContainerJob:
    return ContainerJob(
        round=demo_round(),
        profile="quick",
        modules=("setup",),
        milestones=(),
        label="a",
        student="",
        digest=SUBMISSION.digest,
        notes=(),
    )


def ended(monkeypatch: pytest.MonkeyPatch, **how: Any) -> None:
    known = {
        "exit_code": 137,
        "oom": False,
        "timed_out": False,
        "stderr": "",
        "wall_s": 1.0,
    }
    died = ContainerDied.model_validate(known | how)
    monkeypatch.setattr(docker, "grade_in_container", lambda *_, **__: died)


def test_a_container_out_of_memory_is_a_verdict_on_every_check(
    monkeypatch: pytest.MonkeyPatch, swept: list[Any]
) -> None:
    ended(monkeypatch, oom=True)

    report = grade_in_docker(SUBMISSION, job(), None, HOME)

    outcomes = [c.outcome for m in report.verdict.modules for c in m.checks]
    assert len(outcomes) >= 4
    assert {type(outcome) for outcome in outcomes} <= {LimitExceeded, Blocked}
    assert isinstance(outcomes[0], LimitExceeded)
    assert outcomes[0].which is Limit.MEMORY
    assert report.verdict.earned == 0
    assert report.measurements.isolation.tier == "docker"
    assert len(swept) == 1


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"timed_out": True}, "it took too long"),
        ({"stderr": "no space left"}, "no space left"),
        ({}, "137"),
    ],
)
def test_any_other_end_is_ours(
    monkeypatch: pytest.MonkeyPatch, swept: list[Any], how: dict[str, Any], told: str
) -> None:
    ended(monkeypatch, **how)

    with pytest.raises(InconclusiveError, match=told):
        grade_in_docker(SUBMISSION, job(), None, HOME)

    assert swept


def test_an_old_image_grades_nothing(
    monkeypatch: pytest.MonkeyPatch, swept: list[Any]
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(docker, "grade_in_container", started.append)
    old = Client()
    old.labels |= {"tinytorch.grader.suites": "sha256:" + "0" * 64}
    monkeypatch.setattr(docker, "connect", lambda: old)

    with pytest.raises(ConfigError, match="has another suites than this host"):
        grade_in_docker(SUBMISSION, job(), None, HOME)

    assert started == []
