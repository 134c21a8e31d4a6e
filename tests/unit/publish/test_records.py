from __future__ import annotations

import pytest
from compete import made

from grader.publish.competition_models import Record
from grader.publish.rules import CompetitionRules, EventRules
from publish.contest import Contest, contest


def chain(held: Contest, **kwargs: object) -> list[tuple[str, float | None, bool]]:
    """Return holder, what they beat, and whether they hold it now."""
    return [
        (r.name, None if r.beaten is None else round(r.beaten), r.current)
        for r in records(held, **kwargs)
    ]


def records(held: Contest, **kwargs: object) -> tuple[Record, ...]:
    return held.competition(**kwargs).records  # type: ignore[arg-type]


@pytest.fixture
def two() -> Contest:
    """Ada's submission a has 149, Eve's b has 122."""
    return contest({"ada": 0.4, "eve": 0.2})


def test_the_first_record_is_the_best_entry(two: Contest) -> None:
    (record,) = records(two)

    assert (record.name, record.beaten, record.head_to_head) == ("Ada", None, ())
    assert record.value == pytest.approx(149, abs=2)
    assert record.current


def test_a_better_entry_alone_takes_no_record_once_there_was_a_duel(
    two: Contest,
) -> None:
    two.duel("eve", "ada", -0.2, codes="ba", hour=3)
    two.ran("eve", 0.9, code="c", hour=4)

    assert chain(two) == [("Ada", None, True)]


def test_who_beats_the_holder_takes_the_record(two: Contest) -> None:
    two.ran("eve", 0.6, code="c", hour=4)
    duel = two.duel("eve", "ada", 0.2, codes="ca", hour=5)

    first, second = records(two)

    assert (first.name, first.current, second.name) == ("Ada", False, "Eve")
    assert second.beaten == pytest.approx(first.value)
    assert second.head_to_head == (duel,)
    assert second.ratio is not None
    assert second.ratio.value == pytest.approx(1.22, abs=0.02)
    assert second.current


def test_an_entry_measured_after_the_duel_counts_too(two: Contest) -> None:
    two.duel("eve", "ada", 0.2, codes="ca", hour=5)
    two.ran("eve", 0.6, code="c", hour=6)

    assert chain(two) == [("Ada", None, False), ("Eve", 149, True)]


@pytest.mark.parametrize("ratio", [0.0, 0.015, -0.2])
def test_without_being_beaten_beyond_doubt_the_holder_keeps_it(ratio: float) -> None:
    held = contest({"ada": 0.4, "eve": 0.2})
    held.duel("eve", "ada", ratio, codes="ca", hour=5)
    held.ran("eve", 0.6, code="c", hour=6)

    assert chain(held) == [("Ada", None, True)]


def test_a_void_duel_and_one_against_another_submission_say_nothing() -> None:
    held = contest({"ada": 0.4, "eve": 0.2})
    held.ran("ada", 0.1, code="d", hour=0.5)
    held.ran("ada", 0.4, code="a", hour=0.7)
    held.duel("eve", "ada", 0.2, codes="cd", hour=5)
    held.ran("eve", 0.6, code="c", hour=6)

    assert chain(held) == [("Ada", None, True)]


def test_accuracy_must_be_beyond_doubt_for_a_record() -> None:
    unsure = made.quality([0.90, 1.0, 0.92, 0.98, 0.95], [0.95] * 5)
    held = contest({"ada": 0.2})
    held.shown("eve", "alias")
    held.ran("eve", 0.6, code="c", quality=unsure)
    rules = CompetitionRules(
        (EventRules("latency", {"cnn": 1.0}, floors={"cnn": 0.94}),)
    )

    eve, ada = held.rows(rules=rules)

    assert (eve.rank_number, ada.rank_number) == (1, 2)
    assert [name for name, _, _ in chain(held, rules=rules)] == ["Ada"]


def test_whoever_beat_somebody_hidden_takes_the_empty_place() -> None:
    held = contest({"ada": 0.4, "eve": 0.2, "max": 0.3})
    held.duel("eve", "ada", 0.2, codes="da", hour=5)
    held.ran("eve", 0.6, code="d", hour=6)
    held.shown("ada", "hidden")

    first, second = records(held)

    assert (first.name, second.name, second.beaten) == ("Max", "Eve", None)
    text = held.competition().model_dump_json()
    assert "Ada" not in text


def test_a_withdrawn_record_is_none() -> None:
    held = contest({"ada": 0.4, "eve": 0.2})
    held.withdrawn(next(e.document or "" for e in held.export().events if e.document))

    assert chain(held) == [("Eve", None, True)]


def test_an_event_of_two_workloads_needs_a_duel_in_both() -> None:
    rules = CompetitionRules((EventRules("latency", {"cnn": 1.0, "mlp": 1.0}),))
    held = contest({"ada": 0.4})
    held.ran("ada", 0.4, workload="mlp", hour=0)
    held.shown("eve", "named", "Eve")
    held.duel("eve", "ada", 0.3, codes="ba", hour=5)
    for workload in ("cnn", "mlp"):
        held.ran("eve", 0.6, code="b", workload=workload, hour=6)
    assert len(records(held, rules=rules)) == 1

    held.duel("eve", "ada", 0.3, codes="ba", hour=7, workload="mlp")

    assert chain(held, rules=rules)[-1][0] == "Eve"
    assert len(records(held, rules=rules)[-1].head_to_head) == 2


def test_a_frozen_board_freezes_its_records() -> None:
    held = contest({"ada": 0.4, "eve": 0.2})
    held.froze()
    late = 24.0 * 30
    held.duel("eve", "ada", 0.2, codes="ca", hour=late)
    held.ran("eve", 0.6, code="c", hour=late)

    assert chain(held) == [("Ada", None, True)]
    held.froze(frozen=False)
    assert [name for name, _, _ in chain(held)] == ["Ada", "Eve"]
