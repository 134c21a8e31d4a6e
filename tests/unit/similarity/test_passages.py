"""Runs that two files share."""

from __future__ import annotations

import time

import numpy as np

from grader.similarity.documents import Stream
from grader.similarity.fingerprint import grams
from grader.similarity.models import Passage
from grader.similarity.passages import passages

RUN = bytes(range(10, 60))


def stream(codes: bytes, per_row: int = 5) -> Stream:
    return Stream(codes, tuple(1 + i // per_row for i in range(len(codes))))


def found(one: bytes, two: bytes) -> list[Passage]:
    shared = np.intersect1d(grams(one), grams(two))
    return list(passages(stream(one), stream(two), shared))


def test_a_run_is_found_to_its_last_token() -> None:
    (passage,) = found(bytes([1] * 5) + RUN + bytes([2] * 9), bytes([3] * 20) + RUN)

    assert passage.tokens == len(RUN)
    assert (passage.a_first, passage.a_last) == (2, 11)
    assert (passage.b_first, passage.b_last) == (5, 14)


def test_a_row_that_a_run_has_only_the_end_of_is_not_its_first() -> None:
    (passage,) = found(bytes([1] * 3) + RUN, bytes([3] * 20) + RUN)

    assert passage.a_first == 2


def test_moved_pieces_are_runs_of_their_own_longest_first() -> None:
    one, two = RUN[:22], RUN[22:]

    runs = found(one + b"\x01" + two, two + b"\x02" + one)

    assert [p.tokens for p in runs] == [len(two), len(one)]


def test_a_break_ends_a_run() -> None:
    codes = RUN[:24] + b"\0" + RUN[24:]

    assert [p.tokens for p in found(codes, codes)] == [26, 24]


def test_no_token_stands_in_two_passages() -> None:
    runs = found(RUN + b"\1" + RUN, RUN)

    assert [p.tokens for p in runs] == [len(RUN)]


def test_endless_repetition_has_an_end() -> None:
    period = bytes(range(10, 90)) * 1500
    started = time.perf_counter()

    runs = found(period, period[7:])

    assert runs[0].tokens >= len(period) - 80
    assert time.perf_counter() - started < 20
