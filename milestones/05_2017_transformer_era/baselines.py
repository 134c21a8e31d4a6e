"""What counting alone can do: text by n-grams, to set the transformer's beside.

The probability of the next character is that of all contexts of up to n - 1
characters, mixed: a context that was followed by many different characters trusts
itself less and its shorter self more.

Source: I. H. Witten, T. C. Bell, "The zero-frequency problem", IEEE Transactions on
        Information Theory 37(4), 1085-1094, 1991; mixed over all orders as in
        S. F. Chen, J. Goodman, "An empirical study of smoothing techniques for
        language modeling", Computer Speech and Language 13(4), 359-394, 1999.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray


class NGrams:
    """Counts of all passages of up to `order` characters of a text.

    Attributes:
        order: the most characters that count, the next one included; 1: unigrams.
    """

    def __init__(self, ids: NDArray[Any], order: int, vocabulary: int) -> None:
        """Count. Shapes: ids (n,) of a text, each below `vocabulary`."""
        self.order, self._vocabulary = order, vocabulary
        self._following: dict[bytes, Counter[int]] = defaultdict(Counter)
        text = ids.astype(np.uint8).tobytes()
        for length in range(order):
            for end in range(length, len(text)):
                self._following[text[end - length : end]][text[end]] += 1

    def probabilities(self, before: bytes) -> NDArray[np.float64]:
        """Return the probability of each id after the ids `before`.

        p(next | context) = (count of next + kinds * p(next | shorter context))
                            / (count of all + kinds)

        where kinds is how many different ids followed the context; below the shortest
        context all ids are alike.

        Shapes: -> (vocabulary,)
        """
        p = np.full(self._vocabulary, 1 / self._vocabulary)
        for length in range(min(self.order, len(before) + 1)):
            found = self._following.get(before[len(before) - length :])
            if not found:  # then no longer context was seen either
                break
            p *= len(found)
            for following, count in found.items():
                p[following] += count
            p /= len(found) + found.total()
        return p

    def nats(self, x: NDArray[Any], y: NDArray[Any]) -> float:
        """Return nats per character, of windows as the transformer gets them.

        Shapes: x and y (windows, T) ids, y being the next ones
        """
        longest = self.order - 1
        known: dict[bytes, NDArray[np.float64]] = {}
        total = 0.0
        for row, following in zip(x.astype(np.uint8), y, strict=True):
            text = row.tobytes()
            for place, wanted in enumerate(following, start=1):
                before = text[max(0, place - longest) : place]
                if before not in known:
                    known[before] = np.log(self.probabilities(before))
                total -= float(known[before][wanted])
        return total / y.size

    def text(
        self, start: NDArray[Any], count: int, temperature: float, seed: int
    ) -> NDArray[np.uint8]:
        """Return `count` ids, each drawn after the ones before it, `start` first."""
        rng = np.random.default_rng(seed)
        written = bytearray(start.astype(np.uint8).tobytes())
        begin = len(written)
        longest = self.order - 1
        for _ in range(count):
            p = self.probabilities(bytes(written[len(written) - longest :]))
            p **= 1 / temperature
            written.append(int(rng.choice(self._vocabulary, p=p / p.sum())))
        return np.frombuffer(bytes(written[begin:]), np.uint8)
