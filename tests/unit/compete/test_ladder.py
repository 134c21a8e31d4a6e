from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.compete.estimates import Estimate, pair_estimate, stream
from grader.compete.ladder import shown
from grader.compete.ranking import beats


def measured(log_value: float, noise: float = 0.0, seed: int = 0) -> Estimate:
    ratios = np.random.default_rng(seed).normal(log_value, noise, (5, 4))
    return pair_estimate(ratios, stream(seed, str(log_value)))


def test_nothing_measured_shows_nothing() -> None:
    assert shown([]) is None
    assert shown([None, None]) is None


def test_the_first_value_is_shown_and_a_clearly_better_one() -> None:
    assert shown([None, measured(0.1)]) == 1
    assert shown([measured(0.1), measured(0.2)]) == 1
    assert shown([measured(0.1), measured(0.105)]) == 0
    assert shown([measured(0.1), measured(-0.2)]) == 0
    assert shown([measured(0.1), None]) == 0


def test_small_steps_count_together_from_the_last_one_shown() -> None:
    steps = [measured(0.015 * n) for n in range(6)]

    assert shown(steps) == 4


def test_two_hundred_tries_of_one_program_move_nothing() -> None:
    tries = [measured(0.0, noise=0.02, seed=n) for n in range(200)]

    assert max(t.log_value for t in tries) > 0.01
    assert shown(tries) == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-0.1, 0.1) | st.none(), max_size=8))
def test_what_is_shown_beats_all_that_was_shown_before(values: list[float]) -> None:
    estimates = [None if v is None else measured(v) for v in values]
    places = [shown(estimates[: n + 1]) for n in range(len(estimates))]

    moves = [p for p in dict.fromkeys(places) if p is not None]
    assert moves == sorted(moves)
    for before, after in pairwise(moves):
        one, other = estimates[after], estimates[before]
        assert one is not None
        assert other is not None
        assert beats(one, other)
