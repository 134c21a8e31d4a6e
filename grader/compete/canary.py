"""The canary: the reference timed against itself, in every pair of a session.

Where the two differ, so may anything; the session is void and measured again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from grader.compete.samples import NORMAL_MAD, log_ratios
from grader.models.session import CanaryRule, Session, Void

# Until a host class has been measured (decision 28).
IDLE_THRESHOLD: Final = 0.02
LOADED_THRESHOLD: Final = 0.04
ENOUGH_SESSIONS: Final = 30
SPREADS: Final = 3.0
# Stricter than 1 % voids sessions that differ by nothing that ranks could show; a host
# that needs more than 4 % cannot tell 10 % apart and must not vote itself in.
STRICTEST, LOOSEST = 0.01, LOADED_THRESHOLD


def offset(session: Session) -> float:
    """Return ln(t_R / t_R') of the session, the median over all pairs.

    Raises:
        ValueError: the session has no pairs.
    """
    ratios = [log_ratios(launch, "canary") for launch in session.launches]
    if not any(row.size for row in ratios):
        raise ValueError("a session without pairs has no canary")
    return float(np.median(np.concatenate(ratios)))


def void(session: Session) -> Void | None:
    """Return why the session is void by its canary, or None where it is fine.

    A session without pairs, of memory alone, has no canary and is not void by it.
    """
    if not any(launch.pairs for launch in session.launches):
        return None
    off = offset(session)
    threshold = session.canary_rule.threshold
    if abs(off) <= threshold:
        return None
    detail = f"reference against itself: {off:+.2%}, allowed {threshold:.2%}"
    return Void(reason="canary", detail=detail)


def rule(offsets: Sequence[float], *, loaded: bool) -> CanaryRule:
    """Return the threshold of a host class from its earlier canaries.

    Args:
        offsets: `offset` of all earlier sessions of the class, the void ones too;
            leaving those out would tighten the threshold on and on.
        loaded: whether other work runs on the host; decides while there are few.
    """
    if len(offsets) < ENOUGH_SESSIONS:
        start = LOADED_THRESHOLD if loaded else IDLE_THRESHOLD
        return CanaryRule(
            threshold=start,
            source="loaded" if loaded else "idle",
            sessions=len(offsets),
        )
    # Around 0, not around their median: a canary that is always off is not fine.
    spread = NORMAL_MAD * float(np.median(np.abs(offsets)))
    threshold = float(np.clip(SPREADS * spread, STRICTEST, LOOSEST))
    return CanaryRule(threshold=threshold, source="measured", sessions=len(offsets))
