"""Module 10: tokenization, from text to numbers and back.

You will build:

    10.1  CharTokenizer.build_vocab   which characters there are    about 4 lines
    10.2  CharTokenizer.encode        text -> ids                   about 1 line
    10.3  CharTokenizer.decode        ids -> text                   about 1 line
    10.4  BPETokenizer.train          which pairs are frequent      about 20 lines
    10.5  BPETokenizer.encode         merge as was learned          about 10 lines
    10.6  BPETokenizer.decode         bytes -> text                 about 2 lines

A corpus is a string or a list of strings. An id is an int; 0 is reserved for what a
tokenizer does not know, and decodes to U+FFFD, the replacement character.

Run `make test-10` after each task.
"""
# ruff: noqa: F401 -- the imports are for what you will write

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

UNKNOWN = "\N{REPLACEMENT CHARACTER}"  # U+FFFD, what id 0 decodes to
Pair = tuple[int, int]


class CharTokenizer:
    """One id a character.

    Args:
        vocab: the characters that are known, or None: `build_vocab` says which.

    Attributes:
        chars: list of what each id stands for; chars[0] is U+FFFD.
        ids: dictionary from a character to its id.
    """

    def __init__(self, vocab: Iterable[str] | None = None) -> None:
        self.chars: list[str] = [UNKNOWN]
        self.ids: dict[str, int] = {}
        if vocab is not None:
            self.build_vocab("".join(vocab))

    @property
    def vocab_size(self) -> int:
        """Given: how many ids there are, 0 included."""
        return len(self.chars)

    def build_vocab(self, corpus: str | Iterable[str]) -> None:
        """Learn the characters of `corpus`, a string or a list of strings.

        The n different characters get the ids 1 to n, in an order that is the same on
        every run. What was learned before is forgotten. `_texts(corpus)` gives a list
        of strings for both kinds of corpus.

        Example:
            >>> tokenizer = CharTokenizer()
            >>> tokenizer.build_vocab("abba")
            >>> tokenizer.vocab_size
            3
        """
        # TODO(10.1): about 4 lines.
        raise NotImplementedError("TODO 10.1: CharTokenizer.build_vocab")

    def encode(self, text: str) -> list[int]:
        """Return the ids of the characters, one each; unknown ones become 0.

        Example:
            >>> CharTokenizer("ab").encode("abxba")
            [1, 2, 0, 2, 1]
        """
        # TODO(10.2): about 1 line.
        raise NotImplementedError("TODO 10.2: CharTokenizer.encode")

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that `ids`, a list or an array of ints, stand for.

        Id 0 decodes to U+FFFD. What ids outside the vocabulary do is left open. So
        decode(encode(text)) == text if every character is known.

        Example:
            >>> CharTokenizer("ab").decode([2, 1, 1])
            'baa'
        """
        # TODO(10.3): about 1 line.
        raise NotImplementedError("TODO 10.3: CharTokenizer.decode")


class BPETokenizer:
    """Byte pair encoding (Sennrich et al. 2016): frequent pairs become one token.

    It works on the bytes of the text in UTF-8. Id 0 is reserved, id 1 + b stands for
    the byte b, and the ids from 257 on are merges, in the order they were learned. So
    every text can be encoded, whatever the training was.

    Args:
        vocab_size: how many ids there may be, 0 included; at least 257.

    Attributes:
        vocab_size: as given; 1000 if left out.
        tokens: list of the bytes that each id stands for.
        merges: dictionary from a pair of ids to the id that replaces it, in the order
            learned.
    """

    def __init__(self, vocab_size: int = 1000) -> None:
        self.vocab_size = vocab_size
        self.tokens: list[bytes] = []
        self.merges: dict[Pair, int] = {}
        self._forget()

    def _forget(self) -> None:
        """Given: go back to single bytes, without merges."""
        self.tokens = [UNKNOWN.encode(), *(bytes([b]) for b in range(256))]
        self.merges = {}

    def train(self, corpus: str | Iterable[str]) -> None:
        """Learn merges from `corpus`, a string or a list of strings.

        Each text is cut into runs of whitespace and runs of other characters; the
        function `_runs` does that. Pairs are counted inside runs only, so a merge never
        crosses whitespace, nor the end of a text. Then, again and again: the pair of
        neighbouring ids that occurs most often gets the next free id, and is replaced
        by it everywhere.

        It ends when there are `vocab_size` ids, or no pair occurs twice; whether pairs
        that occur once are merged is left open. Ties go to any pair, but to the same
        one on every run: independent of PYTHONHASHSEED and of what was trained before.
        What was learned before is forgotten.

        Count each different run once, with its frequency; a text has far fewer
        different words than words.

        Example:
            >>> tokenizer = BPETokenizer(vocab_size=258)
            >>> tokenizer.train("xyz xy xyz")
            >>> tokenizer.tokens[257]
            b'xy'
        """
        # TODO(10.4): about 20 lines.
        raise NotImplementedError("TODO 10.4: BPETokenizer.train")

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`: bytes first, then merges in the order learned.

        In each run (see `train`), the pair that was learned first among those present
        is merged wherever it occurs, from the left, until no pair of the run is a
        merge.

        Example:
            >>> BPETokenizer().encode("hé")
            [105, 196, 170]
        """
        # TODO(10.5): about 10 lines.
        raise NotImplementedError("TODO 10.5: BPETokenizer.encode")

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that `ids`, a list or an array of ints, stand for.

        The bytes of all tokens are joined first, as one character may be spread over
        several. Bytes that are not UTF-8 decode to U+FFFD, and so does id 0; what ids
        outside the vocabulary do is left open. decode(encode(text)) == text for any
        text, seen in training or not.

        Example:
            >>> BPETokenizer().decode([105, 196, 170])
            'hé'
        """
        # TODO(10.6): about 2 lines.
        raise NotImplementedError("TODO 10.6: BPETokenizer.decode")


# Given: helpers.


def _texts(corpus: str | Iterable[str]) -> list[str]:
    """Given: return a list of strings for a string or a list of strings."""
    return [corpus] if isinstance(corpus, str) else list(corpus)


def _runs(text: str) -> list[str]:
    """Given: cut a text into runs of whitespace and runs of other characters."""
    return re.findall(r"\s+|\S+", text)
