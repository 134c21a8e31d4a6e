"""Which files share fingerprints: an index from fingerprints to files.

Every file is held against the lists of its own fingerprints only, so that the cost
follows what files have in common and not the number of pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from grader.similarity.documents import Document
from grader.similarity.fingerprint import Hashes

Numbers = NDArray[np.intp]

LEAST_SHARED: Final = 5  # fingerprints; fewer are what any two programs have in common


class Match(NamedTuple):
    """Two files by their number, `a` before `b`, and what they share."""

    a: int
    b: int
    shared: int
    a_in_b: float
    b_in_a: float

    @property
    def weight(self) -> float:
        return self.shared * max(self.a_in_b, self.b_in_a)


class Index:
    """All fingerprints of a class; `documents` stand in the order of their students."""

    def __init__(self, documents: Sequence[Document], most: int) -> None:
        """Leave out fingerprints that more than `most` students have."""
        self.students = np.array([d.student for d in documents], dtype=np.intp)
        counts = [len(d.hashes) for d in documents]
        hashes = np.concatenate(
            [np.empty(0, np.uint64), *(d.hashes for d in documents)]
        )
        docs = np.repeat(np.arange(len(documents)), counts)
        order = np.argsort(hashes, kind="stable")
        values, ids = np.unique(hashes[order], return_inverse=True)
        docs = docs[order]
        kept = _owners(ids, self.students[docs], len(values)) <= most
        self.common: Hashes = values[~kept]
        self._docs, self._ids = docs[kept[ids]], ids[kept[ids]]
        self.sizes = np.bincount(self._docs, minlength=len(documents))
        lists = np.bincount(self._ids, minlength=len(values))
        self._starts = np.concatenate(([0], np.cumsum(lists)))

    def matches(self, least: float) -> Iterator[Match]:
        """Yield pairs of files of which one is found to a share of `least` or more."""
        if not len(self._docs):
            return
        by_doc = np.argsort(self._docs, kind="stable")
        own = np.split(self._ids[by_doc], np.cumsum(self.sizes)[:-1])
        for a, ids in enumerate(own):
            counts = np.bincount(self._beside(ids), minlength=len(own))
            other = self.students > self.students[a]
            for b in np.flatnonzero(other & (counts >= LEAST_SHARED)):
                shared = int(counts[b])
                a_in_b, b_in_a = shared / self.sizes[a], shared / self.sizes[b]
                if max(a_in_b, b_in_a) >= least:
                    yield Match(a, int(b), shared, float(a_in_b), float(b_in_a))

    def _beside(self, ids: Numbers) -> Numbers:
        """Return every file that has one of the fingerprints `ids`, once for each."""
        starts = self._starts[ids]
        lengths = self._starts[ids + 1] - starts
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        steps = np.arange(total) - np.repeat(ends - lengths, lengths)
        found: Numbers = self._docs[np.repeat(starts, lengths) + steps]
        return found


def _owners(ids: Numbers, students: Numbers, count: int) -> Numbers:
    """Return how many students have each fingerprint; both arrays are in order."""
    if not len(ids):
        return np.zeros(count, dtype=np.intp)
    new = (np.diff(ids) != 0) | (np.diff(students) != 0)
    return np.bincount(ids[np.concatenate(([True], new))], minlength=count)
