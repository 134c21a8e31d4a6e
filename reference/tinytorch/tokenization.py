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
        found = sorted({c for text in _texts(corpus) for c in text})
        self.chars = [UNKNOWN, *found]
        self.ids = {c: i for i, c in enumerate(found, start=1)}

    def encode(self, text: str) -> list[int]:
        """Return the ids of the characters, one each; unknown ones become 0.

        Example:
            >>> CharTokenizer("ab").encode("abxba")
            [1, 2, 0, 2, 1]
        """
        return [self.ids.get(c, 0) for c in text]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text that `ids`, a list or an array of ints, stand for.

        Id 0 decodes to U+FFFD. What ids outside the vocabulary do is left open. So
        decode(encode(text)) == text if every character is known.

        Example:
            >>> CharTokenizer("ab").decode([2, 1, 1])
            'baa'
        """
        return "".join(self.chars[i] for i in ids)


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
        self._forget()
        runs = Counter(run for text in _texts(corpus) for run in _runs(text))
        words = [[1 + b for b in run.encode()] for run in runs]
        counts = list(runs.values())
        pairs: Counter[Pair] = Counter()
        where: defaultdict[Pair, set[int]] = defaultdict(set)
        for i, word in enumerate(words):
            _count(word, i, counts[i], pairs, where)
        while len(self.tokens) < self.vocab_size and pairs:
            most = max(pairs.values())
            if most < 2:
                break
            pair = min(p for p, n in pairs.items() if n == most)
            new = self.merges[pair] = len(self.tokens)
            self.tokens.append(self.tokens[pair[0]] + self.tokens[pair[1]])
            for i in where.pop(pair):
                _count(words[i], i, -counts[i], pairs, where)
                words[i] = _merged(words[i], pair, new)
                _count(words[i], i, counts[i], pairs, where)
            del pairs[pair]

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`: bytes first, then merges in the order learned.

        In each run (see `train`), the pair that was learned first among those present
        is merged wherever it occurs, from the left, until no pair of the run is a
        merge.

        Example:
            >>> BPETokenizer().encode("hé")
            [105, 196, 170]
        """
        known: dict[str, list[int]] = {}
        ids: list[int] = []
        for run in _runs(text):
            if run not in known:
                known[run] = _encoded(run, self.merges)
            ids += known[run]
        return ids

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
        return b"".join(self.tokens[i] for i in ids).decode(errors="replace")


def _encoded(run: str, merges: dict[Pair, int]) -> list[int]:
    """Return the ids of one run."""
    ids = [1 + b for b in run.encode()]
    while True:
        present = [p for p in pairwise(ids) if p in merges]
        if not present:
            return ids
        first = min(present, key=merges.__getitem__)
        ids = _merged(ids, first, merges[first])


def _merged(ids: list[int], pair: Pair, new: int) -> list[int]:
    """Return `ids` with `pair` replaced by `new`, from the left."""
    out: list[int] = []
    i = 0
    while i < len(ids):
        if tuple(ids[i : i + 2]) == pair:
            out.append(new)
            i += 2
        else:
            out.append(ids[i])
            i += 1
    return out


def _count(
    word: list[int],
    index: int,
    count: int,
    pairs: Counter[Pair],
    where: defaultdict[Pair, set[int]],
) -> None:
    """Add `count` for every pair of a word, and note which words have the pair."""
    for pair in pairwise(word):
        pairs[pair] += count
        where[pair].add(index)


# Given: helpers.


def _texts(corpus: str | Iterable[str]) -> list[str]:
    """Given: return a list of strings for a string or a list of strings."""
    return [corpus] if isinstance(corpus, str) else list(corpus)


def _runs(text: str) -> list[str]:
    """Given: cut a text into runs of whitespace and runs of other characters."""
    return re.findall(r"\s+|\S+", text)
