"""Exact small-sample tests: is a mean on one side of a bound, are steps fewer?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Final

import numpy as np

# 20 choose 10: still a moment's work.
MOST_SPLITS: Final = 184_756


def below(values: Sequence[float], bound: float) -> float:
    """Return p of Student's t-test that the mean of `values` is below `bound`.

    Small p: the mean is really below. Equal values have no spread: 0, 0.5 or 1.

    Raises:
        ValueError: fewer than two values.
    """
    count = len(values)
    if count < 2:
        raise ValueError("a test of a mean needs two values")
    data = np.asarray(values, dtype=np.float64)
    away, spread = float(data.mean()) - bound, float(data.std(ddof=1))
    if spread == 0.0:
        return 0.5 if away == 0 else float(away > 0)
    return t_below(away / (spread / math.sqrt(count)), count - 1)


def above(values: Sequence[float], bound: float) -> float:
    """Return p of Student's t-test that the mean of `values` is above `bound`."""
    return below([-v for v in values], -bound)


def t_below(t: float, freedom: int) -> float:
    """Return P(T <= t) of Student's distribution with whole degrees of freedom.

    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    angle = math.atan2(abs(t), math.sqrt(freedom))
    cos, odd = math.cos(angle), freedom % 2
    term = cos if odd else 1.0
    total = term if freedom > 1 else 0.0
    for step in range(2 + odd, freedom, 2):
        term *= cos * cos * (step - 1) / step
        total += term
    inside = math.sin(angle) * total
    if odd:
        inside = 2 / math.pi * (angle + inside)
    return (1 + math.copysign(inside, t)) / 2


def fewer(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return p of the exact permutation test that `ours` has the smaller mean.

    The share of all ways to split the numbers into two groups of these sizes in which
    the first group's sum is as small as that of `ours`, or smaller.

    Raises:
        ValueError: a side is empty, or there are too many ways.
    """
    both = [*ours, *theirs]
    ways = math.comb(len(both), len(ours))
    if not ours or not theirs or ways > MOST_SPLITS:
        raise ValueError("the test needs 1 to about 10 values on each side")
    bar = math.fsum(ours) + 1e-9 * max(map(abs, both))  # rounding is no difference
    sums = (math.fsum(part) for part in combinations(both, len(ours)))
    return sum(s <= bar for s in sums) / ways
