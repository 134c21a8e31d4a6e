"""What all charts share: their frame, axes, dots and the table that folds out below.

A chart is told to screen readers by its title and description; all its numbers stand in
a table beside or below it. Colours come from the page, so that dark mode and print need
no second drawing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import escape

from grader.publish.look.scale import Scale, joined, label, place

WIDE: Final = 500  # units; on a phone its words need to be larger
Point = tuple[float, float]
Row = Sequence[str]


def svg(
    chart_id: str, title: str, description: str, size: tuple[int, int], shapes: str
) -> str:
    """Return a chart that fits the width of its place.

    Args:
        chart_id: unique on the page; letters, digits and hyphens.
        title: read aloud in the chart's place, with `description`; raw text.
        size: width and height of the drawing; a unit is a CSS pixel at full width.
        shapes: SVG, its texts escaped.
    """
    style = "chart wide" if size[0] > WIDE else "chart"
    return (
        f'<svg class="{style}" viewBox="0 0 {size[0]} {size[1]}" role="img"'
        f' aria-labelledby="{chart_id}-t {chart_id}-d">'
        f'<title id="{chart_id}-t">{escape(title)}</title>'
        f'<desc id="{chart_id}-d">{escape(description)}</desc>{shapes}</svg>'
    )


def x_axis(scale: Scale, y: float, top: float, title: str, about: int = 5) -> str:
    """Return vertical grid lines from `top` to `y`, their labels, and a title."""
    ticks = scale.ticks(about)
    lines = "".join(f"M{place(scale(v))} {place(top)}V{place(y)}" for v in ticks)
    texts = "".join(
        f'<text x="{place(scale(v))}" y="{place(y + 16)}">{label(v)}</text>'
        for v in ticks
    )
    end = place(max(scale.start, scale.end))
    return (
        f'<path class="grid" d="{lines}"/><g class="x">{texts}</g>'
        f'<text class="axis end" x="{end}" y="{place(y + 33)}">{escape(title)}</text>'
    )


def y_axis(scale: Scale, x: float, right: float, title: str, about: int = 4) -> str:
    """Return horizontal grid lines from `x` to `right`, their labels, and a title."""
    ticks = scale.ticks(about)
    lines = "".join(f"M{place(x)} {place(scale(v))}H{place(right)}" for v in ticks)
    texts = "".join(
        f'<text x="{place(x - 6)}" y="{place(scale(v) + 4)}">{label(v)}</text>'
        for v in ticks
    )
    top = min(scale.start, scale.end)
    return (
        f'<path class="grid" d="{lines}"/><g class="y">{texts}</g><text class="axis"'
        f' x="{place(x)}" y="{place(top - 8)}">{escape(title)}</text>'
    )


def dots(points: Iterable[Point], style: str) -> str:
    """Return many dots as one path: lines without length, whose round ends show."""
    path = "".join(f"M{place(x)} {place(y)}h0" for x, y in points)
    return f'<path class="dots {style}" d="{path}"/>' if path else ""


def path(points: Sequence[Point], style: str) -> str:
    """Return a line through points."""
    if not points:
        return ""
    return f'<path class="{style}" d="M{joined(points)}"/>'


def table(caption: str, heads: Row, rows: Iterable[Row]) -> str:
    """Return a small table; caption and cells are HTML already."""
    top = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(f"<tr><td>{'</td><td>'.join(row)}</td></tr>" for row in rows)
    return (
        f"<table><caption>{caption}</caption><thead><tr>{top}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def figure(caption: str, drawing: str, numbers: str = "") -> str:
    """Return a chart with its caption and, folded, its numbers; all HTML already."""
    more = (
        f'<details><summary class="muted">Numbers</summary>{numbers}</details>'
        if numbers
        else ""
    )
    return f"<figure><figcaption>{caption}</figcaption>{drawing}{more}</figure>"
