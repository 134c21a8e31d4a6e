"""Boards of the open division, from a session to score and command."""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compete import made
from reports.samples import good, perfect

from grader.cli.compete import compete
from grader.competing.earlier import Earlier
from grader.config import find_home, load_course
from grader.models.session import Division, Session
from grader.publish.rules import CompetitionRules, competition_rules
from grader.store import Store
from publish.contest import Contest


def open_training(**kwargs: Any) -> Contest:
    """Return one person's training of her own: twice as fast, half the memory."""
    held = Contest()
    held.shown("ada", "alias")
    held.passed_checks("ada", modules=kwargs.pop("modules", perfect()))
    runs = made.memory_session((140, 90, 40)).memory
    known: dict[str, Any] = {
        "launches": made.launches([[0.05]] * 16, reference=0.1),
        "quality": made.quality([0.965] * 16, [0.97] * 16),
        "memory": runs,
    }
    session = made.session(
        event="training", workload="mlp", division="open", **(known | kwargs)
    )
    blind = session.model_dump()
    for launch in blind["launches"]:
        for pair in launch["pairs"]:
            pair["checked"] = 0
    held.held("ada", Session.model_validate(blind), "a")
    return held


def open_rules() -> CompetitionRules:
    """Return the course's own rules, with one required module."""
    course = load_course(find_home(Path(__file__).parents[3]).course_file)
    events = competition_rules(course).events
    return CompetitionRules(tuple(replace(e, required=("tensor",)) for e in events))


def test_a_training_of_ones_own_has_a_score_and_an_all_round_score() -> None:
    found = open_training().competition(rules=open_rules()).boards

    rows = {(b.division, b.event): b.entries[0] for b in found}
    assert set(rows) == {("open", "training"), ("open", "all-round")}
    training, whole = rows["open", "training"], rows["open", "all-round"]
    assert (training.state, whole.state) == ("ranked", "ranked")
    assert training.score == pytest.approx(200)
    assert training.memory is not None
    assert training.memory.value == pytest.approx(2)
    assert whole.missing == ()
    assert whole.score == pytest.approx(100 * 2**0.5 * 2**0.2 * (0.965 / 0.97) ** 0.3)


def test_an_open_training_below_the_floor_scores_nothing() -> None:
    bad = made.quality([0.9] * 16, [0.97] * 16)

    found = open_training(quality=bad).competition(rules=open_rules()).boards

    assert [b.entries[0].score for b in found] == [0.0, 0.0]


def test_in_the_open_a_failed_check_costs_its_share_of_the_all_round_score() -> None:
    held = open_training(modules=good())

    rows = {b.event: b.entries[0] for b in held.competition(rules=open_rules()).boards}

    checks = next(m for m in good() if m.name == "tensor").checks
    share = sum(check.outcome.kind == "passed" for check in checks) / len(checks)
    assert 0 < share < 1
    assert rows["training"].score == 0.0  # where all required checks are a gate
    assert rows["all-round"].score == pytest.approx(
        share * 100 * 2**0.5 * 2**0.2 * (0.965 / 0.97) ** 0.3
    )


def test_without_its_peaks_an_open_training_has_no_all_round_score() -> None:
    found = open_training(memory=()).competition(rules=open_rules()).boards

    rows = {b.event: b.entries[0] for b in found}
    assert rows["training"].score == pytest.approx(200)
    assert rows["all-round"].score is None
    assert rows["all-round"].missing == ("memory: training mlp",)


@pytest.mark.parametrize("event", ["training", "all-round"])
def test_the_command_that_measures_again_can_be_called(event: str) -> None:
    found = open_training().competition(rules=open_rules()).boards
    (command,) = [b.entries[0].reproduce for b in found if b.event == event]
    program, group, name, *arguments = command.split()

    assert (program, group, name) == ("grader", "compete", "run")
    # As below `grader`: the first to make the option of help decides for all.
    names = {"help_option_names": ["-h", "--help"]}
    asked = compete.commands["run"].make_context("run", arguments, **names)
    assert asked.params["division"] == "open"
    assert asked.params["submission"] == "SUBMISSION"


DIVISIONS: tuple[Division, ...] = ("closed", "open")


def test_canaries_of_the_other_division_say_nothing(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path)) as store:
        for division, canary in zip(DIVISIONS, (0.1, 0.2), strict=True):
            timed = made.launches([[0.1]], canary=canary)
            one = made.session(division=division, event="training", launches=timed)
            store.sessions.add("ada", one)

        found = {d: [*Earlier(store, d)("runner-2")] for d in DIVISIONS}

    assert found == {"closed": [0.0], "open": [pytest.approx(math.log(0.5))]}


def test_the_site_has_pages_of_the_open_division() -> None:
    files = {
        str(p): data for p, data in open_training().site(rules=open_rules()).items()
    }

    pages = {path for path in files if path.startswith("tinymlperf/open-")}
    assert pages == {
        "tinymlperf/open-training.html",
        "tinymlperf/open-all-round.html",
    }
    (entry,) = (data.decode() for p, data in files.items() if p.startswith("entry/"))
    assert "SUBMISSION --event training --division open" in entry
