"""From values to places in a drawing, and the round values between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

T = TypeVar("T")
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_LEAST: Final = 1e-9  # below it a ratio has no place on a logarithmic axis


@dataclass(frozen=True)
class Scale:
    """A stretch of values over a stretch of a drawing; logarithmic where told.

    Attributes:
        low, high: values at `start` and `end`; low < high.
        start, end: places, in units of the drawing; start > end turns the axis.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a value; those outside are held at the ends."""
        low, high, v = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, v = math.log(low), math.log(high), math.log(v)
        return self.start + (self.end - self.start) * (v - low) / (high - low)

    def places(self, values: Iterable[float]) -> list[float]:
        """Return the place of each value, on an axis that is not logarithmic."""
        low, high, start = self.low, self.high, self.start
        length, room = self.end - start, high - low
        held = [low if v < low else min(v, high) for v in values]
        return [start + length * (v - low) / room for v in held]

    def ticks(self, about: int = 4) -> list[float]:
        """Return round values inside, some `about` of them."""
        if self.log and self.high / self.low > 8:
            return _decades(self.low, self.high)
        raw = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(s for s in _STEPS if s * power >= raw * (1 - 1e-9)) * power
        first, last = math.ceil(self.low / step - 1e-9), self.high / step + 1e-9
        return [float(f"{i * step:.10g}") for i in range(first, math.floor(last) + 1)]


def _decades(low: float, high: float) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    shown = (1, 2, 5) if last - first < 4 else (1,)
    found = [s * 10.0**p for p in range(first, last + 1) for s in shown]
    return [v for v in found if low <= v <= high]


def fitted(
    values: Iterable[float], start: float, end: float, *, log: bool = True
) -> Scale:
    """Return a scale on which all values fit, with a little room at both ends."""
    known = [v for v in values if math.isfinite(v) and (v > _LEAST or not log)]
    low, high = min(known, default=1.0), max(known, default=1.0)
    if log:
        room = max((high / low) ** 0.06, 1.02)
        return Scale(low / room, high * room, start, end, log=True)
    margin = max((high - low) * 0.06, abs(high) * 1e-3, 1e-9)
    return Scale(low - margin, high + margin, start, end)


def place(value: float) -> str:
    """Return a place of a drawing, to a tenth of a unit, as short as it can be."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def joined(points: Iterable[tuple[float, float]]) -> str:
    """Return the `place` of many points, with an L between, as paths have them."""
    text = "L".join([f"{x:.1f} {y:.1f}" for x, y in points])
    return text.replace(".0 ", " ").replace(".0L", "L").removesuffix(".0")


def label(value: float) -> str:
    """Return a value on an axis."""
    return f"{value:.6g}"


def spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` items, evenly spread, first and last among them."""
    if len(items) <= most:
        return list(items)
    last = len(items) - 1
    return [items[round(i * last / (most - 1))] for i in range(most)]


def peaks(
    points: Sequence[tuple[float, float]], most: int
) -> list[tuple[float, float]]:
    """Return at most `most` points, of each stretch the highest: no peak is lost."""
    if len(points) <= most:
        return list(points)
    inner, parts = points[1:-1], most - 2
    bounds = [i * len(inner) // parts for i in range(parts + 1)]
    kept = [max(inner[a:b], key=lambda p: p[1]) for a, b in itertools.pairwise(bounds)]
    return [points[0], *kept, points[-1]]
