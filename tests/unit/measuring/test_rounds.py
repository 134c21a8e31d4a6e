"""Rounds on sides that only pretend to work."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from grader.checks.checklib import CheckFailure
from grader.measuring.rounds import Entrants, Rounds, _size
from grader.measuring.side import Side, Timed, VoidError
from grader.measuring.tasks import Answers, Texts
from grader.models.course import Workload
from grader.sandbox import Package

WORK = Workload(name="w", script="s", needs=(), shape=(3,), tolerance=1e-3)
NONE = Package("p", (), {})


@dataclass
class Pretended:
    """A side that answers with what it was given, and says how long that took."""

    role: str
    cpu_s: float = 0.01
    between_s: float = 0.001
    wrong: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def bench(self) -> Any:
        return self

    def give(self, inputs: Any) -> None:
        self.inputs = inputs

    def answer(self) -> Any:
        return self.inputs + np.float32(1 + self.wrong)

    @contextmanager
    def ours(self) -> Any:
        with Side.ours(self):  # type: ignore[arg-type]
            yield

    def timed(self, ask: Any) -> Any:
        self.asked.append(self.role)
        return Timed(self.cpu_s, self.between_s, 2 * self.cpu_s), ask(self)


def sides(**changed: Pretended) -> dict[Any, Any]:
    known = {r: Pretended(r) for r in ("reference", "student", "canary")}
    log: list[str] = []
    found = known | changed
    for side in found.values():
        side.asked = log
    return found


def rounds(truth: Package | None = None, seed: int = 1) -> Rounds:
    wall: Any = None
    launching: Any = None
    rng = np.random.default_rng(seed)
    return Rounds(wall, Entrants(NONE, NONE, truth), Answers(WORK), launching, rng)


def test_all_parts_are_added_up() -> None:
    pair, seen = rounds().round(sides(), 20)

    assert pair.reference.cpu_s == pytest.approx(0.08)
    assert pair.student.cpu_s == pytest.approx(0.08)
    assert pair.canary.wall_s == pytest.approx(0.16)
    assert (pair.checked, pair.mismatched, seen.failure) == (20, 0, None)


def test_every_side_has_one_part_before_any_has_the_next() -> None:
    found = sides()

    pair, _ = rounds().round(found, 20)

    asked = found["student"].asked
    first = "".join(role[0].upper() for role in asked[:3])
    assert first == pair.order
    assert asked == asked[:3] * 8


def test_orders_are_drawn() -> None:
    drawn = rounds()

    orders = {drawn.round(sides(), 1)[0].order for _ in range(60)}

    assert len(orders) == 6


def test_work_between_requests_counts_beyond_the_hand_over() -> None:
    busy = Pretended("student", cpu_s=0.001, between_s=0.009)

    pair, _ = rounds().round(sides(student=busy), 20)

    assert pair.student.cpu_s == pytest.approx(8 * (0.001 + 0.009 - 0.001))


def test_a_quick_hand_over_wins_nothing() -> None:
    quick = Pretended("student", between_s=0.0)

    pair, _ = rounds().round(sides(student=quick), 20)

    assert pair.student.cpu_s == pytest.approx(pair.reference.cpu_s)


def test_a_wrong_answer_of_the_students_is_told() -> None:
    pair, seen = rounds().round(sides(student=Pretended("student", wrong=True)), 20)

    assert pair.mismatched == pair.checked == 20
    assert isinstance(seen.failure, CheckFailure)


def test_a_canary_that_answers_otherwise_is_our_fault() -> None:
    with pytest.raises(VoidError) as caught:
        rounds().round(sides(canary=Pretended("canary", wrong=True)), 4)

    assert caught.value.reason == "reference"


def test_in_a_head_to_head_both_are_held_against_the_truth() -> None:
    truth = Pretended("truth", between_s=0.002)
    holder = Pretended("reference", between_s=0.01)

    pair, _ = rounds(NONE).round(sides(truth=truth, reference=holder), 8)

    # The holder is nobody to be trusted: what it does between counts, too.
    assert pair.reference.cpu_s == pytest.approx(8 * (0.01 + 0.01 - 0.002))
    with pytest.raises(VoidError, match="reference"):
        rounds(NONE).round(
            sides(truth=truth, reference=Pretended("reference", wrong=True)), 8
        )


@pytest.mark.parametrize("each_s", [1e-5, 1e-3, 0.02, 0.5])
def test_a_batch_takes_the_reference_a_tenth_of_a_second(each_s: float) -> None:
    asked: list[int] = []

    def cost_s(size: int) -> float:
        asked.append(size)
        return each_s * size

    size = _size(cost_s)

    assert size == max(1, round(0.1 / each_s))
    assert max(asked) * each_s <= max(0.1, each_s)


def test_what_costs_nothing_cannot_be_timed() -> None:
    with pytest.raises(VoidError):
        _size(lambda _: 0.0)


def test_inputs_are_fresh() -> None:
    rng = np.random.default_rng(1)
    numbers, ids = Answers(WORK), Texts(Workload(**(WORK.model_dump() | {"ids": 5})))

    one, two = (numbers.inputs(4, rng) for _ in range(2))
    prompts = ids.inputs(50, rng)

    assert one.shape == (4, 3)
    assert one.dtype == np.uint8
    assert not np.array_equal(one, two)
    assert set(prompts.ravel()) == set(range(5))
