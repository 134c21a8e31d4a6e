"""Small drawings that stand in a cell beside their numbers, hidden from readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from grader.publish.look.scale import Scale, fitted, label, place
from grader.publish.look.text import Ends

WIDTH: Final = 168
TALL: Final = 14
STEPS: Final = 20  # of a bar; the classes w0 to w20 of the style sheet


def intervals(found: Iterable[Ends], reference: float) -> Scale:
    """Return the scale that all interval bars of one table share."""
    ends = [x for each in found for x in (each.low, each.high)]
    return fitted([*ends, reference], 3.0, WIDTH - 3.0)


def interval(found: Ends, scale: Scale, reference: float) -> str:
    """Return an interval with ends that show even where it is narrow."""
    low, value, high = (place(scale(v)) for v in (found.low, found.value, found.high))
    return (
        f'<svg class="iv" viewBox="0 0 {WIDTH} {TALL}" width="{WIDTH}" height="{TALL}"'
        f' aria-hidden="true"><path class="ref" d="M{place(scale(reference))} 0v{TALL}"'
        f'/><path class="beam" d="M{low} 2v10M{low} 7H{high}M{high} 2v10"/>'
        f'<circle cx="{value}" cy="7" r="2.5"/></svg>'
    )


def line(scale: Scale, reference: float) -> str:
    """Return the place of the reference alone, for its own row."""
    x = place(scale(reference))
    return (
        f'<svg class="iv" viewBox="0 0 {WIDTH} {TALL}" width="{WIDTH}" height="{TALL}"'
        f' aria-hidden="true"><path class="ref" d="M{x} 0v{TALL}"/>'
        f'<path class="diamond" d="M{x} 3l4 4l-4 4l-4-4z"/></svg>'
    )


def axis(scale: Scale) -> str:
    """Return the axis that stands in the head of a column of interval bars."""
    return (
        f'<svg class="iv" viewBox="0 0 {WIDTH} 16" width="{WIDTH}" height="16"'
        f' aria-hidden="true">{"".join(_tick(scale, v) for v in _apart(scale))}</svg>'
    )


def _apart(scale: Scale) -> list[float]:
    """Return ticks whose labels do not touch."""
    kept: list[float] = []
    for value in scale.ticks(3):
        x = scale(value)
        inside = 14 <= x <= WIDTH - 14
        if inside and (not kept or x - scale(kept[-1]) >= 34):
            kept.append(value)
    return kept


def _tick(scale: Scale, value: float) -> str:
    x = place(scale(value))
    return (
        f'<path class="grid" d="M{x} 13v3"/>'
        f'<text x="{x}" y="10" text-anchor="middle">{label(value)}</text>'
    )


def bar(share: float) -> str:
    """Return a bar, filled to a step of five percent; full only where all is there.

    It repeats the number beside it. The page's style sheet has a class a step, which
    takes a tenth of the bytes of a drawing.
    """
    return f'<i class="b w{int(STEPS * min(max(share, 0.0), 1.0) + 1e-9)}"></i>'


@lru_cache(maxsize=1024)
def wide_bar(share: float) -> str:
    """Return a bar that fills its place to the share exactly."""
    return (
        '<svg class="bar" width="100%" height="8" aria-hidden="true">'
        '<rect class="rest" width="100%" height="8"/><rect class="passed"'
        f' width="{place(100 * min(max(share, 0.0), 1.0))}%" height="8"/></svg>'
    )


def rug(values: Sequence[float], target: float | None, *, lower_is_better: bool) -> str:
    """Return one tick per value, better to the right, and a long one at the target."""
    known = [*values, *(() if target is None else (target,))]
    if not values:
        return ""
    ends = (WIDTH - 2.0, 2.0) if lower_is_better else (2.0, WIDTH - 2.0)
    scale = fitted(known, *ends, log=False)
    ticks = "".join(f"M{x} 6v9" for x in sorted({place(scale(v)) for v in values}))
    bound = (
        ""
        if target is None
        else f'<path class="bound" d="M{place(scale(target))} 0v20"/>'
    )
    return (
        f'<svg class="rug" viewBox="0 0 {WIDTH} 20" aria-hidden="true">'
        f'<path class="grid" d="M0 15H{WIDTH}"/><path class="tick" d="{ticks}"/>'
        f"{bound}</svg>"
    )
