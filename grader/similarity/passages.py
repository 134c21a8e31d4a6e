"""Where two files are the same: the longest runs of equal tokens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from heapq import nlargest
from typing import Final, NamedTuple

import numpy as np

from grader.similarity.documents import Stream
from grader.similarity.fingerprint import Hashes, grams, winnow
from grader.similarity.models import Passage
from grader.similarity.scan import BREAK

MOST_PLACES: Final = 3  # of one fingerprint in one file; repeated code has thousands
MOST_SEEDS: Final = 2000  # of a pair of files; a whole module has a few hundred
MOST_RUNS: Final = 200
_BREAK: Final = bytes([BREAK])


class Run(NamedTuple):
    """`length` tokens from `a` on in one file are those from `b` on in the other."""

    length: int
    a: int
    b: int


def passages(a: Stream, b: Stream, shared: Hashes) -> tuple[Passage, ...]:
    """Return the runs that hold a fingerprint of `shared`, longest first.

    No token of either file stands in two of them.
    """
    kept = list[Run]()
    for run in nlargest(MOST_RUNS, set(_runs(a, b, shared))):
        if not any(_overlap(run, other) for other in kept):
            kept.append(run)
    return tuple(_passage(a, b, run) for run in kept)


def _passage(a: Stream, b: Stream, run: Run) -> Passage:
    in_a, in_b = (_rows(a.rows, run.a, run.length), _rows(b.rows, run.b, run.length))
    return Passage(
        tokens=run.length,
        a_first=in_a[0],
        a_last=in_a[1],
        b_first=in_b[0],
        b_last=in_b[1],
    )


def _rows(rows: tuple[int, ...], start: int, length: int) -> tuple[int, int]:
    """Return first and last row that a run has as a whole, if there are any.

    Many a run begins with a closing bracket and ends with the next `def`, in rows that
    are otherwise different.
    """
    end = start + length
    first, last = rows[start], rows[end - 1]
    inside = [r for r in rows[start:end] if r not in (first, last)]
    if not inside:
        return first, last
    whole_first = start == 0 or rows[start - 1] != first
    whole_last = end == len(rows) or rows[end] != last
    return first if whole_first else inside[0], last if whole_last else inside[-1]


def _overlap(one: Run, two: Run) -> bool:
    in_a = one.a < two.a + two.length and two.a < one.a + one.length
    in_b = one.b < two.b + two.length and two.b < one.b + one.length
    return in_a or in_b


def _runs(a: Stream, b: Stream, shared: Hashes) -> Iterator[Run]:
    """Extend every place that both files have, once on each diagonal."""
    places = _places(b, shared)
    done: dict[
        int, int
    ] = {}  # diagonal -> first token of `a` that is not yet looked at
    for value, starts in _places(a, shared).items():
        for i in starts:
            for j in places.get(value, ()):
                if i >= done.get(i - j, 0):
                    run = _extended(a.codes, b.codes, i, j)
                    done[i - j] = run.a + run.length
                    yield run


def _places(stream: Stream, shared: Hashes) -> dict[int, list[int]]:
    """Return the first places of each shared fingerprint."""
    hashes = grams(stream.codes)
    chosen = winnow(hashes)
    chosen = chosen[np.isin(hashes[chosen], shared)]
    found = defaultdict[int, list[int]](list)
    for place in chosen[:MOST_SEEDS].tolist():
        starts = found[int(hashes[place])]
        if len(starts) < MOST_PLACES:
            starts.append(place)
    return found


def _extended(a: bytes, b: bytes, i: int, j: int) -> Run:
    """Return the longest run through token `i` of `a` and `j` of `b`."""
    right = min(_until_break(a, i), _until_break(b, j))
    left = min(i - a.rfind(_BREAK, 0, i), j - b.rfind(_BREAK, 0, j)) - 1
    back = _equal(a[i - left : i][::-1], b[j - left : j][::-1])
    ahead = _equal(a[i : i + right], b[j : j + right])
    return Run(back + ahead, i - back, j - back)


def _until_break(codes: bytes, start: int) -> int:
    end = codes.find(_BREAK, start)
    return (end if end >= 0 else len(codes)) - start


def _equal(one: bytes, two: bytes) -> int:
    """Return how many tokens at the beginning of two runs of one length are equal."""
    differ = np.frombuffer(one, np.uint8) != np.frombuffer(two, np.uint8)
    return int(differ.argmax()) if differ.any() else len(one)
