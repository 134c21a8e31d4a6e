"""Line charts as SVG, drawn from numbers alone.

The only text in a chart comes from the caller and is escaped here. Colours come from
the page through the classes `s1`, `s2`, `limit`, `grid` and `axis`, so that dark mode
and print need no second drawing. One unit is one CSS pixel at full width.

Shapes are put together as plain text and marked as safe at the end: a board has ten
thousand charts, and `Markup.format` takes ten times as long.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 190
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 14, 34
MOST_POINTS: Final = 200  # a chart is 360 units wide; more cannot be seen

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis: its title and the greatest value that must fit; it starts at zero."""

    title: str
    top: float
    whole: bool = False  # only whole numbers make sense, such as epochs


@dataclass(frozen=True)
class Chart:
    """What a chart shows; `title` and `description` are read aloud in its place."""

    id: str
    title: str
    description: str
    x: Axis
    y: Axis
    points: tuple[Point, ...]
    limit: float | None = None  # a dashed line, named `limit_name`
    limit_name: str = ""
    style: str = "s1"


def line_chart(chart: Chart) -> Markup:
    """Return the chart as an `<svg>` that fits the width of its place."""
    top = max(chart.y.top, chart.limit or 0.0)
    x_ticks, y_ticks = ticks(chart.x.top, whole=chart.x.whole), ticks(top)
    place = _Place(x_ticks[-1], y_ticks[-1])
    parts = [
        *(_y_tick(place, tick) for tick in y_ticks),
        *(_x_tick(place, tick) for tick in x_ticks),
        _titles(chart),
    ]
    if chart.limit is not None:
        parts.append(_limit(place, chart.limit, chart.limit_name))
    parts.append(_path(place, thin(chart.points), chart.style))
    name = escape(chart.id)
    head = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(chart.title)}</title>'
        f'<desc id="{name}-d">{escape(chart.description)}</desc>'
    )
    text = f"{head}{''.join(parts)}</svg>"
    return Markup(text)  # noqa: S704 -- numbers, and text escaped above and below


@dataclass(frozen=True)
class _Place:
    """Maps values to units of the drawing."""

    x_top: float
    y_top: float

    def x(self, value: float) -> str:
        return _number(LEFT + (WIDTH - LEFT - RIGHT) * value / self.x_top)

    def y(self, value: float) -> str:
        return _number(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.y_top)


SMALLEST: Final = 1e-12  # no quantity of a report is smaller and not zero


def ticks(top: float, about: int = 4, *, whole: bool = False) -> list[float]:
    """Return round values from zero to at least `top`."""
    if not top > SMALLEST:
        return [0.0, 1.0]
    raw = max(top / about, 1.0) if whole else top / about
    scale = 10.0 ** math.floor(math.log10(raw))
    steps = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(s for s in steps if s * scale >= raw * (1 - 1e-9)) * scale
    count = math.ceil(top / step - 1e-9)
    return [float(f"{i * step:.10g}") for i in range(count + 1)]


def thin(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Return at most `most` points; of each stretch the highest, so no peak is lost."""
    if len(points) <= most:
        return list(points)
    inner, count = points[1:-1], most - 2
    bounds = [i * len(inner) // count for i in range(count + 1)]
    kept = [
        max(inner[a:b], key=lambda point: point[1])
        for a, b in itertools.pairwise(bounds)
    ]
    return [points[0], *kept, points[-1]]


def _path(place: _Place, points: Sequence[Point], style: str) -> str:
    if len(points) == 1:
        x, y = points[0]
        return (
            f'<circle class="dot {escape(style)}"'
            f' cx="{place.x(x)}" cy="{place.y(y)}" r="3"/>'
        )
    line = " ".join(f"{place.x(x)},{place.y(y)}" for x, y in points)
    return f'<polyline class="{escape(style)}" points="{line}"/>'


def _y_tick(place: _Place, tick: float) -> str:
    y = place.y(tick)
    return (
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text x="{LEFT - 6}" y="{y}" dy="4" text-anchor="end">{_label(tick)}</text>'
    )


def _x_tick(place: _Place, tick: float) -> str:
    return (
        f'<text x="{place.x(tick)}" y="{HEIGHT - BOTTOM + 15}"'
        f' text-anchor="middle">{_label(tick)}</text>'
    )


def _titles(chart: Chart) -> str:
    return (
        f'<text class="axis" x="{WIDTH - RIGHT}" y="{HEIGHT - 4}"'
        f' text-anchor="end">{escape(chart.x.title)}</text>'
        f'<text class="axis" x="{LEFT}" y="9">{escape(chart.y.title)}</text>'
    )


def _limit(place: _Place, value: float, name: str) -> str:
    y = place.y(value)
    return (
        f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        f'<text class="limit" x="{WIDTH - RIGHT}" y="{y}" dy="13"'
        f' text-anchor="end">{escape(name)}</text>'
    )


def bar(
    parts: Sequence[tuple[str, float]], width: int = 120, height: int = 10
) -> Markup:
    """Return a stacked bar of (class, share of the whole), hidden from screen readers.

    It only repeats numbers that stand beside it.
    """
    return _bar(tuple(parts), width, height)


@lru_cache(maxsize=1024)  # a board shows the same few shares thousands of times
def _bar(parts: tuple[tuple[str, float], ...], width: int, height: int) -> Markup:
    x, shapes = 0.0, []
    for style, share in parts:
        size = max(0.0, min(1.0, share)) * width
        shapes.append(
            f'<rect class="{escape(style)}" x="{_number(x)}"'
            f' width="{_number(size)}" height="{height}"/>'
        )
        x += size
    text = (
        f'<svg class="bar" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" aria-hidden="true">'
        f'<rect class="rest" width="{width}" height="{height}"/>'
        f"{''.join(shapes)}</svg>"
    )
    return Markup(text)  # noqa: S704 -- numbers, and classes escaped above


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _label(value: float) -> str:
    return f"{value:.6g}"
