"""What winnowing promises."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grader.similarity.fingerprint import GRAM, VOID, WINDOW, grams, winnow, without

CODES = st.integers(min_value=1, max_value=5)
SURE = GRAM + WINDOW - 1


def streams(least: int, most: int) -> st.SearchStrategy[bytes]:
    return st.lists(CODES, min_size=least, max_size=most).map(bytes)


def fingerprints(codes: bytes) -> set[int]:
    hashes = grams(codes)
    return set(hashes[winnow(hashes)].tolist())


@given(streams(SURE, SURE + 20), streams(0, 60), streams(0, 60), streams(0, 60))
def test_a_long_common_run_is_always_noticed(
    run: bytes, before: bytes, after: bytes, other: bytes
) -> None:
    assert fingerprints(before + run + after) & fingerprints(other + run)


@given(streams(0, 120))
def test_one_fingerprint_at_least_in_every_window(codes: bytes) -> None:
    places = winnow(grams(codes)).tolist()
    count = max(0, len(codes) - GRAM + 1)

    gaps = np.diff([-1, *places, count])
    assert all(gap <= WINDOW for gap in gaps)


@given(streams(GRAM - 1, GRAM - 1), streams(GRAM - 1, GRAM - 1))
def test_nothing_reaches_across_a_break(one: bytes, two: bytes) -> None:
    hashes = grams(one + b"\0" + two)

    assert (hashes == VOID).all()
    assert not len(winnow(hashes))


@given(streams(GRAM, 80), streams(GRAM, 80))
def test_files_side_by_side_have_the_fingerprints_of_each(
    one: bytes, two: bytes
) -> None:
    together = fingerprints(one + b"\0" + two)

    assert together == fingerprints(one) | fingerprints(two)


def test_what_was_given_is_void() -> None:
    codes = bytes(range(1, 1 + 2 * GRAM))
    hashes = grams(codes)

    left = without(hashes, np.sort(hashes[:GRAM]))

    assert (left[:GRAM] == VOID).all()
    assert (left[GRAM:] == hashes[GRAM:]).all()


def test_streams_shorter_than_a_gram_have_none() -> None:
    assert not len(winnow(grams(b"\1" * (GRAM - 1))))
    assert not len(winnow(grams(b"")))
