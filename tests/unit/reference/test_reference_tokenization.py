"""Tokenizers: any text comes back, and every run of Python learns the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

REFERENCE = Path(__file__).resolve().parents[3] / "reference"
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
RUN = """
from tinytorch import BPETokenizer, CharTokenizer
corpus = "ab cd ef gh ij kl mn op " * 2
bpe, char = BPETokenizer(270), CharTokenizer()
bpe.train(corpus)
char.build_vocab(corpus)
print(bpe.encode("abcdefghijklmnop"), char.encode(corpus))
"""


def slowly(corpus: str, merges: int) -> list[tuple[int, int]]:
    """Return the merges as the definition has them, counted anew each time."""
    words = [[1 + b for b in run.encode()] for run in corpus.split()]
    learned: list[tuple[int, int]] = []
    for new in range(257, 257 + merges):
        pairs = Counter(p for w in words for p in pairwise(w))
        best = max(pairs.values())
        learned.append(min(p for p, n in pairs.items() if n == best))
        for word in words:
            i = 0
            while i < len(word) - 1:
                if (word[i], word[i + 1]) == learned[-1]:
                    word[i : i + 2] = [new]
                i += 1
    return learned


@given(TEXT, TEXT)
def test_any_text_comes_back(package: ModuleType, corpus: str, text: str) -> None:
    char, bpe = package.CharTokenizer(), package.BPETokenizer(280)
    char.build_vocab(corpus)
    bpe.train(corpus)

    assert char.decode(char.encode(corpus)) == corpus
    for wanted in (corpus, text):
        assert bpe.decode(bpe.encode(wanted)) == wanted


def test_merges_are_those_of_the_definition(
    tt: ModuleType, rng: np.random.Generator
) -> None:
    corpus = " ".join("".join(rng.choice(list("abcde"), 6)) for _ in range(300))
    tokenizer = tt.BPETokenizer(257 + 60)

    tokenizer.train(corpus)

    assert list(tokenizer.merges) == slowly(corpus, 60)


def test_merges_do_not_depend_on_the_hash_seed() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", RUN],
            cwd=REFERENCE,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in (0, 1, 2)
    }

    assert len(said) == 1


def test_training_ends_when_nothing_repeats(tt: ModuleType) -> None:
    tokenizer = tt.BPETokenizer(1000)

    tokenizer.train(["xy", "xy z"])

    assert tokenizer.tokens[257:] == [b"xy"]
    assert tt.CharTokenizer("abc").vocab_size == 4
