"""What `grader compete` prints and with which code it ends, on sessions made here."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from compete.made import launches, memory_session, quality, session
from grader import competing
from grader.cli.main import cli
from grader.competing.commands import summary
from grader.models.course import Workload
from grader.models.outcome import Mismatch
from grader.models.session import Session, Void

WORKLOAD = Workload(name="cnn", script="s", needs=(), tolerance=0.1, floor=0.95)
FAST = launches([[0.05, 0.051, 0.049]] * 2)
WRONG = Mismatch(
    what="value",
    call="one timed answer",
    expected="[1, 2, ...]",
    got="[1, 3, ...]\x1b[31m   (3 of 9 rows differ)",
    hint="answers may differ by 0.0001 of the largest number in a row",
)
INTERRUPTED = Void(reason="interrupted")
CANARY = Void(reason="canary", detail="reference against itself: -5.00%")


def ran(monkeypatch: pytest.MonkeyPatch, *made: Session, form: str = "table") -> Result:
    asked: list[Any] = []

    def measured(source: str, options: Any, _: Any) -> Any:
        asked.append((source, options))
        return [summary(WORKLOAD, made)]

    monkeypatch.setattr(competing, "run", measured)
    arguments = ["run", "there", "--event", "latency", "--quick", "--format", form]
    done = CliRunner().invoke(cli, ["compete", *arguments])
    ((source, options),) = asked
    assert source == "there"
    assert (options.launches, options.pairs, options.requeues) == (2, 2, 0)
    return done


def test_a_session_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    done = ran(
        monkeypatch, session(launches=FAST, quality=quality([0.97] * 6, [0.97] * 6))
    )

    assert done.exit_code == 0
    assert "2.000" in done.stdout
    assert "+0.00%" in done.stdout
    assert "counts" in done.stdout
    assert "no basis for a rank" in done.stderr


def test_the_open_division_is_asked_for_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    made = session(
        division="open",
        event="training",
        launches=launches([[0.05]] * 16),
        quality=quality([0.97] * 16, [0.97] * 16),
    )

    def measured(_: str, options: Any, __: Any) -> Any:
        asked.append(options.division)
        return [summary(WORKLOAD, [made], notes=("data in source, look at it: x",))]

    monkeypatch.setattr(competing, "run", measured)
    done = CliRunner().invoke(cli, ["compete", "run", "there", "--division", "open"])

    assert asked == ["open"]
    assert done.exit_code == 0
    assert "open division: 16 launches of 1 pair," in done.stdout
    assert "look at it: x" in done.stdout
    assert "outputs" not in done.stdout  # a model of one's own has none to be equal
    assert "passed" in done.stdout


def test_memory_has_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    done = ran(monkeypatch, memory_session((100, 60, 20)))

    assert done.exit_code == 0
    assert "2.000" in done.stdout


def test_wrong_answers_are_told_in_a_few_lines_and_obey_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = ran(monkeypatch, session(outcome=WRONG))

    assert done.exit_code == 1
    told = done.stdout[done.stdout.index("one timed answer") :]
    assert told.count("\n") <= 6
    assert "[1, 2, ...]" in told
    assert "\x1b" not in done.stdout
    assert "1.000" not in done.stdout  # no speed of what is wrong


def test_a_session_that_stays_void_is_unstable(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (session(attempt=n, voids=(CANARY,)) for n in (1, 2))

    done = ran(monkeypatch, first, second)

    assert done.exit_code == 5
    assert "unstable" in done.stdout
    assert "attempt 2 is void: canary: reference against itself" in done.stdout


def test_an_interruption_has_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    done = ran(monkeypatch, session(voids=(INTERRUPTED,)))

    assert done.exit_code == 130


def test_json_has_all_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    made = session(launches=FAST)

    ((one), *more) = json.loads(ran(monkeypatch, made, form="json").stdout)

    assert not more
    assert Session.model_validate_json(json.dumps(one["sessions"][0])) == made


@pytest.mark.parametrize("option", ["--launches", "--pairs", "--quick"])
def test_a_record_is_measured_as_planned(option: str) -> None:
    done = CliRunner().invoke(cli, ["compete", "record", "x", "--all", option])

    assert done.exit_code == 2
    assert "No such option" in done.stderr


@pytest.mark.parametrize("more", [[], ["--all", "--event", "latency"]])
def test_a_record_is_of_named_events_or_of_all(more: list[str]) -> None:
    done = CliRunner().invoke(cli, ["compete", "record", "x", *more])

    assert done.exit_code == 2
    assert "--all" in done.stderr


@pytest.mark.parametrize(("count", "wins"), [(2, None), (10, True)])
def test_a_look_of_few_launches_wins_nothing(count: int, wins: bool | None) -> None:
    many = launches([[0.05, 0.051, 0.049]] * count)

    made = summary(WORKLOAD, [session(kind="head-to-head", launches=many)])

    assert made.wins is wins
