"""What every comparison needs: sessions with their canary, estimates, decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.compete.noise import ATTEMPTS, Design, Floats, Machine, Measured, measure
from grader.compete.estimates import Estimate, pair_estimate, stream
from grader.compete.ranking import beats

CHOSEN: Final = Design(10, 4)


def counted(
    machine: Machine, slower: Floats, design: Design, rng: np.random.Generator
) -> tuple[Measured, float, NDArray[np.bool_]]:
    """Measure, and measure again what the canary voids.

    Returns:
        the sessions; the share of the first attempts that were void; 1 where the last
        attempt was void too, so that the entry is published as unstable.
    """
    measured = measure(machine, slower, design, rng)
    void = _void(machine, measured)
    first = float(void.mean())
    for _ in range(ATTEMPTS - 1):
        again = np.flatnonzero(void)
        if again.size:
            new = measure(machine, slower[again], design, rng)
            measured.paired[again], measured.canary[again] = new.paired, new.canary
            void[again] = _void(machine, new)
    return measured, first, void


def _void(machine: Machine, measured: Measured) -> NDArray[np.bool_]:
    off = np.abs(np.median(measured.canary, axis=(1, 2)))
    void: NDArray[np.bool_] = off > machine.canary
    return void


def estimates(log_ratios: Floats, seed: int) -> list[Estimate]:
    """Return one estimate a session."""
    return [
        pair_estimate(session, stream(seed, str(number)))
        for number, session in enumerate(log_ratios)
    ]


def decided(first: Sequence[Estimate], second: Sequence[Estimate]) -> dict[str, float]:
    """Return how often the first is declared better, and the second."""
    pairs = list(zip(first, second, strict=True))
    return {
        "right": sum(beats(a, b) for a, b in pairs) / len(pairs),
        "wrong": sum(beats(b, a) for a, b in pairs) / len(pairs),
    }
