"""Plots of one session: its intervals, its raw samples, its process over time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from grader.models.measure import Sample
from grader.publish.competition_models import Samples, WorkloadResult
from grader.publish.look import chart, text
from grader.publish.look.curves import POINTS, ROWS
from grader.publish.look.scale import Scale, fitted, peaks, place, spread
from grader.publish.look.text import Ends
from grader.reports import units

WIDTH: Final = 460
WIDE: Final = 600  # of the interval plot, which stands beside one table
LABELS: Final = 152.0  # width of the names at the left
NUMBERS: Final = 40.0  # width of the numbers of launches
STEP: Final = 22.0  # between rows of the interval plot
LANE: Final = 13.0  # between launches of the strip plot


class _Line(NamedTuple):
    """One row of the interval plot."""

    name: str
    low: float
    value: float
    high: float
    style: str
    note: str


def interval_plot(prefix: str, of: str, works: Sequence[WorkloadResult]) -> str:
    """Return every measured ratio with its interval, the canary below each speed.

    Args:
        prefix: start of ids, unique on the page.
        of: whose it is, raw.
    """
    lines = [line for work in works for line in _lines(work)]
    if not lines:
        return ""
    ends = [v for line in lines for v in (line.low, line.high)]
    scale = fitted([*ends, 1.0], LABELS, WIDE - 10.0)
    bottom = 10 + STEP * len(lines)
    rows = "".join(
        _row(line, scale, 10 + STEP * (i + 0.5)) for i, line in enumerate(lines)
    )
    one = place(scale(1.0))
    shapes = (
        chart.x_axis(scale, bottom, 6, "times the reference, more is better")
        + f'<path class="ref" d="M{one} 2V{place(bottom)}"/>{rows}'
    )
    told = "; ".join(f"{line.name} {line.note}" for line in lines) + "."
    size = (WIDE, round(bottom + 40))
    drawing = chart.svg(f"{prefix}-iv", f"Ratios of {of}", told, size, shapes)
    body = [(text.safe(n.name), n.note) for n in lines]
    numbers = chart.table("Median and 95 % interval", ("what", "ratio"), body)
    return chart.figure("Intervals, with the canary", drawing, numbers)


def _lines(work: WorkloadResult) -> list[_Line]:
    found = []
    for what in ("speed", "memory", "accuracy"):
        value: Ends | None = getattr(work, what)
        if value is not None:
            found.append(_measured(f"{work.workload} {what}", value))
    if work.canary_offset is not None:
        at, bar = math.exp(work.canary_offset), work.canary_threshold
        note = f"{at:.3f}\u00d7, void beyond \u00b1{100 * bar:.1f} %"
        ends = math.exp(-bar), math.exp(bar)
        found.append(_Line(f"{work.workload} canary", ends[0], at, ends[1], "c", note))
    return found


def _measured(name: str, value: Ends) -> _Line:
    note = f"{text.ratio(value.value)} ({text.ratios(value)})"
    return _Line(name, value.low, value.value, value.high, "s", note)


def _row(line: _Line, scale: Scale, y: float) -> str:
    low, value, high = (place(scale(v)) for v in (line.low, line.value, line.high))
    at = place(y)
    return (
        f'<text x="{place(LABELS - 8)}" y="{place(y + 4)}" class="end">'
        f"{text.safe(line.name, 40)}</text>"
        f'<path class="beam {line.style}" d="M{low} {place(y - 6)}v12M{low} {at}H{high}'
        f'M{high} {place(y - 6)}v12"/><circle class="{line.style}" cx="{value}"'
        f' cy="{at}" r="3"/>'
    )


def strip_plot(prefix: str, work: WorkloadResult, samples: Samples) -> str:
    """Return every pair of every launch as a dot, the canary's beside the entry's."""
    lanes = samples.log_ratios
    if not lanes or not work.speed:
        return ""
    ours = [math.exp(v) for lane in lanes for v in lane]
    theirs = [math.exp(v) for lane in samples.canary for v in lane]
    scale = fitted([*ours, *theirs, 1.0], NUMBERS, WIDTH - 10.0)
    bottom = 12 + LANE * len(lanes)
    low, high = place(scale(work.speed.low)), place(scale(work.speed.high))
    middle, one = place(scale(work.speed.value)), place(scale(1.0))
    tall = f"{place(bottom - 8)}"
    shapes = (
        f'<path class="span" d="M{low} 8H{high}v{tall}H{low}z"/>'
        + chart.x_axis(scale, bottom, 8, "speed-up of each pair, a row a launch")
        + f'<path class="ref" d="M{one} 4V{place(bottom)}"/>'
        f'<path class="middle" d="M{middle} 4V{place(bottom)}"/>'
        + _lanes(samples.canary, scale, "c")
        + _lanes(lanes, scale, "s")
        + _numbers(len(lanes))
    )
    pairs = sum(len(lane) for lane in lanes)
    told = (
        f"{pairs} pairs in {len(lanes)} launches, one row each: from {min(ours):.3f} to"
        f" {max(ours):.3f}, median {work.speed.value:.3f}."
    )
    if theirs:
        told += f" The canary: from {min(theirs):.3f} to {max(theirs):.3f}."
    title = f"Raw samples of {work.workload}"
    size = (WIDTH, round(bottom + 40))
    drawing = chart.svg(f"{prefix}-raw", title, told, size, shapes)
    return chart.figure(
        f"Raw samples, {text.safe(work.workload)}", drawing, _table(samples, told)
    )


def _lanes(lanes: Sequence[Sequence[float]], scale: Scale, style: str) -> str:
    away = 2.5 if style == "c" else -1.5  # the canary a little below, not behind
    return chart.dots(
        (
            (scale(math.exp(v)), 8 + LANE * (i + 0.5) + away)
            for i, lane in enumerate(lanes)
            for v in lane
        ),
        style,
    )


def _numbers(count: int) -> str:
    shown = [0, count - 1] if count > 1 else [0]
    return "".join(
        f'<text class="end" x="{place(NUMBERS - 12)}"'
        f' y="{place(8 + LANE * (i + 0.5) + 4)}">{i + 1}</text>'
        for i in shown
    )


def _table(samples: Samples, told: str) -> str:
    canary = samples.canary or ((),) * len(samples.log_ratios)
    both = zip(samples.log_ratios, canary, strict=False)
    rows = [(str(i), _joined(a), _joined(b)) for i, (a, b) in enumerate(both, start=1)]
    return chart.table(told, ("launch", "entry", "canary"), rows)


def _joined(lane: Sequence[float]) -> str:
    return " ".join(f"{math.exp(v):.3f}" for v in lane)


def process_plot(prefix: str, work: WorkloadResult, samples: Samples) -> str:
    """Return memory, and below it how busy the processor was, over the session."""
    curve = [
        Sample(wall_s=p.at_s, cpu_s=p.cpu_s, rss_bytes=p.rss_bytes)
        for p in samples.curve
    ]
    return usage_plot(f"{prefix}-use", str(work.workload), curve)


def usage_plot(chart_id: str, what: str, curve: Sequence[Sample]) -> str:
    """Return memory and processor over time; nothing of fewer than two readings.

    Args:
        chart_id: unique on the page.
        what: what ran, raw.
    """
    if len(curve) < 2:
        return ""
    memory = [(p.wall_s, p.rss_bytes / units.MIB) for p in curve]
    busy = _busy(curve)
    end, top = curve[-1].wall_s, max(y for _, y in memory)
    x = Scale(0.0, max(end, 1e-9), 48.0, WIDTH - 10.0)
    upper = Scale(0.0, max(top, 1e-9) * 1.05, 94.0, 22.0)
    lower = Scale(0.0, max(1.0, *(y for _, y in busy)) * 1.05, 172.0, 128.0)
    shapes = (
        chart.y_axis(upper, 48.0, WIDTH - 10.0, "memory, MiB", about=2)
        + chart.y_axis(lower, 48.0, WIDTH - 10.0, "processors busy", about=2)
        + chart.x_axis(x, 172.0, 172.0, "seconds since start")
        + chart.path([(x(a), upper(b)) for a, b in peaks(memory, POINTS)], "line s1")
        + chart.path([(x(a), lower(b)) for a, b in busy], "line s2")
    )
    told = (
        f"At most {top:.3g} MiB; {curve[-1].cpu_s - curve[0].cpu_s:.3g} s of processor"
        f" time in {end - curve[0].wall_s:.3g} s."
    )
    title = f"Memory and processor, {what}"
    drawing = chart.svg(chart_id, title, told, (WIDTH, 212), shapes)
    rows = [
        (f"{p.wall_s:.3g}", f"{p.rss_bytes / units.MIB:.1f}", f"{p.cpu_s:.3g}")
        for p in spread(curve, ROWS)
    ]
    numbers = chart.table(told, ("s", "MiB", "CPU s"), rows)
    return chart.figure(text.safe(title), drawing, numbers)


def _busy(curve: Sequence[Sample]) -> list[tuple[float, float]]:
    """Return CPU seconds a second between the readings of a thinned curve."""
    return [
        (b.wall_s, max(0.0, (b.cpu_s - a.cpu_s) / (b.wall_s - a.wall_s)))
        for a, b in itertools.pairwise(spread(curve, POINTS))
        if b.wall_s > a.wall_s
    ] or [(curve[-1].wall_s, 0.0)]
