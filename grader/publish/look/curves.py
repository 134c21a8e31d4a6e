"""Curves over time on an entry's page: learning, memory, processor time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from grader.models.measure import Sample
from grader.models.report import MilestoneResult
from grader.publish.look import chart, text
from grader.publish.look.chart import Point
from grader.publish.look.scale import Scale, peaks, place, spread
from grader.reports import units

WIDTH, HEIGHT = 340, 150
LEFT, RIGHT, TOP, BOTTOM = 42.0, 8.0, 22.0, 38.0
POINTS: Final = 36  # a curve is 290 units wide; that is one every eight
ROWS: Final = 6


class Curve(NamedTuple):
    """What one chart shows; texts are raw."""

    id: str
    title: str
    description: str
    x_title: str
    y_title: str
    points: Sequence[Point]
    target: float | None = None
    style: str = "s1"


def drawn(curve: Curve) -> str:
    """Return a curve from zero on both axes, with its target as a dashed line."""
    tops = [y for _, y in curve.points] + [curve.target or 0.0]
    right = max(curve.points[-1][0], 1e-9)
    x = Scale(0.0, right, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, max(*tops, 1e-9) * 1.04, HEIGHT - BOTTOM, TOP)
    kept = peaks(curve.points, POINTS)
    line = list(
        zip(x.places(a for a, _ in kept), y.places(b for _, b in kept), strict=True)
    )
    shapes = [
        chart.y_axis(y, LEFT, WIDTH - RIGHT, curve.y_title, about=3),
        chart.x_axis(x, HEIGHT - BOTTOM, HEIGHT - BOTTOM, curve.x_title, about=4),
        chart.path(line, f"line {curve.style}"),
    ]
    if curve.target is not None:
        at = place(y(curve.target))
        shapes.append(f'<path class="bound" d="M{place(LEFT)} {at}H{WIDTH - RIGHT}"/>')
    size = (WIDTH, HEIGHT)
    return chart.svg(curve.id, curve.title, curve.description, size, "".join(shapes))


def usage(chart_id: str, caption: str, samples: Sequence[Sample]) -> str:
    """Return memory over time; nothing of fewer than two readings.

    Args:
        chart_id: unique on the page.
        caption: what ran, raw: "04 The CNN revolution".
    """
    if len(samples) < 2:
        return ""
    points = [(s.wall_s, s.rss_bytes / units.MIB) for s in samples]
    top, end = max(y for _, y in points), points[-1][0]
    told = f"At most {top:.3g} MiB in {units.seconds(end)} s."
    curve = Curve(
        id=chart_id,
        title=f"Memory over time, {caption}",
        description=told,
        x_title="seconds since start",
        y_title="MiB",
        points=points,
    )
    rows = [(units.seconds(x), f"{y:.3g}") for x, y in spread(points, ROWS)]
    numbers = chart.table(told, ("s", "MiB"), rows)
    return chart.figure(text.name(caption), drawn(curve), numbers)


def learning(chart_id: str, caption: str, result: MilestoneResult) -> str:
    """Return the measured learning curve of a milestone; nothing if it has none."""
    if not result.curve:
        return ""
    percent = result.metric_name == "accuracy"
    scale = 100.0 if percent else 1.0
    shown = [units.metric(result.metric_name, e.metric) for e in result.curve]
    told = (
        f"{len(shown)} epochs, from {shown[0]} to {shown[-1]};"
        f" target {units.target(result.metric_name, result.target)}."
    )
    curve = Curve(
        id=chart_id,
        title=f"{result.metric_name} by epoch, {caption}",
        description=told,
        x_title="epoch",
        y_title="accuracy, %" if percent else result.metric_name,
        points=[(float(e.epoch), scale * e.metric) for e in result.curve],
        target=scale * result.target,
    )
    pairs = zip((str(e.epoch) for e in result.curve), shown, strict=True)
    rows = spread(list(pairs), ROWS)
    numbers = chart.table(told, ("epoch", "measured"), rows)
    return chart.figure(text.name(caption), drawn(curve), numbers)
