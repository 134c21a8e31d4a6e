"""The points part of an entry's page: one round's modules and milestones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from grader.models.report import MilestoneMeasure, MilestoneResult
from grader.publish.competition_models import PointsPart
from grader.publish.look import curves, marks, text
from grader.publish.models import MilestoneScore, ModuleScore
from grader.reports import summary, units
from grader.reports.words import State, state
from grader.store.documents import Runs

# Said in public of a milestone that was not reached; no word of why.
LABELS: Final[dict[State, str]] = {
    "passed": "reached",
    "failed": "not reached",
    "blocked": "waits for a module",
    "todo": "not written yet",
    "unjudged": "not judged",
}
Fact = tuple[str, str, str]  # name, value, note


class PointsView(NamedTuple):
    """One round on an entry's page; rows are HTML."""

    id: str
    part: PointsPart
    facts: tuple[Fact, ...]
    modules: Markup
    milestones: Markup
    figures: Markup
    history: Markup


def points_view(number: int, part: PointsPart, runs: Runs | None) -> PointsView:
    """Return what one round shows.

    Args:
        number: of the part on its page; ids are made from it.
        runs: of the result that counts; None leaves out curves and limits.
    """
    entry = part.entry
    found = runs.verdict.milestones if runs else ()
    costs = runs.measurements.milestones if runs else ()
    pairs = {p[0].name: p for p in summary.paired(found, costs)}
    stones = [_stone(m, *pairs.get(m.name, (None, None))) for m in entry.milestones]
    return PointsView(
        id=f"points-{number}",
        part=part,
        facts=_facts(part),
        modules=text.markup("\n".join(map(_module, entry.modules))),
        milestones=text.markup("\n".join(stones)),
        figures=text.markup(_figures(f"p{number}", pairs.values())),
        history=text.markup("\n".join(_past(part))),
    )


def _facts(part: PointsPart) -> tuple[Fact, ...]:
    entry = part.entry
    full = sum(m.earned is not None and m.earned >= m.points for m in entry.modules)
    reached = sum(bool(m.reached) for m in entry.milestones)
    given = part.place
    rank = text.place(entry) if given is None else text.markup(given)
    return (
        ("rank", rank, f"round {part.round}, {part.profile} profile"),
        ("total", text.points(entry.total), f"of {units.points(entry.points)} points"),
        ("full modules", str(full), f"of {len(entry.modules)}"),
        ("milestones reached", str(reached), f"of {len(entry.milestones)}"),
    )


def _module(module: ModuleScore) -> str:
    share = (module.earned or 0.0) / module.points if module.points else 0.0
    return (
        f'<tr><td class="num">{text.safe(module.number, 8)}</td>'
        f'<th scope="row">{text.name(module.title)}</th>'
        f'<td class="num">{text.points(module.earned)}</td>'
        f'<td class="num muted">{units.points(module.points)}</td>'
        f"<td>{marks.bar(share)}</td></tr>"
    )


def _stone(
    score: MilestoneScore,
    result: MilestoneResult | None,
    cost: MilestoneMeasure | None,
) -> str:
    style: State = "passed" if score.reached else "failed"
    if score.reached is None:
        style = "unjudged"
    elif result is not None:
        style = state(result.outcome)
    target = ""
    if result is not None:
        bound = units.target(result.metric_name, result.target)
        target = f' <span class="range">{bound}</span>'
    metric = units.metric(score.metric_name, score.metric)
    cpu = text.DASH if score.cpu_s is None else f"{units.seconds(score.cpu_s)} s"
    peak = score.peak_memory_bytes
    memory = text.DASH if peak is None else f"{units.mebibytes(peak)} MiB"
    cpu += _limit(cost.cpu_limit_s if cost else None, "s")
    memory += _limit(cost.memory_limit_bytes if cost else None, "MiB")
    of = f" ({result.year})" if result else ""
    replayed = ""
    if result is not None and result.replayed:
        replayed = "<small>replayed on the reference</small>"
    return (
        f'<tr><td class="num">{text.safe(score.number, 8)}</td><th scope="row">'
        f'{text.name(score.title)}<span class="muted">{of}</span></th>'
        f'<td><span class="state {style}">{LABELS[style]}</span> {replayed}</td>'
        f'<td class="num">{metric}{target}</td>'
        f'<td class="num">{cpu}</td>'
        f'<td class="num">{memory}</td>'
        f'<td class="num">{text.points(score.earned)} <span class="muted">of'
        f" {units.points(score.points)}</span></td></tr>"
    )


def _limit(limit: float | None, unit: str) -> str:
    if not limit:
        return ""
    shown = units.mebibytes(limit) if unit == "MiB" else units.seconds(limit)
    return f' <span class="range">limit {shown}</span>'


def _figures(prefix: str, pairs: Iterable[summary.Paired]) -> str:
    """Return small multiples: how each milestone learned, and what memory it took."""
    learned, took = [], []
    for result, cost in pairs:
        name, caption = f"{prefix}-{result.name}", f"{result.number} {result.title}"
        learned.append(curves.learning(f"{name}-learning", caption, result))
        if cost:
            took.append(curves.usage(f"{name}-memory", caption, cost.usage.curve))
    return "".join(
        f'<h3>{title}</h3><p class="muted">{note}</p>'
        f'<div class="figures small">{"".join(shown)}</div>'
        for title, note, shown in (
            (
                "How the milestones learned",
                "On validation data; the red line is what was asked.",
                learned,
            ),
            ("Memory while they ran", "Above an idle sandbox.", took),
        )
        if any(shown)
    )


def _past(part: PointsPart) -> Sequence[str]:
    return [
        f'<tr><td class="num">{text.day(past.graded_on)}</td>'
        f'<td class="num">{text.points(past.total)}</td>'
        f'<td class="mono">{units.short_digest(past.submission)}</td>'
        f"<td>{past.state}</td></tr>"
        for past in part.entry.history
    ]
