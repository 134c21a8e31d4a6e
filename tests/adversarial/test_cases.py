"""Every hostile submission in `cases/`, graded, and the host looked over afterwards."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet
from arena import Arena, Battle, Case, arena, cases, fight

from grader.models.outcome import LimitExceeded
from grader.reports.html import to_html
from grader.reports.terminal import to_table
from grader.sandbox.wall import bubblewrap_problem

pytestmark = pytest.mark.adversarial

MARGIN_S = 8.0  # two zygotes and pytest's collection, on a host with other work
CASES = cases()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with arena(tmp_path_factory.mktemp("course")) as made:
        yield made


def parameters() -> Iterator[ParameterSet]:
    for case in CASES:
        open_hole = pytest.mark.xfail(reason=case.hole, strict=True)
        yield pytest.param(case, id=case.name, marks=[open_hole] if case.hole else [])


@pytest.mark.parametrize("case", [*parameters()])
def test_the_attack_earns_nothing_and_leaves_nothing(
    case: Case, place: Arena, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if case.machine and platform.machine() != case.machine:
        pytest.skip(f"names system calls of {case.machine}")
    if case.needs == "bubblewrap" and bubblewrap_problem():
        pytest.skip(bubblewrap_problem())

    battle = fight(case, place, tmp_path)

    assert ran(case, battle) == ""
    assert judged(case, battle) == ""
    assert battle.host.processes == []
    assert battle.host.files == []
    assert battle.judge_mib < case.max_judge_mib
    assert battle.wall_s < case.max_wall_s + MARGIN_S
    out, err = capfd.readouterr()
    leaving = surfaces(battle) | {"stdout": out, "stderr": err}
    for surface, text in leaving.items():
        assert place.canaries.found_in(text) == [], surface
        for word in case.forbidden:
            assert not shown(word, surface, text), (surface, word)


def ran(case: Case, battle: Battle) -> str:
    """Return which proof that the attack happened is missing."""
    for marker in case.markers:
        if marker not in battle.output:
            found = [(c.outcome, c.output[:200]) for c in battle.checks]
            return f"no {marker!r} in what was printed: {found}"
    return ""


def judged(case: Case, battle: Battle) -> str:
    """Return what is wrong with points and outcomes."""
    verdict = battle.report.verdict
    expected = {"passed", "blocked"}  # blocked: its own failure is behind another's
    failed = [c.outcome for c in battle.checks if c.outcome.kind not in expected]
    if not case.min_points <= verdict.earned <= case.max_points:
        return f"{verdict.earned} points; failed: {failed}"
    for outcome in failed:
        if case.outcome and outcome.kind not in case.outcome:
            return f"{outcome}"
        wrong = isinstance(outcome, LimitExceeded) and outcome.which not in case.limit
        if case.limit and wrong:
            return f"{outcome}"
    if case.outcome and not failed:
        return "every check passed"
    for result in battle.milestones:
        if case.milestone and result.outcome.kind not in case.milestone:
            return f"{result.outcome} {result.requirements}"
        if len(result.curve) > case.max_epochs:
            return f"a learning curve of {len(result.curve)} points"
    return "" if battle.milestones or not case.milestones else "no milestone was run"


def surfaces(battle: Battle) -> dict[str, str]:
    """Return all that leaves a grading, by name."""
    return {
        "json": battle.report.model_dump_json(),
        "values": "\n".join(texts(battle.report.model_dump())),
        "html": to_html(battle.report),
        "terminal": to_table(battle.report),
    }


def texts(value: object) -> Iterator[str]:
    """Yield every text inside a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)


def shown(word: str, surface: str, text: str) -> bool:
    """Return whether `word` stands where it does harm.

    The stored report is data: only what no reader could undo is refused there.
    """
    if surface in {"json", "values"} and word.startswith(("\n", "<")):
        return False
    if surface == "html" and word.startswith("\n"):
        return False
    return word in text
