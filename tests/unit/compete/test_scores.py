"""Gates, small-sample tests and formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compete.made import launches, pair, quality, session
from grader.compete.estimates import DRAWS, Estimate
from grader.compete.formula import (
    FORMULA,
    Parts,
    Score,
    closed_score,
    event_score,
    open_score,
)
from grader.compete.gates import (
    Gate,
    accuracy_bound,
    accuracy_gate,
    checks_gate,
    learns_faster,
    outputs_gate,
)
from grader.compete.significance import above, below, fewer, t_below
from grader.models.session import Launch, SessionPlan

laws = settings(deadline=None, max_examples=60)  # the machine is shared
GOOD = Gate(name="checks", state="passed", detail="")
BAD = Gate(name="outputs", state="failed", detail="")
OPEN = Gate(name="accuracy", state="undecided", detail="")
RATIOS = st.floats(0.01, 100)


def ratio(value: float) -> Estimate:
    return Estimate(math.log(value), np.full(DRAWS, math.log(value)))


def parts(*values: float | None) -> Parts:
    return {
        f"w{n}": (1.0, None if v is None else ratio(v)) for n, v in enumerate(values)
    }


def closed(speed: float | None, memory: float | None, *gates: Gate) -> Score:
    return closed_score(speed=parts(speed), memory=parts(memory), gates=gates)


@pytest.mark.parametrize(
    ("t", "freedom", "p"),
    [
        # Tables of Student's distribution, one-sided.
        (6.314, 1, 0.95),
        (12.706, 1, 0.975),
        (2.920, 2, 0.95),
        (9.925, 2, 0.995),
        (2.353, 3, 0.95),
        (2.132, 4, 0.95),
        (3.747, 4, 0.99),
        (2.015, 5, 0.95),
        (2.764, 10, 0.99),
        (1.697, 30, 0.95),
        (2.358, 120, 0.99),
    ],
)
def test_student_s_distribution_is_that_of_the_tables(
    t: float, freedom: int, p: float
) -> None:
    assert t_below(t, freedom) == pytest.approx(p, abs=1e-4)
    assert t_below(-t, freedom) == pytest.approx(1 - p, abs=1e-4)
    assert t_below(0.0, freedom) == 0.5


def test_the_test_of_a_mean_is_as_often_wrong_as_it_says() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(0.9, 0.01, size=(4000, 5))

    alarms = np.mean([below(row.tolist(), 0.9) < 0.05 for row in samples])

    assert alarms == pytest.approx(0.05, abs=0.012)


def test_values_without_spread_are_judged_by_themselves() -> None:
    assert (below([0.9] * 5, 0.8), below([0.9] * 5, 0.95)) == (1.0, 0.0)
    assert below([0.9] * 5, 0.9) == above([0.9] * 5, 0.9) == 0.5
    with pytest.raises(ValueError, match="two values"):
        below([0.9], 0.8)


def test_fewer_counts_all_splits() -> None:
    assert fewer([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == 1 / math.comb(10, 5)
    assert fewer([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]) == 1.0
    assert fewer([5, 5], [5, 5]) == 1.0
    with pytest.raises(ValueError, match="each side"):
        fewer([], [1.0])
    with pytest.raises(ValueError, match="each side"):
        fewer([1.0] * 15, [2.0] * 15)


def test_the_bound_is_the_floor_or_99_percent_of_the_reference() -> None:
    assert accuracy_bound(0.9, [0.8, 0.8]) == 0.9
    assert accuracy_bound(0.5, [0.8, 0.9]) == pytest.approx(0.99 * 0.85)


def state(*values: float, purpose: str, floor: float = 0.9) -> str:
    found = quality(values, [0.8] * len(values))
    return accuracy_gate(found, floor=floor, purpose=purpose).state  # type: ignore[arg-type]


def test_bad_luck_costs_no_credit() -> None:
    assert state(0.89, 0.91, 0.885, 0.902, 0.896, purpose="credit") == "passed"
    assert state(0.86, 0.87, 0.865, 0.872, 0.858, purpose="credit") == "failed"


def test_good_luck_makes_no_record() -> None:
    assert state(0.91, 0.89, 0.912, 0.908, 0.899, purpose="record") == "undecided"
    assert state(0.91, 0.9, 0.912, 0.908, 0.899, purpose="record") == "undecided"
    assert state(0.92, 0.921, 0.918, 0.922, 0.919, purpose="record") == "passed"
    assert state(0.86, 0.87, 0.865, 0.872, 0.858, purpose="record") == "failed"


def test_a_deterministic_entry_at_the_bound_has_reached_it() -> None:
    assert state(*[0.9] * 5, purpose="record") == "passed"
    assert state(*[0.9] * 5, purpose="credit") == "passed"
    assert state(*[0.8999] * 5, purpose="credit") == "failed"


@pytest.mark.parametrize("purpose", ["credit", "record"])
def test_fewer_than_five_seeds_decide_nothing(purpose: str) -> None:
    assert state(*[0.99] * 4, purpose=purpose) == "undecided"
    assert state(*[0.10] * 4, purpose=purpose) == "undecided"


@laws
@given(st.lists(st.floats(0, 1), min_size=5, max_size=8), st.floats(0.1, 1))
def test_a_record_asks_for_more_than_credit(values: list[float], floor: float) -> None:
    if state(*values, purpose="record", floor=floor) == "passed":
        assert state(*values, purpose="credit", floor=floor) == "passed"


def test_all_required_checks_must_pass() -> None:
    assert checks_gate(passed=19, required=20).state == "failed"
    assert checks_gate(passed=20, required=20).state == "passed"


def test_one_wrong_output_fails_and_none_checked_decides_nothing() -> None:
    right = session()
    one = (Launch(pairs=(pair(), pair(mismatched=1))),)
    plan = SessionPlan(launches=1, pairs=2, batch_size=1, seed=0)
    wrong = session(launches=one, plan=plan)
    unchecked = (Launch(pairs=(pair(), pair(checked=0))),)
    blind = session(launches=unchecked, plan=plan)

    assert outputs_gate([right]).state == "passed"
    assert outputs_gate([right, wrong]).state == "failed"
    assert outputs_gate([right, blind]).state == "undecided"
    assert outputs_gate([]).state == "undecided"


def test_learning_much_faster_than_the_reference_is_flagged() -> None:
    same = [0.9] * 5
    fast = quality(same, same, ours=[10, 11, 12, 13, 14], theirs=[20, 21, 22, 23, 24])
    alike = quality(same, same, ours=[10, 21, 12, 23, 14], theirs=[20, 11, 22, 13, 24])
    slow = quality(same, same, ours=[20, 21, 22, 23, 24], theirs=[10, 11, 12, 13, 14])

    assert learns_faster(fast)
    assert not learns_faster(alike)
    assert not learns_faster(slow)
    assert not learns_faster(quality(same, same))
    assert not learns_faster(fast[:4])


def test_the_reference_has_100_in_both_divisions() -> None:
    one = parts(1.0, 1.0)

    assert closed(1.0, 1.0, GOOD).total == 100.0
    both = open_score(speed=one, memory=one, accuracy=one, correctness=1.0, gates=[])
    assert both.total == 100.0
    assert both.formula == FORMULA


def test_the_closed_formula() -> None:
    found = closed_score(speed=parts(2.0, 8.0), memory=parts(3.0), gates=[GOOD])

    assert found.total == pytest.approx(100 * 4**0.7 * 3**0.3)
    assert found.interval == pytest.approx((found.total, found.total))
    assert found.missing == ()


def test_the_open_formula() -> None:
    found = open_score(
        speed=parts(4.0),
        memory=parts(2.0),
        accuracy=parts(0.9),
        correctness=0.5,
        gates=[GOOD],
    )

    assert found.total == pytest.approx(100 * 0.5 * 4**0.5 * 2**0.2 * 0.9**0.3)


def test_an_event_is_the_mean_of_its_workloads() -> None:
    assert event_score("speed", parts(2.0, 8.0), [GOOD]).total == pytest.approx(400)


def test_a_failed_gate_is_zero_whatever_the_speed() -> None:
    found = closed(1000.0, 1000.0, GOOD, BAD)

    assert (found.total, found.estimate, found.interval) == (0.0, None, None)


def test_an_undecided_gate_is_no_score_and_says_so() -> None:
    found = closed(2.0, 2.0, OPEN)

    assert (found.total, found.estimate) == (None, None)
    assert found.missing == ("gate: accuracy",)
    assert closed(2.0, 2.0, OPEN, BAD).total == 0.0


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (closed(None, 2.0), ("speed: w0",)),
        (closed(2.0, None), ("memory: w0",)),
        (closed_score(speed={}, memory=parts(1.0), gates=[]), ("speed",)),
        (event_score("speed", parts(1.0, None), []), ("speed: w1",)),
        (
            open_score(
                speed=parts(1.0),
                memory=parts(1.0),
                accuracy=parts(1.0),
                correctness=None,
                gates=[],
            ),
            ("correctness",),
        ),
    ],
    ids=["speed", "memory", "no workload", "one workload", "correctness"],
)
def test_what_is_missing_is_named_and_gives_no_score(
    found: Score, missing: tuple[str, ...]
) -> None:
    assert (found.total, found.estimate) == (None, None)
    assert found.missing == missing


def test_no_correct_check_is_zero_and_more_than_all_is_an_error() -> None:
    one = parts(1.0)

    none = open_score(speed=one, memory=one, accuracy=one, correctness=0.0, gates=[])

    assert none.total == 0.0
    assert none.estimate is None
    with pytest.raises(ValueError, match="share"):
        open_score(speed=one, memory=one, accuracy=one, correctness=1.1, gates=[])


@laws
@given(RATIOS, RATIOS, st.floats(1, 10))
def test_better_parts_never_lower_the_score(
    speed: float, memory: float, gain: float
) -> None:
    before = closed(speed, memory, GOOD).total or 0.0

    for after in (closed(speed * gain, memory), closed(speed, memory * gain)):
        assert (after.total or 0.0) >= before * (1 - 1e-12)


@laws
@given(st.floats(0.1, 10), st.lists(RATIOS, min_size=1, max_size=4))
def test_a_faster_reference_moves_all_scores_alike(
    factor: float, speeds: list[float]
) -> None:
    """Ranks do not depend on how good the reference is."""
    before = [closed(s, 1.0).total or 0.0 for s in speeds]
    after = [closed(s / factor, 1.0).total or 0.0 for s in speeds]

    assert after == pytest.approx([b / factor**0.7 for b in before])


def test_uncertainty_goes_through_the_formula() -> None:
    rng = np.random.default_rng(0)
    shaky = Estimate(0.0, rng.normal(0, 0.1, size=DRAWS))
    found = closed_score(speed={"cnn": (1.0, shaky)}, memory=parts(1.0), gates=[GOOD])

    assert found.interval is not None
    low, high = np.log(np.array(found.interval) / 100)
    assert low == pytest.approx(-1.96 * 0.07, abs=0.01)
    assert high == pytest.approx(1.96 * 0.07, abs=0.01)


def test_one_wrong_output_in_a_whole_session_is_a_zero() -> None:
    rows = launches([[0.01] * 3] * 2)
    wrong = Launch(pairs=(*rows[1].pairs[:2], pair(student=0.01, mismatched=1)))
    gate = outputs_gate([session(launches=(rows[0], wrong))])

    assert event_score("speed", parts(10.0), [gate]).total == 0.0
