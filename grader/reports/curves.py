"""Which charts and tables a run or a milestone is shown by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from markupsafe import Markup

from grader.models.measure import Sample, Usage
from grader.models.report import MilestoneResult
from grader.reports import units
from grader.reports.svg import Axis, Chart, line_chart, thin

ROWS: Final = 12  # of the table beside a chart
T = TypeVar("T")


class Figure(NamedTuple):
    """A chart and the same numbers as a table."""

    chart: Markup
    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def usage_figures(prefix: str, name: str, usage: Usage) -> tuple[Figure, ...]:
    """Return memory and CPU over time of one run; nothing if it was not sampled.

    Args:
        prefix: start of the charts' ids, unique on the page.
        name: what ran, as read aloud: "milestone 01 Perceptron".
    """
    samples = usage.curve
    if len(samples) < 2:
        return ()
    return (
        _over_time(_MEMORY, f"{prefix}-memory", name, samples),
        _over_time(_CPU, f"{prefix}-cpu", name, samples),
    )


class _Quantity(NamedTuple):
    title: str
    unit: str
    of: Callable[[Sample], float]
    shown: Callable[[float], str]
    style: str


_MEMORY: Final = _Quantity(
    "Memory", "MiB", lambda s: s.rss_bytes / units.MIB, lambda v: f"{v:.1f}", "s1"
)
_CPU: Final = _Quantity("CPU time", "s", lambda s: s.cpu_s, units.seconds, "s2")


def _over_time(
    what: _Quantity, chart_id: str, name: str, samples: Sequence[Sample]
) -> Figure:
    points = tuple((s.wall_s, what.of(s)) for s in samples)
    top, end = max(y for _, y in points), points[-1][0]
    chart = Chart(
        id=chart_id,
        title=f"{what.title} over time, {name}",
        description=(
            f"{what.title} in {what.unit} against seconds since the start: "
            f"at most {what.shown(top)} {what.unit} in {units.seconds(end)} s."
        ),
        x=Axis("s since start", end),
        y=Axis(f"{what.title}, {what.unit}", top),
        points=points,
        style=what.style,
    )
    rows = tuple((units.seconds(x), what.shown(y)) for x, y in thin(points, ROWS))
    caption = f"{what.title} over time"
    return Figure(line_chart(chart), caption, ("s", f"{what.title}, {what.unit}"), rows)


def learning_figure(prefix: str, result: MilestoneResult) -> Figure | None:
    """Return the measured learning curve of a milestone, or None."""
    curve = result.curve
    if not curve:
        return None
    percent = result.metric_name == "accuracy"
    scale = 100.0 if percent else 1.0
    points = tuple((float(e.epoch), scale * e.metric) for e in curve)
    unit = f"{result.metric_name}, %" if percent else result.metric_name
    target = units.metric(result.metric_name, result.target)
    said = units.target(result.metric_name, result.target)
    chart = Chart(
        id=f"{prefix}-learning",
        title=f"{result.metric_name} by epoch, {result.title}",
        description=(
            f"Measured on a validation split after each of {len(curve)} epochs: from "
            f"{units.metric(result.metric_name, curve[0].metric)} to "
            f"{units.metric(result.metric_name, curve[-1].metric)}; target: {said}."
        ),
        x=Axis("epoch", points[-1][0], whole=True),
        y=Axis(unit, max(100.0 if percent else 0.0, *(y for _, y in points), 0.0)),
        points=points,
        limit=scale * result.target,
        limit_name=f"target {target}",
    )
    rows = tuple(
        (
            str(e.epoch),
            units.metric(result.metric_name, e.metric),
            units.MISSING if e.reported_loss is None else f"{e.reported_loss:.4g}",
        )
        for e in _spread(curve)
    )
    headers = ("epoch", result.metric_name, "loss, reported by the submission")
    return Figure(line_chart(chart), "Learning curve", headers, rows)


def _spread(items: Sequence[T]) -> list[T]:
    """Return at most `ROWS` items, evenly spread, first and last among them."""
    if len(items) <= ROWS:
        return list(items)
    last = len(items) - 1
    return [items[round(i * last / (ROWS - 1))] for i in range(ROWS)]
