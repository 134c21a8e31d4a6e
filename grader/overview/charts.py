"""Small charts as SVG without text, stretched to the width of their place.

As in `grader.reports.svg` colours come from the page. Whoever cannot see a chart hears
`label`, or, where a chart is hidden from them, the numbers beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from markupsafe import Markup

from grader.overview.models import BINS, Part, Spread

WIDTH: Final = 1000.0  # units; all points of a part
HIGH: Final = 40.0  # of the bars, in CSS pixels like every height here
BOX: Final = 12.0  # of the box below them
GAP: Final = 6.0  # between two bars, in units
LEAST: Final = 2.0  # a bin with one student in it can be seen


def distribution(part: Part, top: float, label: str) -> Markup:
    """Return bars of the ten bins, and below them a box from quartile to quartile.

    Args:
        top: the share of a class that is as high as a chart can be.
    """
    shapes = [*_bars(part, top), *(_box(part.spread, part.points, HIGH + 5.0))]
    head = Markup(
        '<svg class="lie" viewBox="0 0 {w:.0f} {h:.0f}" preserveAspectRatio="none"'
        ' role="img" aria-label="{label}">'
    ).format(w=WIDTH, h=HIGH + 5.0 + BOX, label=label)
    return head + Markup("").join(shapes) + Markup("</svg>")


def shares(parts: Sequence[tuple[str, float]]) -> Markup:
    """Return a stacked bar of (class, share of all); its numbers stand beside it."""
    x, shapes = 0.0, [_rect("rest", (0.0, 0.0), (WIDTH, 10.0))]
    for style, share in parts:
        size = max(0.0, min(1.0, share)) * WIDTH
        shapes.append(_rect(style, (x, 0.0), (size, 10.0)))
        x += size
    head = Markup(
        '<svg class="share" viewBox="0 0 {w:.0f} 10" preserveAspectRatio="none"'
        ' aria-hidden="true">'
    ).format(w=WIDTH)
    return head + Markup("").join(shapes) + Markup("</svg>")


def _bars(part: Part, top: float) -> Iterator[Markup]:
    """Yield the bars; untouched modules and full marks are set apart in them."""
    wide = WIDTH / BINS
    yield _rect("ground", (0.0, HIGH - 1.0), (WIDTH, 1.0))
    for place, count in enumerate(part.bins):
        apart = {0: ("none", part.untouched), BINS - 1: ("full", part.full)}
        style, special = apart.get(place, ("", 0))
        special = min(special, count)
        foot = HIGH
        for name, number in ((style, special), ("some", count - special)):
            if number:
                share = number / part.graded / top if top else 0.0
                high = max(LEAST, share * HIGH)
                foot -= high
                corner = (place * wide + GAP / 2, foot)
                yield _rect(name, corner, (wide - GAP, high))


def _box(spread: Spread | None, points: float, y: float) -> Iterator[Markup]:
    if spread is None or not points:
        return
    least, lower, middle, upper, most = (
        WIDTH * value / points
        for value in (
            *(spread.least, spread.lower, spread.median, spread.upper, spread.most),
        )
    )
    yield _rect("reach", (least, y + BOX / 2 - 0.5), (most - least, 1.0))
    yield _rect("half", (lower, y + 2.0), (upper - lower, BOX - 4.0))
    # A line keeps its width however wide the chart is drawn; at the rim it stays in.
    inside = min(max(middle, 2.0), WIDTH - 2.0)
    yield Markup('<line class="mid" x1="{x}" x2="{x}" y1="{a}" y2="{b}"/>').format(
        x=_number(inside), a=_number(y), b=_number(y + BOX)
    )


def _rect(style: str, corner: tuple[float, float], size: tuple[float, float]) -> Markup:
    return Markup(
        '<rect class="{c}" x="{x}" y="{y}" width="{w}" height="{h}"/>'
    ).format(
        c=style,
        x=_number(corner[0]),
        y=_number(corner[1]),
        w=_number(size[0]),
        h=_number(size[1]),
    )


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
