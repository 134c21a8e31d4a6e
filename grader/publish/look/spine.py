"""The milestones of the course on their true axis of time, with what was reached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from markupsafe import Markup

from grader.models.report import MilestoneResult
from grader.publish.look import marks, text
from grader.publish.look.scale import place
from grader.publish.models import Board, MilestoneScore
from grader.reports import units

# What happened then, as milestones/*/README.md tell it with their sources. A course
# with other milestones has none of these, and its own titles and years all the same.
STORIES: Final = {
    "perceptron": "Rosenblatt: inputs, weights, a sum, and a rule that learns from "
    "mistakes.",
    "xor": "Minsky and Papert prove that no single layer can tell \u201ceither, but "
    "not both\u201d.",
    "mlp": "Rumelhart, Hinton and Williams train the layers in between by "
    "back-propagation.",
    "cnn": "LeCun and others slide one small window of weights over the whole image.",
    "transformer": "Vaswani and others keep attention, and leave recurrence out.",
    "systems": "As good, but smaller and faster: int8, pruning, a cache of keys and "
    "values.",
}
AXIS_TALL: Final = 74
_TRACK: Final = 18


class Stop(NamedTuple):
    """One milestone; texts are raw, drawings are HTML."""

    name: str
    number: str
    title: str
    year: int | None
    story: str
    reached: int
    of: int
    share: Markup
    metric_name: str
    best: str  # empty: nobody got as far as a value
    target: str
    rug: Markup


class Spine(NamedTuple):
    """All milestones of one board; `axis` is empty where a year is not known."""

    round: str
    profile: str
    entries: int
    stops: tuple[Stop, ...]
    axis: Markup


def spine(board: Board, known: Iterable[MilestoneResult]) -> Spine | None:
    """Return the spine of a board, or None where it has no milestones.

    Args:
        known: milestones of some of its results, for years and targets.
    """
    facts = {m.name: m for m in known}
    scores: dict[str, list[MilestoneScore]] = {}
    for entry in board.entries:
        for stone in entry.milestones:
            scores.setdefault(stone.name, []).append(stone)
    if not scores:
        return None
    order = sorted(scores, key=lambda name: (scores[name][0].number, name))
    stops = tuple(_stop(scores[name], facts.get(name)) for name in order)
    return Spine(board.round, board.profile, len(board.entries), stops, _axis(stops))


def _stop(stones: list[MilestoneScore], fact: MilestoneResult | None) -> Stop:
    first = stones[0]
    metric = next((s.metric_name for s in stones if s.metric is not None), "")
    values = [s.metric for s in stones if s.metric is not None]
    lower = metric in units.LOWER_IS_BETTER
    judged = [s for s in stones if s.reached is not None]
    reached = sum(bool(s.reached) for s in judged)
    best = (min if lower else max)(values) if values else None
    target = fact.target if fact else None
    return Stop(
        name=first.name,
        number=first.number,
        title=first.title,
        year=fact.year if fact else None,
        story=STORIES.get(first.name, ""),
        reached=reached,
        of=len(judged),
        share=text.markup(marks.wide_bar(reached / len(judged) if judged else 0.0)),
        metric_name=metric,
        best="" if best is None else units.metric(metric, best),
        target="" if target is None else units.target(metric, target),
        rug=text.markup(marks.rug(values, target, lower_is_better=lower)),
    )


def _axis(stops: tuple[Stop, ...]) -> Markup:
    """Return the axis: years to scale above, a line from each down to its column."""
    years = [s.year for s in stops if s.year is not None]
    if len(years) < max(2, len(stops)) or years != sorted(set(years)):
        return Markup("")
    first, last = years[0], years[-1]

    def at(year: int) -> str:
        return f"{place(96 * (year - first) / (last - first))}%"

    decades = range(-(-first // 10) * 10, last + 1, 10)
    ticks = "".join(
        f'<line class="grid" x1="{at(y)}" x2="{at(y)}" y1="{_TRACK - 5}"'
        f' y2="{_TRACK}"/>'
        f'<text x="{at(y)}" y="9" text-anchor="middle">{y}</text>'
        for y in decades
    )
    wide = 100 / len(stops)
    drops = "".join(
        f'<line class="drop" x1="{at(y)}" y1="{_TRACK}" x2="{place(i * wide)}%"'
        f' y2="{AXIS_TALL}"/>'
        for i, y in enumerate(years)
    )
    heads = "".join(
        f'<circle class="stop" cx="{at(y)}" cy="{_TRACK}" r="5"/>' for y in years
    )
    return text.markup(
        f'<svg class="axis" width="100%" height="{AXIS_TALL}" aria-hidden="true">'
        f'<line class="track" x1="0%" x2="96%" y1="{_TRACK}" y2="{_TRACK}"/>'
        f"{ticks}{drops}{heads}</svg>"
    )
