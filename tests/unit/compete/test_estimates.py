"""From samples to estimates."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compete.made import MIB, launches, memory_session, named, quality, session
from grader.compete.canary import IDLE_THRESHOLD, LOADED_THRESHOLD, offset, rule, void
from grader.compete.estimates import (
    DRAWS,
    Estimate,
    geometric_mean,
    pair_estimate,
    stream,
)
from grader.compete.samples import (
    MEMORY_FLOOR_BYTES,
    log_ratios,
    memory,
    outliers,
    relative_accuracy,
    speed,
)
from grader.models.outcome import Crashed
from grader.models.session import CanaryRule, Session, SessionDigests, Void

laws = settings(deadline=None, max_examples=25)  # the machine is shared
SECONDS = st.floats(0.001, 10)


@st.composite
def timed(draw: st.DrawFn) -> tuple[list[list[float]], list[list[float]]]:
    """Draw CPU seconds of student and reference."""
    size, count = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    row = st.lists(SECONDS, min_size=size, max_size=size)
    rows = st.lists(row, min_size=count, max_size=count)
    return draw(rows), draw(rows)


def measured(made: Session) -> Estimate:
    found = speed(made)
    assert found is not None
    return found


def test_a_draw_is_the_median_of_launches_and_their_pairs_drawn_again() -> None:
    ratios = np.random.default_rng(0).normal(size=(3, 4))
    found = pair_estimate(ratios, stream(5, "a"))

    rng = stream(5, "a")
    which = rng.integers(0, 3, size=(DRAWS, 3, 1))
    pairs = rng.integers(0, 4, size=(DRAWS, 3, 4))
    by_hand = [
        np.median(
            [ratios[a, b] for a, row in zip(w[:, 0], p, strict=True) for b in row]
        )
        for w, p in zip(which, pairs, strict=True)
    ]

    assert found.log_value == np.median(ratios)
    assert np.array_equal(found.log_draws, by_hand)


def test_twice_as_fast_is_two() -> None:
    found = measured(session(launches=launches(np.full((4, 10), 0.05))))

    assert found.value == pytest.approx(2.0, rel=1e-12)
    assert found.interval == pytest.approx((2.0, 2.0), rel=1e-12)


def test_one_wild_sample_moves_nothing() -> None:
    seconds = np.full((4, 10), 0.1)
    seconds[2, 3] = 30.0

    assert measured(session(launches=launches(seconds))).value == pytest.approx(1.0)


def test_a_process_that_is_off_shows_in_the_interval() -> None:
    """Forty pairs of four processes are four independent looks, not forty."""
    rng = np.random.default_rng(0)
    noise = np.exp(rng.normal(0, 0.001, size=(4, 10)))
    by_process = noise * np.exp([[0.03], [-0.03], [0.02], [-0.02]])
    mixed = rng.permuted(by_process.ravel()).reshape(4, 10)

    def width(seconds: np.ndarray) -> float:
        low, high = measured(session(launches=launches(0.1 * seconds))).interval
        return math.log(high / low)

    assert width(by_process) > 1.3 * width(mixed)


@laws
@given(timed(), st.floats(0.01, 100))
def test_a_faster_host_changes_nothing(
    times: tuple[list[list[float]], list[list[float]]], factor: float
) -> None:
    student, reference = map(np.array, times)

    here = measured(session(launches=launches(student, reference)))
    there = measured(session(launches=launches(student * factor, reference * factor)))

    assert np.allclose(here.log_draws, there.log_draws, atol=1e-12, rtol=0)
    assert math.isclose(here.log_value, there.log_value, abs_tol=1e-12)


@laws
@given(timed(), st.data())
def test_faster_samples_make_no_draw_worse(
    times: tuple[list[list[float]], list[list[float]]], data: st.DataObject
) -> None:
    student, reference = map(np.array, times)
    shares = st.lists(st.floats(0.5, 1), min_size=student.size, max_size=student.size)
    faster = student * np.array(data.draw(shares)).reshape(student.shape)

    before = measured(session(launches=launches(student, reference)))
    after = measured(session(launches=launches(faster, reference)))

    assert np.all(after.log_draws >= before.log_draws)
    assert after.log_value >= before.log_value


def test_the_same_session_gives_the_same_draws_and_another_submission_others() -> None:
    seconds = np.random.default_rng(0).uniform(0.1, 0.2, size=(4, 10))
    made = session(launches=launches(seconds))
    other = SessionDigests(
        **made.digests.model_dump(exclude={"submission"}), submission=named("f")
    )

    draws = measured(made).log_draws

    assert np.array_equal(draws, measured(made).log_draws)
    elsewhere = measured(session(launches=launches(seconds), digests=other)).log_draws
    assert abs(np.corrcoef(draws, elsewhere)[0, 1]) < 0.1


def test_draws_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        measured(session()).log_draws[0] = 1.0


def test_what_does_not_count_has_no_value() -> None:
    void_ = (Void(reason="canary"),)

    assert speed(session(voids=void_)) is None
    assert speed(session(outcome=Crashed(how="signal 11"))) is None
    assert memory(memory_session((90, 60, 30), voids=void_)) is None
    assert memory(session()) is None
    assert speed(memory_session((90, 60, 30))) is None
    assert relative_accuracy(session()) is None


def test_memory_is_counted_above_the_import_of_the_reference() -> None:
    found = memory(memory_session((90, 60, 30), (92, 62, 32), (88, 58, 28)))

    assert found is not None
    assert found.value == pytest.approx(2.0)


def test_a_slim_import_cannot_divide_by_zero() -> None:
    """A package that imports less than the reference may end below the baseline."""
    floor = MEMORY_FLOOR_BYTES // MIB
    runs = [(30 + 10 * floor, student, 30) for student in (29, 30, 30 + floor)]

    found = [memory(memory_session(*([run] * 3))) for run in runs]

    assert [f and f.value for f in found] == [pytest.approx(10.0)] * 3


def test_the_reference_has_a_memory_of_one_whatever_it_needs() -> None:
    for peak in (31, 34, 90):
        found = memory(memory_session(*([(peak, peak, 30)] * 3)))

        assert found is not None
        assert found.value == 1.0


def test_accuracy_is_relative_to_the_reference() -> None:
    found = relative_accuracy(session(quality=quality([0.9, 0.9], [0.6, 0.6])))

    assert found is not None
    assert found.value == pytest.approx(1.5)
    assert relative_accuracy(session(quality=quality([0.0], [0.6]))) is None


def test_a_geometric_mean_is_weighted() -> None:
    two = measured(session(launches=launches(np.full((2, 2), 0.05))))
    eight = measured(session(launches=launches(np.full((2, 2), 0.0125))))

    assert geometric_mean([(1, two), (1, eight)]).value == pytest.approx(4.0)
    assert geometric_mean([(2, two), (2, eight)]).value == pytest.approx(4.0)
    assert geometric_mean([(3, two), (1, eight)]).value == pytest.approx(2 * 2**0.5)
    for wrong in ([], [(0, two)], [(1, two), (-1, eight)]):
        with pytest.raises(ValueError, match="positive weight"):
            geometric_mean(wrong)


def test_outliers_are_flagged_and_stay() -> None:
    ratios = np.random.default_rng(0).normal(0, 0.01, size=(4, 10))
    ratios[1, 2] = 0.5

    assert np.argwhere(outliers(ratios)).tolist() == [[1, 2]]


def test_wall_time_can_be_looked_at_but_does_not_decide() -> None:
    made = session(launches=launches(np.full((1, 2), 0.05)))
    other = made.model_dump_json().replace('"wall_s":0.075', '"wall_s":0.3')
    slow = Session.model_validate_json(other)

    assert log_ratios(slow.launches[0], "student", "wall") == pytest.approx(
        math.log(0.5)
    )
    assert measured(slow).log_value == measured(made).log_value


@pytest.mark.parametrize(
    ("canary", "is_void"),
    [(0.1, False), (0.1018, False), (0.0985, False), (0.103, True), (0.097, True)],
)
def test_a_canary_that_is_off_voids(canary: float, *, is_void: bool) -> None:
    seconds = np.full((2, 3), 0.1)
    made = session(launches=launches(seconds, seconds, canary))

    found = void(made)

    assert (found is not None) == is_void
    assert offset(made) == pytest.approx(math.log(0.1 / canary))


def test_the_student_s_own_time_never_voids() -> None:
    assert void(session(launches=launches(np.full((2, 3), 5.0)))) is None


def test_a_session_without_pairs_has_no_canary() -> None:
    made = memory_session((90, 60, 30))

    assert void(made) is None
    with pytest.raises(ValueError, match="no canary"):
        offset(made)


def test_the_threshold_starts_as_decided_and_is_measured_later() -> None:
    spread = np.random.default_rng(0).normal(0, 0.005, size=1000).tolist()

    assert rule([], loaded=False) == CanaryRule(threshold=IDLE_THRESHOLD, source="idle")
    few = rule(spread[:29], loaded=True)
    assert (few.threshold, few.source) == (LOADED_THRESHOLD, "loaded")
    many = rule(spread, loaded=True)
    assert many.source == "measured"
    assert many.threshold == pytest.approx(0.015, rel=0.1)


def test_a_bad_host_cannot_vote_itself_in() -> None:
    noisy = np.random.default_rng(0).normal(0, 0.2, size=100).tolist()
    always_off = [0.03] * 100

    assert rule(noisy, loaded=False).threshold == LOADED_THRESHOLD
    assert rule(always_off, loaded=False).threshold == LOADED_THRESHOLD
    assert rule([0.0] * 100, loaded=False).threshold == 0.01
