"""The Pareto scatter of an event: two qualities, their intervals, and the frontier."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from markupsafe import Markup

from grader.publish.competition_models import EventEntry, Interval
from grader.publish.look import chart, text
from grader.publish.look.scale import Scale, fitted, place

Quality = Literal["speed", "memory", "accuracy"]
WIDTH, HEIGHT = 620, 400
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 30.0, 44.0
APART: Final = 22.0  # between dots that get labels of their own
CROSSED: Final = 200  # entries whose intervals are drawn; of more, the frontier's alone
FEWER: Final = " Of so many, only the frontier has its intervals drawn."
LABELLED: Final = 12  # entries of the frontier that get a number and a row
TITLES: Final[dict[Quality, str]] = {
    "speed": "speed, times the reference",
    "memory": "memory, times less than the reference",
    "accuracy": "accuracy, times the reference",
}
# Which two to show, where both are measured; the first that some entries have.
PAIRS: Final[tuple[tuple[Quality, Quality], ...]] = (
    ("accuracy", "speed"),
    ("speed", "memory"),
    ("accuracy", "memory"),
)


class Scatter(NamedTuple):
    """A drawing, and the entries of its frontier from left to right."""

    drawing: Markup
    x: Quality
    y: Quality
    frontier: tuple[EventEntry, ...]


class _Dot(NamedTuple):
    entry: EventEntry
    x: Interval
    y: Interval


def scatter(chart_id: str, title: str, entries: Sequence[EventEntry]) -> Scatter | None:
    """Return the scatter of ranked entries, or None of fewer than two."""
    for x, y in PAIRS:
        found = [_dot(e, x, y) for e in entries if e.state == "ranked"]
        dots = [dot for dot in found if dot is not None]
        if len(dots) > 1 and _spread(dots):
            front = _frontier(dots)
            drawing = _draw(chart_id, title, (x, y), dots, front)
            kept = tuple(dot.entry for dot in front[:LABELLED])
            return Scatter(text.markup(drawing), x, y, kept)
    return None


def _dot(entry: EventEntry, x: Quality, y: Quality) -> _Dot | None:
    a: Interval | None = getattr(entry, x)
    b: Interval | None = getattr(entry, y)
    return None if a is None or b is None else _Dot(entry, a, b)


def _spread(dots: Sequence[_Dot]) -> bool:
    """Tell whether both qualities differ at all: accuracy may be 1 for all."""
    across = {round(d.x.value, 6) for d in dots}
    up = {round(d.y.value, 6) for d in dots}
    return len(across) > 1 and len(up) > 1


def _frontier(dots: Sequence[_Dot]) -> list[_Dot]:
    """Return the entries that no other surpasses in both, by their values."""
    kept: list[_Dot] = []
    best = float("-inf")
    for dot in sorted(dots, key=lambda d: (-d.x.value, -d.y.value)):
        if dot.y.value > best:
            kept.append(dot)
            best = dot.y.value
    return kept[::-1]


def _draw(
    chart_id: str,
    title: str,
    names: tuple[Quality, Quality],
    dots: Sequence[_Dot],
    front: Sequence[_Dot],
) -> str:
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
    x = fitted((v for d in dots for v in (d.x.low, d.x.high, 1.0)), LEFT, right)
    y = fitted((v for d in dots for v in (d.y.low, d.y.high, 1.0)), bottom, TOP)
    # The reference is at (1, 1) by definition.
    home = f"M{place(x(1))} {place(TOP)}V{place(bottom)}M{place(LEFT)} {place(y(1))}"
    shapes = (
        chart.y_axis(y, LEFT, right, TITLES[names[1]])
        + chart.x_axis(x, bottom, TOP, TITLES[names[0]])
        + f'<path class="ref" d="{home}H{place(right)}"/>'
        + _steps(front, x, y)
        + _whiskers(dots if len(dots) <= CROSSED else front, x, y)
        + chart.dots(_apart(dots, x, y), "s")
        + chart.dots(((x(d.x.value), y(d.y.value)) for d in front), "top")
        + _labels(front[:LABELLED], x, y)
    )
    told = (
        f"{text.count(len(dots), 'entry', 'entries')}; {names[0]} to the right,"
        f" {names[1]} upwards, both against the reference at 1."
        f" {text.count(len(front), 'entry is', 'entries are')} on the frontier, which"
        " nobody surpasses in both; they stand in the table beside it."
        f"{FEWER if len(dots) > CROSSED else ''}"
    )
    return chart.svg(chart_id, title, told, (WIDTH, HEIGHT), shapes)


def _apart(dots: Sequence[_Dot], x: Scale, y: Scale) -> Iterable[tuple[float, float]]:
    """Return where dots are drawn; of very many, those that cover another are left."""
    found = [(x(d.x.value), y(d.y.value)) for d in dots]
    if len(found) <= CROSSED:
        return found
    return dict.fromkeys((float(round(a)), float(round(b))) for a, b in found)


def _steps(front: Sequence[_Dot], x: Scale, y: Scale) -> str:
    """Return the frontier: what is left of it and below is surpassed."""
    start = f"M{place(LEFT)} {place(y(front[0].y.value))}"
    turns = "".join(f"V{place(y(d.y.value))}H{place(x(d.x.value))}" for d in front)
    return f'<path class="front" d="{start}{turns}V{place(HEIGHT - BOTTOM)}"/>'


def _whiskers(dots: Sequence[_Dot], x: Scale, y: Scale) -> str:
    lines = "".join(
        f"M{place(x(d.x.low))} {place(y(d.y.value))}H{place(x(d.x.high))}"
        f"M{place(x(d.x.value))} {place(y(d.y.low))}V{place(y(d.y.high))}"
        for d in dots
    )
    return f'<path class="whisker" d="{lines}"/>'


def _labels(front: Sequence[_Dot], x: Scale, y: Scale) -> str:
    """Return the numbers of the frontier; those of dots that touch stand together."""
    groups: list[tuple[float, float, list[str]]] = []
    for number, dot in enumerate(front, start=1):
        at = x(dot.x.value), y(dot.y.value)
        last = groups[-1] if groups else None
        if last and math.hypot(at[0] - last[0], at[1] - last[1]) < APART:
            last[2].append(str(number))
        else:
            groups.append((*at, [str(number)]))
    return "".join(
        f'<text class="top" x="{place(a + 7)}" y="{place(b - 8)}">'
        f"{', '.join(numbers)}</text>"
        for a, b, numbers in groups
    )
