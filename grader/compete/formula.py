"""Scores: weighted geometric means of estimates, times gates. Reference = 100.

closed  T = 100 x gates x S^0.7 x M^0.3
open    T = 100 x gates x correctness x S^0.5 x M^0.2 x A^0.3
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from grader.compete.estimates import DRAWS, Estimate, geometric_mean, weighted
from grader.compete.gates import Gate

# Shown on the page; changes whenever a number of this package or its meaning does.
FORMULA: Final = "tinymlperf-1"
REFERENCE_SCORE: Final = 100.0
CLOSED_WEIGHTS: Final = {"speed": 0.7, "memory": 0.3}
OPEN_WEIGHTS: Final = {"speed": 0.5, "memory": 0.2, "accuracy": 0.3}

Parts = Mapping[str, tuple[float, Estimate | None]]  # workload -> weight, estimate


@dataclass(frozen=True, eq=False)
class Score:
    """The score of one entry in one event.

    Attributes:
        total: T; 0 where a gate failed, None where something is missing.
        interval: 95 % interval of T, where the entry can be ranked.
        estimate: T / 100 for ranking; None where the entry has no rank.
        missing: what has no value, in the order of the formula.
    """

    total: float | None
    interval: tuple[float, float] | None
    estimate: Estimate | None
    gates: tuple[Gate, ...]
    missing: tuple[str, ...]
    formula: str = FORMULA


def event_score(name: str, parts: Parts, gates: Sequence[Gate]) -> Score:
    """Return the score of a single event: the mean over its workloads, times 100."""
    mean, missing = _mean(name, parts)
    return _score([(1.0, mean)], gates, missing)


def closed_score(*, speed: Parts, memory: Parts, gates: Sequence[Gate]) -> Score:
    """Return the all-round score of the closed division."""
    means = [_mean("speed", speed), _mean("memory", memory)]
    missing = [name for _, names in means for name in names]
    weights = CLOSED_WEIGHTS.values()
    powers = [(w, mean) for w, (mean, _) in zip(weights, means, strict=True)]
    return _score(powers, gates, missing)


def open_score(
    *,
    speed: Parts,
    memory: Parts,
    accuracy: Parts,
    correctness: float | None,
    gates: Sequence[Gate],
) -> Score:
    """Return the all-round score of the open division.

    Args:
        speed: speed-ups of all workloads.
        memory: how many times less memory, of all workloads.
        accuracy: accuracy over that of the reference, of all workloads.
        correctness: share of the required checks that pass, 0 to 1.
        gates: the hard conditions.
    """
    groups = {"speed": speed, "memory": memory, "accuracy": accuracy}
    means = [_mean(name, parts) for name, parts in groups.items()]
    missing = [name for _, names in means for name in names]
    weights = OPEN_WEIGHTS.values()
    powers = [(w, mean) for w, (mean, _) in zip(weights, means, strict=True)]
    if correctness is None:
        return _score(powers, gates, ["correctness", *missing])
    if not 0 <= correctness <= 1:
        raise ValueError("correctness is a share, from 0 to 1")
    if correctness == 0:
        none = Gate(name="correctness", state="failed", detail="no check passes")
        return _score(powers, [*gates, none], missing)
    return _score([*powers, (1.0, _constant(correctness))], gates, missing)


def _mean(name: str, parts: Parts) -> tuple[Estimate | None, list[str]]:
    """Return the geometric mean of one part of the formula, and what it lacks."""
    missing = [f"{name}: {key}" for key, (_, e) in parts.items() if e is None]
    found = [(weight, e) for weight, e in parts.values() if e is not None]
    if missing or not found:
        return None, missing or [name]
    return geometric_mean(found), []


def _score(
    powers: Iterable[tuple[float, Estimate | None]],
    gates: Sequence[Gate],
    missing: Sequence[str],
) -> Score:
    """Put parts and gates together; a failed gate is a zero and never a rank."""
    undecided = [f"gate: {g.name}" for g in gates if g.state == "undecided"]
    lacking = (*missing, *undecided)
    if any(gate.state == "failed" for gate in gates):
        return Score(0.0, None, None, tuple(gates), lacking)
    parts = [(weight, part) for weight, part in powers if part is not None]
    if lacking:
        return Score(None, None, None, tuple(gates), lacking)
    product = weighted(parts)
    low, high = (REFERENCE_SCORE * end for end in product.interval)
    total = REFERENCE_SCORE * product.value
    return Score(total, (low, high), product, tuple(gates), ())


def _constant(value: float) -> Estimate:
    return Estimate(math.log(value), np.full(DRAWS, math.log(value)))
