"""Nats per character, and what is said of a text that a model wrote."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from grader.training import coherence, language

ROOT = Path(__file__).resolve().parents[3]


def test_nats_are_those_of_the_right_character() -> None:
    outputs = np.log(np.array([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]], np.float32))

    found = language.nats_of(outputs, np.array([[0, 2]]))

    assert found == pytest.approx(-np.log([[0.5, 0.8]]), abs=1e-6)


def test_nats_do_not_change_with_a_constant() -> None:
    outputs = np.random.default_rng(0).normal(size=(3, 4, 7)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 7, (3, 4))

    one = language.nats_of(outputs, labels)
    other = language.nats_of(outputs + np.float32(1000), labels)

    assert other == pytest.approx(one, abs=1e-3)
    assert np.mean(one) == pytest.approx(language.Language().score(outputs, labels))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_no_numbers_cost_the_most(bad: float) -> None:
    outputs = np.full((1, 2, 3), bad, np.float32)

    found = language.nats_of(outputs, np.array([[0, 2]]))

    assert np.all(found == language.WORST_NATS)


def test_too_few_outputs_cost_the_most() -> None:
    outputs = np.zeros((1, 2, 3), np.float32)

    assert language.Language().score(outputs, np.array([[0, 5]])) == 99.0


def test_letter_counts_of_a_fair_coin_are_one_bit() -> None:
    train, unseen = np.array([0, 1] * 5000), np.array([0, 1, 1, 0])

    assert language.unigram_nats(train, unseen, 2) == pytest.approx(math.log(2))


def test_words_are_compared_in_small_letters_without_the_cut_ends() -> None:
    known = {"thou", "art", "more"}

    assert coherence.share_of_words("ly Thou ART xqz tem", known) == pytest.approx(
        2 / 3
    )
    assert coherence.share_of_words("", known) == 0


@pytest.mark.parametrize(
    ("text", "length"), [("", 0), ("a", 0), ("abc", 0), ("abcab", 2), ("aaaa", 3)]
)
def test_longest_repeat(text: str, length: int) -> None:
    assert coherence.longest_repeat(text) == length


def test_longest_repeat_is_what_trying_all_gives() -> None:
    rng = np.random.default_rng(2)
    for _ in range(30):
        text = "".join(rng.choice(list("ab"), 40))
        every = [text[i:j] for i in range(40) for j in range(i + 1, 41)]
        twice = [p for p in every if text.find(p, text.find(p) + 1) >= 0]

        assert coherence.longest_repeat(text) == max(map(len, twice))


def test_longest_copy() -> None:
    assert coherence.longest_copy("xabcx", "zabcy") == 3
    assert coherence.longest_copy("q", "") == 0


def test_students_measure_as_the_grader_does() -> None:
    copies = ("grader/training/coherence.py", "milestones/coherence.py")

    one, other = ((ROOT / copy).read_bytes() for copy in copies)

    assert one == other
