from __future__ import annotations

import random

import pytest
from compete import made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reports.samples import module_result, perfect, todo

from grader.models.outcome import Crashed
from grader.publish.competition_models import EventEntry
from grader.publish.rules import CompetitionRules, EventRules
from publish.contest import GOOD, PLAIN, RULES, Contest, at, contest

FEEDBACK = CompetitionRules(events=PLAIN.events, kind="feedback")


def shown(rows: tuple[EventEntry, ...] | list[EventEntry]) -> list[tuple[str, str]]:
    return [(row.rank, row.name) for row in rows]


def test_who_is_faster_beyond_doubt_stands_above() -> None:
    held = contest({"slow": 0.0, "fast": 0.4, "alike": 0.4})

    assert shown([*held.rows()]) == [
        ("1= (1-2)", "Fast"),
        ("1= (1-2)", "Alike"),
        ("3", "Slow"),
    ]
    first = held.rows()[0]
    assert first.score == pytest.approx(149, abs=2)
    assert first.interval is not None
    assert first.interval.low < 149 < first.interval.high + 2
    assert first.state == "ranked"
    assert first.speed is not None


def test_nobody_hidden_is_shown_or_moves_a_rank() -> None:
    held = contest({"fast": 0.5, "slow": 0.0})
    held.ran("hidden", 0.9, code="c")
    held.shown("fast", "hidden")

    assert shown([*held.rows()]) == [("1", "Slow")]


def test_an_entry_is_the_newest_submission_with_the_old_value_in_its_history() -> None:
    held = contest({"ada": 0.4})
    held.ran("ada", 0.1, code="b", hour=2)

    (row,) = held.rows()

    assert row.submission == made.named("b")
    assert row.score == pytest.approx(110.5, abs=1)
    assert [(p.submission[-1], p.state) for p in row.history] == [
        ("b", "counts"),
        ("a", "earlier"),
    ]
    assert row.history[1].score == pytest.approx(149, abs=2)


def test_in_a_round_of_feedback_a_row_moves_only_when_it_is_better() -> None:
    held = contest({"ada": 0.2})
    held.ran("ada", 0.21, code="b", hour=2)
    assert held.rows(rules=FEEDBACK)[0].submission == made.named("a")

    held.ran("ada", 0.5, code="c", hour=3)
    (row,) = held.rows(rules=FEEDBACK)
    assert row.submission == made.named("c")

    held.ran("ada", 0.1, code="d", hour=4)
    (row,) = held.rows(rules=FEEDBACK)
    assert [p.state for p in row.history] == [
        "not better",
        "counts",
        "earlier",
        "earlier",
    ]


def test_sessions_of_an_entry_are_of_one_submission() -> None:
    held = contest({"ada": 0.4})
    held.ran("ada", 0.4, workload="mlp", code="b", hour=1)
    rules = CompetitionRules((EventRules("latency", {"cnn": 1.0, "mlp": 1.0}),))

    (row,) = held.rows(rules=rules)

    assert (row.score, row.rank, row.state) == (None, "\N{EN DASH}", "unranked")
    assert row.missing == ("speed: cnn",)
    held.ran("ada", 0.2, code="b", hour=2)
    (row,) = held.rows(rules=rules)
    assert row.score == pytest.approx(135, abs=2)


def test_a_failed_gate_is_a_zero_without_a_rank() -> None:
    held = contest({"ada": 0.4, "eve": 0.9})
    wrong = made.launches([[0.05] * 4] * 3)
    pairs = (wrong[0].pairs[0].model_copy(update={"mismatched": 1}),)
    first = wrong[0].model_copy(update={"pairs": (*pairs, *wrong[0].pairs[1:])})
    held.ran("eve", 0.9, code="e", hour=5, launches=(first, *wrong[1:]))

    ada, eve = held.rows()

    assert (ada.rank, eve.rank, eve.score, eve.state) == (
        "1",
        "\N{EN DASH}",
        0.0,
        "unranked",
    )
    assert [g.name for g in eve.gates if g.state == "failed"] == ["outputs"]


def test_a_submission_that_crashed_later_did_crash() -> None:
    held = contest({"ada": 0.4})
    held.ran("ada", 0.4, hour=3, outcome=Crashed(how="signal 11", where="secret.py"))

    (row,) = held.rows()

    assert (row.score, row.rank_number) == (0.0, None)
    assert ("run cnn", "crashed") in [(g.name, g.detail) for g in row.gates]
    assert "secret" not in row.model_dump_json()


@pytest.mark.parametrize(("attempt", "state"), [(1, "unranked"), (4, "unstable")])
def test_void_sessions_give_no_value(attempt: int, state: str) -> None:
    held = Contest()
    held.shown("ada", "alias")
    held.ran("ada", None, attempt=attempt)

    (row,) = held.rows()

    assert (row.state, row.score, row.rank_number) == (state, None, None)
    assert row.workloads[0].voids == ("canary",)
    assert row.workloads[0].speed is None


def test_a_void_session_does_not_put_out_one_that_counts() -> None:
    held = contest({"ada": 0.4})
    held.ran("ada", None, hour=2)

    assert held.rows()[0].state == "ranked"


def test_a_withdrawn_entry_leaves_a_stone_without_values() -> None:
    held = contest({"ada": 0.4, "eve": 0.9})
    held.withdrawn(held.ran("eve", 0.9, code="b", hour=3))
    held.withdrawn(
        next(
            e.document or ""
            for e in held.export().events
            if e.student == "eve" and e.document
        )
    )

    ada, eve = held.rows()

    assert (ada.rank, eve.state, eve.score, eve.workloads) == (
        "1",
        "withdrawn",
        None,
        (),
    )
    assert [p.score for p in eve.history] == [None]
    assert "secret reason" not in eve.model_dump_json()


def test_where_an_older_submission_is_left_it_counts_again() -> None:
    held = contest({"ada": 0.4})
    held.withdrawn(held.ran("ada", 0.9, code="b", hour=3))

    (row,) = held.rows()

    assert row.submission == made.named("a")
    assert [p.state for p in row.history] == ["withdrawn", "counts"]


def test_host_classes_are_boards_of_their_own() -> None:
    held = contest({"ada": 0.4, "eve": 0.2})
    session = held.session(next(iter(held._sessions)))
    conditions = session.conditions.model_copy(update={"host_class": "other-4"})
    held.held("eve", session.model_copy(update={"conditions": conditions}), "b")

    first, other = held.competition().boards

    assert (first.host_class, other.host_class) == ("other-4", "runner-2")
    assert [row.rank_number for row in first.entries] == [1]
    assert len(other.entries) == 2


@pytest.mark.parametrize(("public", "is_shown"), [(4, False), (5, True)])
def test_a_small_group_is_not_shown(public: int, is_shown: bool) -> None:
    held = contest({f"s{n}": 0.1 * n for n in range(6)})
    for number in range(6):
        held.shown(f"s{number}", "alias" if number < public else "hidden")

    board = held.only(minimum_group=5)

    assert (board.shown, len(board.entries)) == (is_shown, public if is_shown else 0)
    assert bool(held.competition(minimum_group=5).records) is is_shown


def test_a_small_group_of_named_people_is_shown() -> None:
    assert contest({"ada": 0.4, "eve": 0.2}).only(minimum_group=5).shown


def test_withdrawn_rows_do_not_make_a_group_larger() -> None:
    held = contest({f"s{n}": 0.1 * n for n in range(5)})
    for number in range(5):
        held.shown(f"s{number}", "alias")
    held.withdrawn(next(e.document or "" for e in held.export().events if e.document))

    assert not held.only(minimum_group=5).shown


def test_a_frozen_board_shows_what_was_measured_before_until_it_is_revealed() -> None:
    held = contest({"ada": 0.2})
    held.froze()
    since = held.export().events[-1].at
    late = (since - at(0)).total_seconds() / 3600 + 1
    held.ran("ada", 0.6, code="b", hour=late)
    held.shown("late", "alias")
    held.ran("late", 0.9, code="c", hour=late)

    (row,) = held.rows()
    assert (row.submission, held.only().frozen_at) == (made.named("a"), since)
    held.froze()
    assert held.only().frozen_at == since

    held.froze(frozen=False)
    assert [r.submission[-1] for r in held.rows()] == ["c", "b"]
    assert held.only().frozen_at is None


def test_freezing_does_not_stop_a_withdrawal_of_consent() -> None:
    held = contest({"ada": 0.2})
    held.froze()
    held.shown("ada", "hidden")

    assert held.competition().boards == ()


def all_events(held: Contest, student: str, code: str, speed: float, used: int) -> None:
    held.ran(student, speed, code=code)
    held.ran(student, speed, workload="mlp", code=code)
    held.took(student, used, code=code)


def test_all_round_is_computed_from_one_submission_in_all_events() -> None:
    held = Contest()
    held.shown("ada", "alias")
    held.passed_checks("ada", "a")
    held.passed_checks("ada", "b")
    all_events(held, "ada", "a", 0.4, 50)
    held.ran("ada", 0.9, code="b", hour=4)

    boards = held.competition(rules=RULES).boards

    rows = {b.event: b.entries[0] for b in boards}
    assert [b.event for b in boards] == ["latency", "memory", "all-round"]
    assert rows["latency"].score is None
    assert rows["memory"].score == pytest.approx(196, abs=2)
    assert rows["all-round"].submission == made.named("a")
    assert rows["all-round"].score == pytest.approx(
        100 * 1.4918**0.7 * 1.96**0.3, rel=0.02
    )
    assert len(rows["all-round"].workloads) == 3


def test_required_checks_must_be_judged_and_pass() -> None:
    held = Contest()
    held.shown("ada", "alias")
    all_events(held, "ada", "a", 0.4, 50)

    def gate() -> tuple[str, float | None]:
        row = held.competition(rules=RULES).boards[0].entries[0]
        return next(g.state for g in row.gates if g.name == "checks"), row.score

    assert gate() == ("undecided", None)
    broken = module_result("tensor", [todo("2.1", "x")] * 4)
    held.passed_checks("ada", "a", modules=(broken,))
    assert gate() == ("failed", 0.0)
    found = held.passed_checks("ada", "a", modules=perfect())
    assert gate()[0] == "passed"
    held.withdrawn(found)
    assert gate() == ("failed", 0.0)


def test_accuracy_below_the_floor_is_a_failed_gate() -> None:
    bad = made.quality([0.5, 0.51, 0.5, 0.49, 0.5], [0.95] * 5)
    held = contest({"ada": 0.4}, quality=bad)
    rules = CompetitionRules(
        (EventRules("latency", {"cnn": 1.0}, floors={"cnn": 0.9}),)
    )

    (row,) = held.rows(rules=rules)

    assert row.score == 0.0
    assert row.accuracy is not None
    assert row.accuracy.value == pytest.approx(0.526, abs=0.01)


def test_open_division_compares_no_outputs_and_weighs_accuracy() -> None:
    held = Contest()
    held.shown("ada", "alias")
    held.passed_checks("ada")
    pairs = made.launches([[0.05] * 4] * 3)
    blind = tuple(
        launch.model_copy(
            update={
                "pairs": tuple(
                    p.model_copy(update={"checked": 0}) for p in launch.pairs
                )
            }
        )
        for launch in pairs
    )
    for workload in ("cnn", "mlp"):
        held.ran("ada", workload=workload, division="open", launches=blind)
    held.took("ada", 50, division="open")

    rows = {b.event: b.entries[0] for b in held.competition(rules=RULES).boards}

    assert rows["latency"].score == pytest.approx(200, abs=1)
    assert rows["all-round"].score == pytest.approx(
        100 * 2**0.5 * 1.96**0.2 * (0.952 / 0.95) ** 0.3, rel=0.01
    )


def test_learning_faster_is_for_staff_alone() -> None:
    quick = made.quality([0.95] * 6, [0.95] * 6, ours=[10] * 6, theirs=[90] * 6)
    held = contest({"ada": 0.4}, quality=quick)

    assert "steps" not in held.competition().model_dump_json()
    assert "review" not in held.competition().model_dump_json()


def test_without_rules_or_sessions_there_are_no_boards() -> None:
    assert contest({"ada": 0.1}).competition(rules=CompetitionRules()).boards == ()
    assert Contest().competition().boards == ()


@pytest.fixture(scope="module")
def busy() -> Contest:
    held = contest({f"s{n}": 0.15 * (n % 4) for n in range(8)}, quality=GOOD)
    held.shown("s1", "alias")
    held.shown("s2", "hidden")
    held.ran("s3", None, hour=9, code="e", attempt=4)
    held.withdrawn(held.ran("s4", 0.5, hour=10, code="f"))
    held.duel("s7", "s3", 0.3, codes="83", hour=11)
    return held


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.randoms(use_true_random=False))
def test_the_order_of_events_and_results_changes_nothing(
    busy: Contest, rng: random.Random
) -> None:
    expected = busy.competition().model_dump_json()
    export = busy.export()
    events = [*export.events]
    rng.shuffle(events)
    mixed = export.model_copy(update={"events": tuple(events)})

    try:
        busy.export = lambda: mixed  # type: ignore[method-assign]
        assert busy.competition().model_dump_json() == expected
    finally:
        del busy.export  # type: ignore[method-assign]


def test_missing_is_never_ranked(busy: Contest) -> None:
    rows = busy.rows()

    assert all((r.rank_number is None) == (r.interval is None) for r in rows)
    assert all(r.state == "ranked" for r in rows if r.rank_number)
    ranked = [r.rank_number for r in rows if r.rank_number]
    assert ranked == sorted(ranked)
    assert all(r.rank_number is None for r in rows[len(ranked) :])


def test_ids_of_students_occur_nowhere(busy: Contest) -> None:
    for student in ("s1", "s2"):
        text = busy.competition().model_dump_json()
        assert f'"{student}"' not in text.lower()
