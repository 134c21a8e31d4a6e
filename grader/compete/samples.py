"""From the raw samples of a session to estimates of speed, memory and accuracy."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from grader.compete.estimates import (
    Estimate,
    Floats,
    mean_ratio_estimate,
    pair_estimate,
    stream,
)
from grader.models.session import Launch, Session

Clock = Literal["cpu", "wall"]
Side = Literal["student", "canary"]
# 4 MiB: pages, arenas and the interpreter's own growth differ by so much from run to
# run, and nothing that trains a network needs as little. Below it all are equal.
MEMORY_FLOOR_BYTES: Final = 4 * 2**20
OUTLIER_DEVIATIONS: Final = 5.0
# Makes the median absolute deviation of a normal sample its standard deviation.
NORMAL_MAD: Final = 1.4826


def log_ratios(launch: Launch, who: Side, clock: Clock = "cpu") -> Floats:
    """Return ln(t_R / t) of every pair of a launch, t that of `who`. Shapes: -> (p)."""
    name = "cpu_s" if clock == "cpu" else "wall_s"
    ours = [getattr(pair.reference, name) for pair in launch.pairs]
    theirs = [getattr(getattr(pair, who), name) for pair in launch.pairs]
    return np.log(np.array(ours, np.float64)) - np.log(np.array(theirs, np.float64))


def speed(session: Session) -> Estimate | None:
    """Return the speed-up over the reference; None where the session does not count."""
    if not session.counts or session.event == "memory":
        return None
    ratios = np.stack([log_ratios(x, "student") for x in session.launches])
    return pair_estimate(ratios, _stream(session, "speed"))


def memory(session: Session) -> Estimate | None:
    """Return how many times less memory than the reference; None if it does not count.

    Both peaks are counted above the reference's import-only peak of the same run, and
    as `MEMORY_FLOOR_BYTES` at least, so that a denominator near zero wins nothing.
    """
    if not session.counts or not session.memory:
        return None
    runs = session.memory
    base = np.array([r.import_peak_bytes for r in runs], dtype=np.float64)
    ours = np.array([r.reference_peak_bytes for r in runs]) - base
    theirs = np.array([r.student_peak_bytes for r in runs]) - base
    floor = MEMORY_FLOOR_BYTES
    ratios = np.log(np.maximum(ours, floor) / np.maximum(theirs, floor))
    return pair_estimate(ratios[:, None], _stream(session, "memory"))


def relative_accuracy(session: Session) -> Estimate | None:
    """Return mean accuracy over that of the reference; None where it has no ln."""
    student = np.array([q.student for q in session.quality], dtype=np.float64)
    reference = np.array([q.reference for q in session.quality], dtype=np.float64)
    if not session.counts or not student.size or min(*student, *reference) <= 0:
        return None
    return mean_ratio_estimate(student, reference, _stream(session, "accuracy"))


def outliers(log_ratios: Floats) -> NDArray[np.bool_]:
    """Return which pairs are far from the median; they are flagged, never removed.

    Shapes: (launches, pairs) -> (launches, pairs)
    """
    away = np.abs(log_ratios - np.median(log_ratios))
    scale = NORMAL_MAD * np.median(away)
    flagged: NDArray[np.bool_] = away > OUTLIER_DEVIATIONS * scale
    return flagged


def _stream(session: Session, what: str) -> np.random.Generator:
    names = (session.digests.submission, session.event, session.workload, what)
    return stream(session.plan.seed, *names)
