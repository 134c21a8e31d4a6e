"""The card of a project on a terminal."""

from __future__ import annotations

import pytest

from grader.models.capstone import Metric
from grader.models.outcome import Inconclusive, Raised
from grader.models.project import (
    Claim,
    ClaimMissed,
    ClaimNotJudged,
    ClaimReported,
    ClaimReproduced,
    ClaimUnclear,
)
from grader.reports.project import claim_words, to_card
from projects.made import capstone, draw, project


def test_claimed_and_measured_stand_side_by_side() -> None:
    text = to_card(project(ClaimMissed(by=0.07)))

    assert "claimed    90.0 %\nmeasured   90.0 % (88.0 % to 92.0 %" in text
    assert "not reproduced: 7.0 % short" in text
    assert all(len(line) <= 80 for line in text.splitlines())


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        (ClaimReproduced(), "reproduced"),
        (ClaimUnclear(by=0.5), "unclear: 0.5 short"),
        (ClaimMissed(by=0.5), "not reproduced: 0.5 short"),
        (ClaimReported(), "reported by the submission"),
        (ClaimNotJudged(reason="it ended"), "not judged"),
    ],
)
def test_every_verdict_has_words(claim: Claim, said: str) -> None:
    metric = Metric(name="nats per token", claimed=2.0)

    assert claim_words(claim, metric).startswith(said)


def test_what_ended_a_draw_is_told_with_its_place() -> None:
    where = "entry/project.py:7, in train"
    outcome = Raised(error="ValueError", message="no", where=where, call="in training")
    ended = draw(2, outcome=outcome, metric=None, usage=None)  # type: ignore[arg-type]
    why = ClaimNotJudged(reason="raised")

    text = to_card(project(why, draws=(draw(1), ended), reproduction=None))

    assert "draw 2: in training\n  expected " in text
    assert f"  where    {where}" in text
    assert "measured" not in text


def test_text_of_a_stranger_is_bounded_and_harmless() -> None:
    reason = Inconclusive(reason="\x1b[2Jgone" * 100)
    shouting = capstone(title="x" * 80, summary="word " * 119, task="y" * 300)

    text = to_card(
        project(
            ClaimNotJudged(reason="no"),
            capstone=shouting,
            draws=(draw(1, outcome=reason),),
            reproduction=None,
        )
    )

    assert "\x1b" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
