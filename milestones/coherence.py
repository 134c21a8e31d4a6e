"""Whether generated text holds together, in numbers.

None of these says that a text is good. They catch the three ways in which a small
language model fails: letters without words, the same words over and over, and text
copied from what it learned from.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final

_WORD: Final = re.compile(r"[a-z']+")


def words(text: str) -> list[str]:
    """Return the words of `text` in small letters, in order, apostrophes included."""
    return _WORD.findall(text.lower())


def share_of_words(text: str, known: AbstractSet[str]) -> float:
    """Return the share of the words of `text` that are among `known`; 0 without words.

    The first and the last word are left out: they may have been cut.
    """
    found = words(text)[1:-1]
    return sum(word in known for word in found) / len(found) if found else 0.0


def longest_repeat(text: str) -> int:
    """Return the length of the longest passage that occurs twice in `text`.

    The two places may overlap: a text of one letter repeats all of itself but one.
    """
    # If a passage of n letters occurs twice, so does one of n - 1: halve the range.
    low, high = 0, max(0, len(text) - 1)
    while low < high:
        middle = (low + high + 1) // 2
        seen = {text[i : i + middle] for i in range(len(text) - middle + 1)}
        twice = len(seen) < len(text) - middle + 1
        low, high = (middle, high) if twice else (low, middle - 1)
    return low


def longest_copy(text: str, source: str) -> int:
    """Return the length of the longest passage that `text` has from `source`."""
    longest = 0
    for start in range(len(text)):
        while (
            start + longest < len(text) and text[start : start + longest + 1] in source
        ):
            longest += 1
    return longest
