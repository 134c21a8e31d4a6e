"""Fingerprints of token streams: winnowed hashes of every `GRAM` tokens in a row.

S. Schleimer, D. S. Wilkerson, A. Aiken, "Winnowing: local algorithms for document
fingerprinting", SIGMOD 2003. Of every `WINDOW` hashes in a row the smallest is kept, so
that two streams with `GRAM + WINDOW - 1` equal tokens in a row share a fingerprint, and
fewer than `GRAM` never do.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from grader.similarity.scan import BREAK

Hashes = NDArray[np.uint64]
Positions = NDArray[np.intp]

GRAM: Final = 20
# A break makes GRAM hashes void, so that no window sees what stands on both sides.
WINDOW: Final = 10
VOID: Final = np.uint64(2**64 - 1)
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
_SHIFT: Final = np.uint64(31)
_TABLE: Final = np.frombuffer(
    b"".join(hashlib.blake2b(bytes([c]), digest_size=8).digest() for c in range(256)),
    dtype="<u8",
).astype(np.uint64)


def grams(codes: bytes) -> Hashes:
    """Return the hash of the tokens from each position on; `VOID` across a break."""
    stream = np.frombuffer(codes, dtype=np.uint8)
    count = len(stream) - GRAM + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    values = _TABLE[stream]
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(GRAM):
        hashes *= _BASE
        hashes += values[offset : offset + count]
    hashes ^= hashes >> _SHIFT
    hashes *= _MIX
    hashes ^= hashes >> _SHIFT
    breaks = np.concatenate(([0], np.cumsum(stream == BREAK)))
    hashes[breaks[GRAM:] != breaks[:count]] = VOID
    return hashes


def without(hashes: Hashes, given: Hashes) -> Hashes:
    """Return `hashes` with those in `given`, which is sorted, made void."""
    if not len(given) or not len(hashes):
        return hashes
    places = np.minimum(np.searchsorted(given, hashes), len(given) - 1)
    return np.where(given[places] == hashes, VOID, hashes)


def winnow(hashes: Hashes) -> Positions:
    """Return the positions of the fingerprints among `hashes`, in order."""
    if not len(hashes):
        return np.empty(0, dtype=np.intp)
    edge = np.full(WINDOW - 1, VOID)
    windows = sliding_window_view(np.concatenate((edge, hashes, edge)), WINDOW)
    # The rightmost of equal ones, as in the paper: neighbours choose the same.
    last = WINDOW - 1 - windows[:, ::-1].argmin(axis=1)
    chosen = np.unique(last + np.arange(len(windows)) - (WINDOW - 1))
    inside = chosen[(chosen >= 0) & (chosen < len(hashes))]
    kept: Positions = inside[hashes[inside] != VOID]
    return kept
