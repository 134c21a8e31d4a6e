"""Records over time: a staircase of dates and values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from grader.compete.formula import REFERENCE_SCORE
from grader.publish.competition_models import Record
from grader.publish.look import chart, text
from grader.publish.look.scale import Scale, fitted, place

WIDTH, HEIGHT = 620, 210
LEFT, RIGHT, TOP, BOTTOM = 48.0, 12.0, 26.0, 40.0
DAYS: Final = 4  # dates below the axis


def staircase(chart_id: str, title: str, records: Sequence[Record], until: date) -> str:
    """Return how a record rose, oldest first, up to `until`.

    Args:
        records: at least one, oldest first.
    """
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    first = records[0].set_on.toordinal()
    last = max(until.toordinal(), records[-1].set_on.toordinal(), first + 1)
    x = Scale(float(first), float(last), LEFT + 6, right)
    y = fitted([REFERENCE_SCORE, *(r.value for r in records)], bottom, TOP, log=False)
    points = [(x(float(r.set_on.toordinal())), y(r.value)) for r in records]
    start = f"M{place(points[0][0])} {place(points[0][1])}"
    turns = "".join(f"H{place(a)}V{place(b)}" for a, b in points[1:])
    shapes = (
        chart.y_axis(y, LEFT, right, "score, reference 100")
        + _dates(first, last, x, bottom)
        + f'<path class="ref" d="M{place(LEFT)} {place(y(REFERENCE_SCORE))}'
        f'H{place(right)}"/><path class="front" d="{start}{turns}H{place(right)}"/>'
        + chart.dots(points, "s")
    )
    told = "; ".join(
        f"{text.day(r.set_on)} {text.score(r.value)}" for r in records[-12:]
    )
    return chart.svg(chart_id, title, f"{told}.", (WIDTH, HEIGHT), shapes)


def _dates(first: int, last: int, x: Scale, bottom: float) -> str:
    count = min(DAYS, last - first + 1)
    days = [first + round(i * (last - first) / (count - 1)) for i in range(count)]
    ends = {0: "start", count - 1: "end"}
    return "".join(
        f'<path class="grid" d="M{place(x(d))} {place(bottom)}v5"/>'
        f'<text x="{place(x(d))}" y="{place(bottom + 19)}"'
        f' text-anchor="{ends.get(i, "middle")}">{date.fromordinal(d)}</text>'
        for i, d in enumerate(days)
    )
