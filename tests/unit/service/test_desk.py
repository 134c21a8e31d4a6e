"""What the staff's page shows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from marks.books import summary
from reports.samples import digest, module_result, report, xor
from store.arrivals import sent

from grader.batch.regrade import Change
from grader.models.outcome import Inconclusive
from grader.service.pages.desk import Known, desk, moves, reasons_in
from grader.store.jobs import State
from grader.store.received import Standing


def standing(student: str, state: State, ahead: int = 0, message: str = "") -> Standing:
    return Standing(sent(student), state, message, None, ahead)


def known(*found: Standing) -> Known:
    states: dict[State, list[Standing]] = {}
    for one in found:
        states.setdefault(one.state, []).append(one)
    counts = {state: len(those) for state, those in states.items()}
    return Known(counts, states, found, {}, {}, ())


def test_what_needs_staff_comes_first_and_alone_can_be_graded_again() -> None:
    shown = desk(
        known(
            standing("a", "waiting", 2),
            standing("b", "unclear"),
            standing("c", "failed", message="no engine"),
            standing("d", "leased"),
            standing("e", "graded"),
        )
    )

    assert [(g.title, g.again) for g in shown.groups] == [
        ("Failed", True),
        ("Inconclusive", True),
        ("Being graded", False),
        ("Waiting", False),
    ]
    assert shown.groups[0].items[0].reasons == ("no engine",)
    assert shown.groups[-1].items[0].told == "2 before it"
    assert dict(shown.counts)["graded"] == 1
    assert len(shown.recent) == 5


def test_reasons_are_told_once_with_a_few_of_their_checks() -> None:
    same = [Inconclusive(reason="no memory")] * 8
    other = xor(Inconclusive(reason="the host stopped"))
    made = report(modules=(module_result("tensor", same),), milestones=(other,))

    assert reasons_in(made) == (
        "no memory (tensor::copies, tensor::add, tensor::broadcast and 5 more)",
        "the host stopped (milestone 02)",
    )


def change(
    student: str, old: float, new: float | None, *, judged: bool = True
) -> Change:
    results = [
        None if tensor is None else summary(student, "a", {"tensor": tensor})
        for tensor in (old, new)
    ]
    if results[1] is not None and not judged:
        results[1] = summary(student, "a", {"tensor": new or 0.0}, ("tensor",))
    return Change(
        student=student,
        submission=digest(student),
        old=results[0],
        new=results[1],
        old_document=digest("old"),
        new_document=None if new is None else digest("new"),
        problem="" if results[1] else "waiting",
    )


@pytest.mark.parametrize("turn", [1, -1])
def test_who_loses_comes_first_and_who_stays_last(turn: int) -> None:
    found: Sequence[Change] = [
        change("same", 5.0, 5.0),
        change("up", 5.0, 6.5),
        change("unclear", 5.0, 5.0, judged=False),
        change("missing", 5.0, None),
        change("down", 5.0, 4.0),
        change("most", 5.0, 1.0),
    ][::turn]

    assert [(m.student, m.by) for m in moves(found)] == [
        ("most", "-4"),
        ("down", "-1"),
        ("missing", "not judged"),
        ("unclear", "not judged"),
        ("up", "+1.5"),
        ("same", "same"),
    ]
