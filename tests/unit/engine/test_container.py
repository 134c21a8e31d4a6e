"""What becomes of a grading whose container ended without an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.config import Home, load_course
from grader.container.host import PATIENCE_S, Engine, grade_in_docker
from grader.container.request import ContainerJob
from grader.errors import ConfigError, InconclusiveError
from grader.image.labels import Build, labels_for
from grader.models.outcome import Blocked, Limit, LimitExceeded
from grader.models.submission import Submission
from grader.rounds import demo_round
from grader.sandbox import docker
from grader.sandbox.docker import ContainerDied

HOME = Home(Path(__file__).resolve().parents[3])
SUBMISSION = Submission(label="a", digest="sha256:" + "0" * 64, files=())


class Client:
    """An engine that is asked for nothing but the labels of its image."""

    def __init__(self, patience_s: float = 0.0) -> None:
        self.patience_s = patience_s
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


def job(milestones: tuple[str, ...] | None = ()) -> ContainerJob:
    return ContainerJob(
        round=demo_round(),
        profile="quick",
        modules=("setup",),
        milestones=milestones,
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
        "doing": "setup::test_info",
    }
    died = ContainerDied.model_validate(known | how)
    monkeypatch.setattr(docker, "grade_in_container", lambda *_, **__: died)


def test_a_container_out_of_memory_is_a_verdict_on_every_check(
    monkeypatch: pytest.MonkeyPatch, swept: list[Any]
) -> None:
    ended(monkeypatch, oom=True)

    report = grade_in_docker(SUBMISSION, job(), None, HOME)

    assert report.verdict.milestones == ()
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
        ({"timed_out": True}, "it took too long: .* 1800 s, came"),
        ({"timed_out": True}, r"\(during setup::test_info\)"),
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


@pytest.mark.parametrize("wanted", [None, ("perceptron", "systems")])
def test_milestones_of_a_container_out_of_memory_keep_their_points(
    wanted: tuple[str, ...] | None,
    monkeypatch: pytest.MonkeyPatch,
    swept: list[Any],
) -> None:
    ended(monkeypatch, oom=True)

    verdict = grade_in_docker(SUBMISSION, job(wanted), None, HOME).verdict

    course = load_course(HOME.course_file)
    there = [m for m in course.milestones if wanted is None or m.name in wanted]
    assert [(m.name, m.points, m.earned) for m in verdict.milestones] == [
        (m.name, m.points, 0.0) for m in there
    ]
    assert {type(m.outcome) for m in verdict.milestones} == {LimitExceeded}
    assert {m.outcome for m in verdict.milestones} <= {
        c.outcome for module in verdict.modules for c in module.checks
    }
    (setup,) = (m.points for m in course.modules if m.name == "setup")
    assert verdict.points == setup + sum(m.points for m in there)
    assert swept


def test_out_of_memory_before_anything_of_the_submission_ran_is_ours(
    monkeypatch: pytest.MonkeyPatch, swept: list[Any]
) -> None:
    ended(monkeypatch, oom=True, doing="")

    with pytest.raises(InconclusiveError, match="before it graded anything, at 3072"):
        grade_in_docker(SUBMISSION, job(), None, HOME)

    assert len(swept) == 1  # another try would end the same


def test_a_killed_container_is_tried_three_times(
    monkeypatch: pytest.MonkeyPatch, swept: list[Any]
) -> None:
    ended(monkeypatch, killed=True)
    said: list[str] = []

    with pytest.raises(InconclusiveError, match="somebody killed the container"):
        grade_in_docker(SUBMISSION, job(), None, HOME, Engine(progress=said.append))

    assert len(swept) == 3
    assert len(said) == 2
    assert all("once more" in text for text in said)
    # The engine may have gone with the container, and may need a minute.
    assert [client.patience_s for client in swept] == [0.0, PATIENCE_S, PATIENCE_S]


def test_an_old_image_grades_nothing(
    monkeypatch: pytest.MonkeyPatch, swept: list[Any]
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(docker, "grade_in_container", started.append)
    old = Client()
    old.labels |= {"tinytorch.grader.suites": "sha256:" + "0" * 64}
    monkeypatch.setattr(docker, "connect", lambda *_: old)

    with pytest.raises(ConfigError, match="has another suites than this host"):
        grade_in_docker(SUBMISSION, job(), None, HOME)

    assert started == []
