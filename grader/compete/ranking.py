"""Ranks that know their uncertainty.

i beats j when i is better by more than 2 % in at least 97.5 % of the bootstrap draws.
The rank of i is one more than the number of entries that beat it. Entries that nothing
tells apart share a rank, and the shown range says how far each could move.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from grader.compete.estimates import DRAWS, Estimate, Floats

# A difference of exactly 2 % does not win, whatever rounding makes of it.
MARGIN: Final = math.log(1.02) + 1e-9
CONFIDENCE: Final = 0.975
_DOUBTS: Final = DRAWS - math.ceil(CONFIDENCE * DRAWS)  # 50 draws may say otherwise
_MARKS: Final = np.arange(1, 9) * DRAWS // 8 - 1  # order statistics compared first
_BLOCK: Final = 64  # entries compared at once: 64 x 2000 draws are 1 MB

Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Standing:
    """One entry that asks for a rank.

    Attributes:
        key: names the entry; unique.
        submitted_at: aware; the earlier comes first among equals.
        estimate: None for an entry without a value, which is never ranked.
    """

    key: str
    host_class: str
    submitted_at: datetime
    estimate: Estimate | None


@dataclass(frozen=True)
class Place:
    """Where an entry stands among the entries of its host class.

    Attributes:
        rank: 1 + number of entries that beat it; None without a value.
        worst: the last place it could have: the entries it beats stand behind it.
        tied: another entry has the same rank.
    """

    key: str
    host_class: str
    rank: int | None
    worst: int | None
    tied: bool

    @property
    def shown(self) -> str:
        """The rank as people read it: "1", "3= (3-6)", or a dash."""
        if self.rank is None or self.worst is None:
            return "\N{EN DASH}"
        number = f"{self.rank}=" if self.tied else f"{self.rank}"
        if self.worst == self.rank:
            return number
        return f"{number} ({self.rank}-{self.worst})"


def beats(challenger: Estimate, holder: Estimate) -> bool:
    """Tell whether one estimate is better than another beyond doubt."""
    ahead = challenger.log_draws - holder.log_draws > MARGIN
    return bool(np.count_nonzero(ahead) >= DRAWS - _DOUBTS)


def beats_holder(head_to_head: Estimate) -> bool:
    """Tell whether a challenger beat the holder it was timed against, pair by pair."""
    ahead = head_to_head.log_draws > MARGIN
    return bool(np.count_nonzero(ahead) >= DRAWS - _DOUBTS)


def rank(standings: Iterable[Standing]) -> dict[str, tuple[Place, ...]]:
    """Return the places of every host class, in the order in which they are shown.

    Raises:
        ValueError: two entries have the same key.
    """
    classes: dict[str, list[Standing]] = defaultdict(list)
    for standing in standings:
        classes[standing.host_class].append(standing)
    keys = Counter(s.key for group in classes.values() for s in group)
    if any(count > 1 for count in keys.values()):
        raise ValueError("two entries to be ranked have the same key")
    return {name: _places(classes[name]) for name in sorted(classes)}


def _places(group: Sequence[Standing]) -> tuple[Place, ...]:
    """Rank entries of one host class; those without a value come last, unranked."""
    with_value = [(s, s.estimate) for s in group if s.estimate is not None]
    won, lost = tallies([estimate for _, estimate in with_value])
    ranks = [1 + int(n) for n in lost]
    shared = Counter(ranks)
    found: list[tuple[Standing, Place]] = []
    for (standing, _), place, wins in zip(with_value, ranks, won, strict=True):
        worst = len(with_value) - int(wins)
        tied = shared[place] > 1
        row = Place(standing.key, standing.host_class, place, worst, tied)
        found.append((standing, row))
    for standing in group:
        if standing.estimate is None:
            row = Place(standing.key, standing.host_class, None, None, tied=False)
            found.append((standing, row))
    return tuple(place for _, place in sorted(found, key=_order))


def _order(item: tuple[Standing, Place]) -> tuple[float, float, str]:
    standing, place = item
    rank = math.inf if place.rank is None else place.rank
    return (rank, standing.submitted_at.timestamp(), standing.key)


def tallies(estimates: Sequence[Estimate]) -> tuple[Counts, Counts]:
    """Return how many others each estimate beats, and how many beat it.

    Most pairs are settled by a few order statistics, with no error; only the others
    are compared draw by draw.

    Shapes: n estimates -> (n), (n)
    """
    count = len(estimates)
    won, lost = np.zeros(count, np.int64), np.zeros(count, np.int64)
    if not count:
        return won, lost
    draws = np.stack([e.log_draws for e in estimates])
    bounds = _bounds(draws)
    for i in range(count):
        clear, possible = _settled(bounds, i)
        open_ = np.flatnonzero(possible & ~clear)
        beaten = np.concatenate([np.flatnonzero(clear), _beaten(draws, i, open_)])
        won[i] = beaten.size
        lost[beaten] += 1
    return won, lost


@dataclass(frozen=True, eq=False)
class _Bounds:
    """A few order statistics of every entry's draws, side by side in memory.

    Shapes: low, high (n); own, other (8, n)
    """

    low: Floats
    high: Floats
    own: Floats
    other: Floats


def _bounds(draws: Floats) -> _Bounds:
    ordered = np.sort(draws, axis=1)
    half = _DOUBTS // 2
    return _Bounds(
        low=ordered[:, half].copy(),
        high=ordered[:, DRAWS - 1 - half].copy(),
        own=ordered[:, _MARKS].T.copy(),
        other=ordered[:, _MARKS - _DOUBTS].T.copy(),
    )


def _settled(bounds: _Bounds, i: int) -> tuple[Flags, Flags]:
    """Return whom entry `i` beats for certain, and whom it may beat.

    To beat, at most `_DOUBTS` draws may go wrong. They do not exceed that number where
    all but half of it of either side are apart. And among the k worst draws of `i` all
    but that number must lie above a draw of the other, so that the other has as many
    draws below: k - `_DOUBTS` of them.

    Shapes: -> (n), (n)
    """
    clear: Flags = bounds.low[i] - bounds.high > MARGIN
    possible: Flags = np.ones(bounds.low.size, np.bool_)
    for own, other in zip(bounds.own, bounds.other, strict=True):
        possible &= own[i] - other > MARGIN
    return clear, possible


def _beaten(draws: Floats, i: int, others: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return which of `others` entry `i` beats. Shapes: (n, DRAWS), (k) -> (m)."""
    blocks = [others[n : n + _BLOCK] for n in range(0, others.size, _BLOCK)]
    wins = [
        np.count_nonzero(draws[i] - draws[block] > MARGIN, axis=1) for block in blocks
    ]
    if not wins:
        return others
    return others[np.concatenate(wins) >= DRAWS - _DOUBTS]
