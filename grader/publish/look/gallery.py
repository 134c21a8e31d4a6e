"""The gallery of capstone projects: cards, and the plots of one project.

Titles and everything else that a card tells in words are a student's, and escaped.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from markupsafe import Markup

from grader.publish.look import chart, text
from grader.publish.look.chart import Point
from grader.publish.look.curves import ROWS
from grader.publish.look.points import Fact
from grader.publish.look.samples import usage_plot
from grader.publish.look.scale import fitted, peaks, place, spread
from grader.publish.projects import Card, DrawCard
from grader.reports import units

WIDTH, TALL = 260, 34
PLOT: Final = (460, 212)
# What became of a claim: its colour and its words.
CLAIMS: Final = {
    "reproduced": ("passed", "reproduced"),
    "unclear": ("blocked", "unclear"),
    "not reproduced": ("failed", "not reproduced"),
    "reported": ("todo", "reported, not measured"),
    "not judged": ("unjudged", "not judged"),
}


class CardView(NamedTuple):
    """A project in the gallery; `mark` is HTML, texts are raw."""

    card: Card
    path: str
    style: str
    claim: str
    claimed: str
    measured: str
    mark: Markup


class ProjectView(NamedTuple):
    """A project's own page."""

    view: CardView
    facts: tuple[Fact, ...]
    figures: Markup
    data: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, str], ...]


def card_view(card: Card) -> CardView:
    """Return a card as the gallery shows it."""
    style, words = CLAIMS[card.metric.state]
    return CardView(
        card=card,
        path=f"projects/{card.slug}.html",
        style=style,
        claim=words,
        claimed=_value(card, card.metric.claimed),
        measured=_measured(card),
        mark=text.markup(_mark(card)),
    )


def project_view(card: Card) -> ProjectView:
    """Return all that a project's page shows."""
    figures = (_learning(card), usage_plot("used", "first draw", card.resources))
    return ProjectView(
        view=card_view(card),
        facts=_facts(card),
        figures=text.markup("".join(figures)),
        data=_data(card),
        sources=(
            ("submission", card.submission),
            ("project files", card.project),
            ("measurement", card.document),
            ("measured on", text.day(card.measured_on)),
            ("round", card.round),
            ("isolation tier", card.tier),
            ("host", card.host),
            ("engine", f"grader {card.engine}"),
        ),
    )


def _value(card: Card, value: float | None) -> str:
    shown = units.metric(card.metric.name, value)
    unit = card.metric.unit
    return (
        f"{shown} {unit}" if unit and value is not None and "%" not in shown else shown
    )


def _measured(card: Card) -> str:
    metric = card.metric
    if metric.value is None:
        return _value(card, metric.reported)
    low, high = (
        units.metric(metric.name, metric.low),
        units.metric(metric.name, metric.high),
    )
    return f"{_value(card, metric.value)} ({low} to {high})"


def _mark(card: Card) -> str:
    """Return what was measured as an interval, and the claim as a tall line."""
    metric = card.metric
    if metric.value is None or metric.low is None or metric.high is None:
        return ""
    ends = (4.0, WIDTH - 4.0) if metric.higher_is_better else (WIDTH - 4.0, 4.0)
    known = (metric.low, metric.high, metric.claimed)
    scale = fitted(known, *ends, log=False)
    low, value, high, claimed = (
        place(scale(v)) for v in (metric.low, metric.value, metric.high, metric.claimed)
    )
    return (
        f'<svg class="claim" viewBox="0 0 {WIDTH} {TALL}" aria-hidden="true">'
        f'<path class="grid" d="M0 26H{WIDTH}"/>'
        f'<path class="beam" d="M{low} 11v12M{low} 17H{high}M{high} 11v12"/>'
        f'<circle cx="{value}" cy="17" r="3"/>'
        f'<path class="bound" d="M{claimed} 4v26"/></svg>'
    )


def _facts(card: Card) -> tuple[Fact, ...]:
    metric, cost, budget = card.metric, card.cost, card.budget
    over = {
        "draws": f"95 %, over {text.count(metric.draws, 'draw')}",
        "examples": "95 %, over the examples of one draw",
        None: "",
    }[metric.over]
    name = metric.name if metric.value is not None else f"{metric.name}, as reported"
    return (
        (name, _measured(card).partition(" (")[0], _ends(card) + over),
        ("claimed", _value(card, metric.claimed), CLAIMS[metric.state][1]),
        ("CPU time of a training", _s(cost.cpu_s), f"declared: {_s(budget.cpu_s)}"),
        ("memory", _mib(cost.memory_bytes), f"declared: {_mib(budget.memory_bytes)}"),
    )


def _ends(card: Card) -> str:
    name, metric = card.metric.name, card.metric
    if metric.low is None:
        return ""
    return f"{units.metric(name, metric.low)} to {units.metric(name, metric.high)}; "


def _s(value: float | None) -> str:
    return text.DASH if value is None else f"{units.seconds(value)} s"


def _mib(value: int | None) -> str:
    return text.DASH if value is None else f"{units.mebibytes(value)} MiB"


def _learning(card: Card) -> str:
    """Return the learning curves of all draws in one chart."""
    percent = card.metric.name == "accuracy"
    draws = [(d, _points(d, 100.0 if percent else 1.0)) for d in card.draws]
    draws = [(d, points) for d, points in draws if len(points) > 1]
    if not draws:
        return ""
    width, height = PLOT
    every = [p for _, points in draws for p in points]
    x = fitted([0.0, *(a for a, _ in every)], 48.0, width - 10.0, log=False)
    y = fitted([b for _, b in every], height - 40.0, 24.0, log=False)
    lines = "".join(
        chart.path([(x(a), y(b)) for a, b in peaks(points, 64)], "line s1 thin")
        for _, points in draws
    )
    unit = "accuracy, %" if percent else text.safe(card.metric.name, 40)
    shapes = (
        chart.y_axis(y, 48.0, width - 10.0, unit)
        + chart.x_axis(x, height - 40.0, height - 40.0, "CPU seconds of training")
        + lines
    )
    ends = ", ".join(f"{points[-1][1]:.4g}" for _, points in draws)
    told = f"{text.count(len(draws), 'draw')}; at the end: {ends}."
    title = "Learning, on validation examples"
    drawing = chart.svg("learning", title, told, PLOT, shapes)
    rows = [
        (str(d.number), f"{a:.3g}", f"{b:.4g}")
        for d, points in draws
        for a, b in spread(points, ROWS)
    ]
    return chart.figure(
        title, drawing, chart.table(told, ("draw", "CPU s", unit), rows)
    )


def _points(draw: DrawCard, scale: float) -> list[Point]:
    return [(p.cpu_s, scale * p.metric) for p in draw.curve if p.metric is not None]


def _data(card: Card) -> tuple[tuple[str, str], ...]:
    data = card.data
    whose = "the author's own" if data.own else "a data set of the course"
    size = "" if data.size_bytes is None else f", {data.size_bytes / 1e6:.2f} MB"
    return (
        ("data", f"{data.title}, {whose}{size}"),
        ("source", data.source),
        ("licence", data.licence),
        ("examples", f"{data.train} to learn from, {data.held_out} held out"),
        ("sha256", data.sha256),
    )
