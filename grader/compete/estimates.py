"""A ratio with its uncertainty: ln of it, and bootstrap draws of that.

Two values are computed once for every entry: the estimate from all samples, and
`DRAWS` estimates from samples drawn again. Everything later works on these.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DRAWS: Final = 2000
LEVEL: Final = 0.95


@dataclass(frozen=True, eq=False)
class Estimate:
    """ln(reference / student), as one number and as bootstrap draws.

    Attributes:
        log_value: from all samples; above 0 is better than the reference.
        log_draws: shape (DRAWS,), read-only.
    """

    log_value: float
    log_draws: Floats

    @property
    def value(self) -> float:
        """The ratio itself: 2.0 is twice as good as the reference."""
        return float(np.exp(self.log_value))

    @property
    def interval(self) -> tuple[float, float]:
        """Ends of the 95 % percentile interval of the ratio."""
        tail = (1 - LEVEL) / 2
        low, high = np.exp(np.quantile(self.log_draws, [tail, 1 - tail]))
        return float(low), float(high)


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the generator of one session's bootstrap.

    `names` tell sessions apart that were given one seed: equal streams would make the
    draws of two entries depend on each other. PCG64 is named so that another default
    of numpy changes nothing.
    """
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64([seed, *words]))


def pair_estimate(log_ratios: Floats, rng: np.random.Generator) -> Estimate:
    """Return median and bootstrap draws of paired log ratios.

    A draw takes as many launches as there are, with replacement, and of each of them
    as many pairs. Which ones does not depend on the ratios, so a sample that gets
    better makes no draw worse.

    Shapes: log_ratios (launches, pairs) -> draws (DRAWS,)
    """
    launches, pairs = log_ratios.shape
    flat = log_ratios.ravel()
    launch = rng.integers(0, launches, size=(DRAWS, launches, 1))
    pair = rng.integers(0, pairs, size=(DRAWS, launches, pairs))
    chosen = (launch * pairs + pair).reshape(DRAWS, -1)
    return Estimate(float(np.median(flat)), _frozen(_medians(flat, chosen)))


def _medians(values: Floats, chosen: NDArray[np.int64]) -> Floats:
    """Return the median of each row of `values[chosen]`.

    Sorted are places of 16 bits, not values: four times as fast.
    """
    order = np.argsort(values, kind="stable")
    place = np.empty(values.size, np.uint16)
    place[order] = np.arange(values.size, dtype=np.uint16)
    rows = np.sort(place[chosen], axis=1)
    ordered, last = values[order], chosen.shape[1] - 1
    middle = ordered[rows[:, last // 2]] + ordered[rows[:, (last + 1) // 2]]
    return middle / 2


def mean_ratio_estimate(
    student: Floats, reference: Floats, rng: np.random.Generator
) -> Estimate:
    """Return ln of the ratio of two means over the same seeds: student / reference.

    Shapes: student (seeds), reference (seeds) -> draws (DRAWS,)
    """
    chosen = rng.integers(0, student.size, size=(DRAWS, student.size))
    drawn = student[chosen].mean(axis=1) / reference[chosen].mean(axis=1)
    value = float(np.log(student.mean() / reference.mean()))
    return Estimate(value, _frozen(np.log(drawn)))


def weighted(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """Return the product of powers: exp(sum of weight x ln value)."""
    value = sum(weight * part.log_value for weight, part in parts)
    draws = sum((w * part.log_draws for w, part in parts), start=np.zeros(DRAWS))
    return Estimate(float(value), _frozen(draws))


def geometric_mean(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """Return the weighted geometric mean.

    Raises:
        ValueError: there is no part, or a weight is not positive.
    """
    total = sum(weight for weight, _ in parts)
    if not parts or min(weight for weight, _ in parts) <= 0:
        raise ValueError("a weighted mean needs parts, each with a positive weight")
    return weighted([(weight / total, part) for weight, part in parts])


def _frozen(draws: Floats) -> Floats:
    draws.flags.writeable = False
    return draws
