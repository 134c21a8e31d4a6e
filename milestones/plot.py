"""Charts as SVG text, with nothing but the standard library.

They follow the reader's light or dark mode, and have a title and a description for
readers who hear them. Sizes are in CSS pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

_WIDTH: Final = 720
_TOP, _BOTTOM, _RIGHT = 76, 56, 84
_LEFT: Final = 76  # of a line chart, for tick labels
_PANEL, _PANEL_GAP = 180, 52
_ROW, _BAR, _GROUP_GAP = 26, 14, 44
_LETTER: Final = 7.4  # about the width of one at 14 px
_VALUE: Final = 150  # room for the text behind a bar
_LEAST_SPAN: Final = 0.1  # of an axis upwards, as a share of its largest value
_MARKERS: Final = 40  # with more points than these there is only a line
_STYLE: Final = """
  svg { background: #ffffff; font: 14px system-ui, -apple-system, "Segoe UI",
    "Helvetica Neue", Arial, sans-serif }
  text { fill: #1f2328; paint-order: stroke; stroke: #ffffff; stroke-width: 4;
    stroke-linejoin: round } .soft { fill: #57606a } .title { font-weight: 600;
    font-size: 16px } .name { font-weight: 600 }
  .grid { stroke: #e3e6ea } .axis { stroke: #8b949e } .limit { stroke: #57606a;
    stroke-dasharray: 5 4 }
  .line { fill: none; stroke: #2563c9; stroke-width: 2; stroke-linejoin: round }
  .dot, .bar { fill: #2563c9 } .plain { fill: #8c959f }
  .line.b { stroke: #b4540a; stroke-dasharray: 7 3 } .dot.b { fill: #b4540a }
  .line.c { stroke: #1a7f4b; stroke-dasharray: 2 3 } .dot.c { fill: #1a7f4b }
  @media (prefers-color-scheme: dark) {
    svg { background: #14171c } text { fill: #e6e9ed; stroke: #14171c }
    .soft { fill: #a3acb8 }
    .grid { stroke: #2c323b } .axis { stroke: #6b7480 } .limit { stroke: #a3acb8 }
    .line { stroke: #6ea8fe } .dot, .bar { fill: #6ea8fe } .plain { fill: #79828d }
    .line.b { stroke: #f0a35e } .dot.b { fill: #f0a35e }
    .line.c { stroke: #5fc48f } .dot.c { fill: #5fc48f }
  }
"""
_CLASSES: Final = ("", " b", " c")  # of the first, second, third line of a panel

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """Points to connect, with a name; its last value is written beside it."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Panel:
    """One pair of axes: what is upwards and its unit, up to three lines, a limit."""

    label: str
    lines: Sequence[Line]
    limit: float | None = None
    limit_name: str = ""
    from_zero: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar: its name on the left, its `text` behind it; `plain` is a grey one."""

    name: str
    value: float
    text: str
    plain: bool = False


@dataclass(frozen=True)
class Group:
    """Bars under one heading, which names the quantity and its unit."""

    label: str
    bars: Sequence[Bar]


def line_chart(
    title: str, description: str, x_label: str, panels: Sequence[Panel]
) -> str:
    """Return panels below each other over one x axis of whole numbers."""
    height = _TOP + len(panels) * (_PANEL + _PANEL_GAP) + _BOTTOM - _PANEL_GAP
    xs = [x for panel in panels for line in panel.lines for x, _ in line.points]
    low, high = min(xs, default=0.0), max(xs, default=1.0)
    steps = _steps(low, high, whole=True)
    across = _Scale(low, high if high > low else low + 1, _LEFT, _WIDTH - _RIGHT)
    parts = []
    for i, panel in enumerate(panels):
        top = _TOP + i * (_PANEL + _PANEL_GAP)
        parts += _panel(panel, across, top)
        parts += [
            _text(across.at(x), top + _PANEL + 18, f"{x:g}", "soft", "middle")
            for x in steps
        ]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_text(middle, height - 16, x_label, "soft", "middle"))
    return _svg(title, description, height, parts)


def bar_chart(
    title: str, description: str, groups: Sequence[Group], axis: str = ""
) -> str:
    """Return groups of bars from left to right.

    Args:
        axis: what all bars are measured in, with one axis for them; without it each
            group has its own scale, and the texts behind the bars say the values.
    """
    rows = sum(len(group.bars) for group in groups)
    height = _TOP - 16 + rows * _ROW + len(groups) * _GROUP_GAP + (40 if axis else 0)
    bars = [bar for group in groups for bar in group.bars]
    left = 24 + _LETTER * max((len(bar.name) for bar in bars), default=0) + 10
    end = _WIDTH - _VALUE
    ticks = _steps(0.0, _highest(bars)) if axis else []
    parts: list[str] = []
    top = _TOP - 16.0
    for group in groups:
        high = ticks[-1] if axis else _highest(group.bars)
        parts += _group(group, _Scale(0.0, high, left, end), top, ticks)
        top += _GROUP_GAP + len(group.bars) * _ROW
    for x in ticks:
        at = _Scale(0.0, ticks[-1], left, end).at(x)
        parts.append(_text(at, height - 36, _number(x, ticks), "soft", "middle"))
    parts.append(_text((left + end) / 2, height - 14, axis, "soft", "middle"))
    return _svg(title, description, height, parts)


@dataclass(frozen=True)
class _Scale:
    """A straight map of values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + share * (self.end - self.start)


def _panel(panel: Panel, across: _Scale, top: float) -> list[str]:
    finite = [
        [(x, y) for x, y in line.points if math.isfinite(y)] for line in panel.lines
    ]
    ys = [y for points in finite for _, y in points]
    ys += [panel.limit] if panel.limit is not None else []
    ys += [0.0] if panel.from_zero or not ys else []
    low, high = min(ys), max(ys)
    # Small changes shall not look large.
    steps = _steps(min(low, high - _LEAST_SPAN * abs(high)), high)
    up = _Scale(steps[0], steps[-1], top + _PANEL, top)
    parts = [_text(_LEFT, top - 10, panel.label, "name")]
    for y in steps:
        parts.append(_rule(across.start, up.at(y), across.end, up.at(y), "grid"))
        parts.append(_text(_LEFT - 10, up.at(y) + 5, _number(y, steps), "soft", "end"))
    parts.append(_rule(_LEFT, top + _PANEL, across.end, top + _PANEL, "axis"))
    if panel.limit is not None:
        height = up.at(panel.limit)
        parts.append(_rule(across.start, height, across.end, height, "limit"))
        # Its name stands above the panel, where no line can cross it.
        sample = across.end - _LETTER * len(panel.limit_name) - 10
        parts.append(_rule(sample - 28, top - 15, sample, top - 15, "limit"))
        parts.append(_text(across.end, top - 10, panel.limit_name, "soft", "end"))
    for line, points, colour in zip(panel.lines, finite, _CLASSES, strict=False):
        parts += _line(line, points, colour, (across, up))
    return parts


def _line(
    line: Line, points: list[Point], colour: str, scales: tuple[_Scale, _Scale]
) -> Iterator[str]:
    across, up = scales
    places = [(across.at(x), up.at(y)) for x, y in points]
    if not places:
        return
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline class="line{colour}" points="{path}"/>'
    if len(places) <= _MARKERS:
        for x, y in places:
            yield f'<circle class="dot{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    x, y = places[-1]
    words = f"{line.name} {points[-1][1]:.3g}".strip()
    yield _text(x + 8, y + 5, words)


def _group(
    group: Group, across: _Scale, top: float, ticks: Sequence[float]
) -> Iterator[str]:
    yield _text(24, top + 10, group.label, "name")
    first, last = top + 18, top + 18 + len(group.bars) * _ROW
    for x in ticks:
        yield _rule(across.at(x), first, across.at(x), last, "grid")
    for i, bar in enumerate(group.bars):
        y = top + 24 + i * _ROW
        value = bar.value if math.isfinite(bar.value) else 0.0
        width = max(1.0, across.at(value) - across.start)
        kind = "plain" if bar.plain else "bar"
        yield _text(across.start - 10, y + 12, bar.name, "soft", "end")
        yield (
            f'<rect class="{kind}" x="{across.start:.1f}" y="{y:.1f}" '
            f'width="{width:.1f}" height="{_BAR}" rx="2"/>'
        )
        yield _text(across.start + width + 8, y + 12, bar.text)


def _highest(bars: Sequence[Bar]) -> float:
    return max((bar.value for bar in bars if math.isfinite(bar.value)), default=1.0)


def _steps(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return about five round numbers; they reach around low and high.

    Whole numbers stay between low and high instead.
    """
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / 5))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= span / 5)
    if whole:
        step = max(1.0, round(step))
        first, last = math.ceil(low / step), math.floor(high / step)
    else:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + (not whole))
    return [round(i * step, 12) for i in range(first, last + 1)]


def _number(value: float, steps: Sequence[float]) -> str:
    """Return a tick's label, with as many decimals as the ticks need."""
    step = steps[1] - steps[0] if len(steps) > 1 else 1.0
    needed = [d for d in range(7) if abs(round(step, d) - step) < step * 1e-6]
    return f"{value:,.{needed[0] if needed else 6}f}"


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    named = f' class="{kind}"' if kind else ""
    placed = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{named}{placed}>{escape(words)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return (
        f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" '
        f'x2="{x2:.1f}" y2="{y2:.1f}"/>'
    )


def _svg(title: str, description: str, height: float, parts: list[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" '
        f'width="{_WIDTH}" height="{height:g}" role="img" '
        'aria-labelledby="title desc">\n'
        f'<title id="title">{escape(title)}</title>\n'
        f'<desc id="desc">{escape(description)}</desc>\n'
        f"<style>{_STYLE}</style>\n"
        f"{_text(24, 26, title, 'title')}\n{body}\n</svg>\n"
    )
