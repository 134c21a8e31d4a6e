"""Feedback that cannot be climbed: a board moves only for what is beyond doubt better.

Who may submit often could otherwise follow the chance in the public measurements up to
a value that no program has. After Blum and Hardt 2015, "The Ladder".
"""

from __future__ import annotations

from collections.abc import Sequence

from grader.compete.estimates import Estimate
from grader.compete.ranking import beats


def shown(estimates: Sequence[Estimate | None]) -> int | None:
    """Return which of an entrant's submissions the board shows.

    Args:
        estimates: of all of them, the oldest first; None where there is no value.

    Returns:
        The last one that was significantly better than the best before it; of those
        without a value none, and None where no submission has one.
    """
    best: int | None = None
    for place, estimate in enumerate(estimates):
        if estimate is None:
            continue
        holder = None if best is None else estimates[best]
        if holder is None or beats(estimate, holder):
            best = place
    return best
