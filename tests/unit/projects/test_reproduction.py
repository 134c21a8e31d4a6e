"""How often a project is run, and what is run again; no sandbox is started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import pytest

from grader.config import find_home, load_course
from grader.intake import Handed
from grader.models.capstone import Budget
from grader.models.measure import Isolation, Usage
from grader.models.outcome import Crashed, Inconclusive, Limit, LimitExceeded, Outcome
from grader.models.project import ClaimNotJudged, Draw, Project
from grader.models.submission import Submission
from grader.projects import ProjectJob
from grader.projects import reproduction as module
from grader.projects.clock import host_factor
from grader.reports.project import to_card
from grader.rounds import demo_round
from grader.sandbox import Wall
from projects.made import A_DIGEST, capstone, draw

COURSE = load_course(find_home(None).course_file)
LOST = Inconclusive(reason="the sandbox ended")


class NoZygote:
    """Stands where a sandbox would."""

    restarts = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        type(self).restarts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def compile(self, _: object) -> None: ...

    def restart(self) -> None:
        type(self).restarts += 1


def reproduced(
    monkeypatch: pytest.MonkeyPatch, *outcomes: Draw | None, script: bytes = b""
) -> Project:
    """Reproduce a project whose draws end like this, in order; None: as they should."""
    left: Iterator[Draw | None] = iter(outcomes)

    def made(_: object, attempt: Any) -> Draw:
        found = next(left, None)
        if found is None:
            return draw(attempt.number, 0.9)
        return Draw(**(dict(found) | {"number": attempt.number}))

    monkeypatch.setattr(module, "Zygote", NoZygote)
    monkeypatch.setattr(module, "draw", made)
    monkeypatch.setattr(module, "host_factor", lambda: 1.0)
    wall = Wall(Isolation(tier="none"), bubblewrap=False, switch_uid=False, nest=False)
    job = ProjectJob(COURSE, demo_round(), wall, ())
    submission = Submission(label="test", digest=A_DIGEST, files=())
    handed = Handed(submission, {"capstone.toml": b"", "entry/project.py": script})
    return module.reproduce(handed, capstone(), job)


def ended(outcome: Outcome, cpu_s: float = 1.0) -> Draw:
    usage = Usage(cpu_s=cpu_s, wall_s=cpu_s, peak_rss_bytes=1)
    return draw(1, outcome=outcome, metric=None, usage=usage)  # type: ignore[arg-type]


OVER = LimitExceeded(which=Limit.CPU, limit="5 s")


@pytest.mark.parametrize(("cpu_s", "draws"), [(60.0, 5), (90.0, 3), (101.0, 1)])
def test_the_budget_decides_how_often_a_project_is_run(
    cpu_s: float, draws: int
) -> None:
    asked = capstone(budget=Budget(cpu_s=cpu_s, memory_bytes=2**20))

    assert module.draws_of(asked, COURSE) == draws


def test_what_is_our_fault_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reproduced(monkeypatch, ended(LOST), ended(LOST))

    assert NoZygote.restarts == 2
    assert [d.number for d in found.draws] == [1, 2, 3, 4, 5]
    assert not found.inconclusive


def test_what_stays_our_fault_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reproduced(monkeypatch, *[ended(LOST)] * 3)

    assert found.inconclusive
    assert isinstance(found.claim, ClaimNotJudged)
    assert "on our side" in found.claim.reason


def test_barely_over_budget_is_run_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(reproduced(monkeypatch, ended(OVER, 5.5)).draws) == 5

    twice = reproduced(monkeypatch, ended(OVER, 5.5), ended(OVER, 5.5))
    assert [d.outcome for d in twice.draws] == [OVER]

    far = reproduced(monkeypatch, ended(OVER, 5.76))
    assert [d.outcome for d in far.draws] == [OVER]


def test_a_draw_that_fails_is_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = ended(Crashed(how="exit code 0", where="in training"))

    found = reproduced(monkeypatch, None, crashed)

    assert [d.number for d in found.draws] == [1, 2]
    assert found.reproduction is None
    assert found.claim == ClaimNotJudged(reason="crashed: exit code 0, in training")


def test_an_interruption_is_not_the_submissions_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object) -> Draw:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "draw", stop)
    attempt: Any = type("Attempt", (), {"number": 2})
    zygote: Any = NoZygote()

    assert isinstance(module._tried(zygote, attempt).outcome, Inconclusive)


def test_data_in_the_script_are_noted_for_staff(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert reproduced(monkeypatch).notes == ()

    table = b"LABELS = [\n" + b"    0, 1, 2, 3, 4,\n" * 50 + b"]\n"
    noted = reproduced(monkeypatch, script=table)

    assert noted.notes == ("data in the script, look at it: entry/project.py:2",)
    assert "note       data in the script" in to_card(noted)


def test_a_host_is_never_faster_than_the_standard() -> None:
    assert 1.0 <= host_factor() < 1000
