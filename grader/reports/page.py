"""What the HTML report shows, worked out before any HTML is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from markupsafe import Markup

from grader.models.outcome import Passed
from grader.models.report import (
    CheckMeasure,
    CheckResult,
    GradeReport,
    MilestoneMeasure,
    MilestoneResult,
    ModuleResult,
    Requirement,
    Verdict,
)
from grader.reports import summary, units
from grader.reports.curves import Figure, learning_figure, usage_figures
from grader.reports.display import safe_text
from grader.reports.svg import bar
from grader.reports.words import LABELS, PACK, STATES, Message, State, message, state

Shown = Callable[[float], str]


class Fact(NamedTuple):
    """One of the few numbers at the top, with a note below it."""

    name: str
    value: str
    note: str


class Pair(NamedTuple):
    """One line of provenance."""

    name: str
    value: str
    mono: bool = False


class LimitRow(NamedTuple):
    """How much of one limit was used."""

    name: str
    used: str
    limit: str
    share: str
    bar: Markup


class CheckView(NamedTuple):
    """One check as shown."""

    title: str
    task: str
    state: State
    label: str
    cost: str
    message: Message
    output: str


class ModuleView(NamedTuple):
    """One module as shown; `tally` follows the labels of the page."""

    anchor: str
    number: str
    title: str
    earned: str
    points: str
    bar: Markup
    tally: tuple[int, ...]
    checks: tuple[CheckView, ...]


class MilestoneView(NamedTuple):
    """One milestone as shown."""

    anchor: str
    number: str
    title: str
    year: int
    earned: str
    points: str
    state: State
    label: str
    message: Message | None
    metric_line: str
    requirements: tuple[Requirement, ...]
    measured: str
    sample: str
    limits: tuple[LimitRow, ...]
    figures: tuple[Figure, ...]
    data: str
    replay: str


class Page(NamedTuple):
    """Everything on the page, in its order."""

    label: str
    total: str
    course: str
    round: str
    round_kind: str
    profile: str
    started: str
    facts: tuple[Fact, ...]
    next: tuple[str, ...]
    labels: tuple[str, ...]
    modules: tuple[ModuleView, ...]
    milestones: tuple[MilestoneView, ...]
    suite: tuple[Figure, ...]
    notes: tuple[str, ...]
    provenance: tuple[Pair, ...]


def page(report: GradeReport) -> Page:
    """Return what the page of `report` shows; texts are raw, not escaped."""
    verdict, measured = report.verdict, report.measurements
    tallies = [summary.counts(module.checks) for module in verdict.modules]
    shown = tuple(s for s in STATES if any(tally[s] for tally in tallies))
    costs = {cost.id: cost for cost in measured.checks}
    suite = measured.suite
    return Page(
        label=report.label,
        total=units.points(verdict.earned),
        course=verdict.course,
        round=verdict.round,
        round_kind=verdict.round_kind,
        profile=verdict.profile,
        started=f"{measured.started_at:%Y-%m-%d %H:%M} UTC",
        facts=_facts(report),
        next=_next(report),
        labels=tuple(LABELS[s] for s in shown),
        modules=tuple(_module(m, shown, costs) for m in verdict.modules),
        milestones=tuple(milestone(*pair) for pair in summary.milestones(report)),
        suite=usage_figures("suite", "all checks", suite) if suite else (),
        notes=(*verdict.notes, *_pack_note(report)),
        provenance=_provenance(report),
    )


def _pack_note(report: GradeReport) -> tuple[str, ...]:
    return (f"answers {PACK}",) if report.measurements.pack else ()


def _facts(report: GradeReport) -> tuple[Fact, ...]:
    verdict, isolation = report.verdict, report.measurements.isolation
    behind = ", ".join(isolation.features) or "no further walls"
    return (
        points_fact("points", verdict),
        *passed_facts(verdict),
        Fact("isolation", isolation.tier, behind),
    )


def points_fact(name: str, verdict: Verdict) -> Fact:
    """Return points of points, with their share where there are any."""
    share = f", {100 * verdict.earned / verdict.points:.1f} %" if verdict.points else ""
    of = f"of {units.points(verdict.points)}{share}"
    return Fact(name, units.points(verdict.earned), of)


def passed_facts(verdict: Verdict) -> tuple[Fact, Fact]:
    """Return how many checks passed, and how many milestones were reached."""
    checks = summary.counts(tuple(c for m in verdict.modules for c in m.checks))
    reached = sum(state(m.outcome) == "passed" for m in verdict.milestones)
    return (
        Fact("checks passed", str(checks["passed"]), f"of {sum(checks.values())}"),
        Fact("milestones reached", str(reached), f"of {len(verdict.milestones)}"),
    )


def _next(report: GradeReport) -> tuple[str, ...]:
    """Say what to do, most useful first: fix, unblock, write, wait."""
    items = [
        f"Blocked by {by}: {n} {'check' if n == 1 else 'checks'}. Start there."
        for by, n in summary.blocked(report)
    ]
    modules = report.verdict.modules
    todos = [found for found in map(summary.todo, modules) if found is not None]
    for left in todos:
        task = left.message.removeprefix("TODO ")
        where = f"{left.module.number} {left.module.title}"
        items.append(f"{where}: {left.left} left to write; next: {task}")
    waiting = sum(len(summary.in_state(m, "unjudged")) for m in modules)
    waiting += sum(state(m.outcome) == "unjudged" for m in report.verdict.milestones)
    if waiting:
        items.append(
            f"{waiting} could not be judged (our side); nothing to do, "
            "it will be re-run."
        )
    return tuple(items)


def _module(
    module: ModuleResult, shown: tuple[State, ...], costs: dict[str, CheckMeasure]
) -> ModuleView:
    tally = summary.counts(module.checks)
    return ModuleView(
        anchor=f"module-{module.name}",
        number=module.number,
        title=module.title,
        earned=units.points(module.earned),
        points=units.points(module.points),
        bar=tally_bar(tally),
        tally=tuple(tally[s] for s in shown),
        checks=tuple(_check(c, costs.get(c.id)) for c in module.checks),
    )


def tally_bar(tally: Mapping[State, int]) -> Markup:
    """Return a bar of checks by state; an empty one where there are none."""
    total = max(1, sum(tally.values()))
    return bar([(s, tally[s] / total) for s in STATES if tally[s]])


def _check(check: CheckResult, cost: CheckMeasure | None) -> CheckView:
    found = state(check.outcome)
    return CheckView(
        title=check.title,
        task=check.task,
        state=found,
        label=LABELS[found],
        cost=f"{1000 * cost.cpu_s:.0f} ms" if cost else "",
        message=message(check.outcome),
        output=check.output,
    )


def milestone(
    result: MilestoneResult, cost: MilestoneMeasure | None, *, prefix: str = ""
) -> MilestoneView:
    """Return one milestone as shown; also used by the public pages.

    Args:
        prefix: start of the ids made here, where a page shows a milestone twice.
    """
    found = state(result.outcome)
    anchor = f"{prefix}milestone-{result.name}"
    learning = learning_figure(anchor, result)
    name = f"milestone {result.number} {result.title}"
    over_time = usage_figures(anchor, name, cost.usage) if cost else ()
    return MilestoneView(
        anchor=anchor,
        number=result.number,
        title=result.title,
        year=result.year,
        earned=units.points(result.earned),
        points=units.points(result.points),
        state=found,
        label="reached" if found == "passed" else LABELS[found],
        message=None if found == "passed" else message(result.outcome),
        metric_line=_metric_line(result),
        requirements=result.requirements,
        measured=_measured(cost) if cost else "",
        sample=safe_text(result.sample),
        limits=_limits(cost) if cost else (),
        figures=((learning,) if learning else ()) + over_time,
        data=result.data,
        replay=_replay(result),
    )


def _metric_line(result: MilestoneResult) -> str:
    target = units.target(result.metric_name, result.target)
    if result.metric is None:
        return f"No {result.metric_name} was measured; the target is {target}."
    got = units.metric(result.metric_name, result.metric)
    return f"Measured {result.metric_name}: {got}; the target is {target}."


def _measured(cost: MilestoneMeasure) -> str:
    """Return what was measured beside the limits, in one sentence."""
    return "; ".join(f"{name}: {value:.3g}" for name, value in cost.facts.items())


def _replay(result: MilestoneResult) -> str:
    if result.replayed:
        return "The reference, given the trained parameters, predicts the same."
    if isinstance(result.outcome, Passed):
        return "Not replayed on the reference: waiting for review."
    return ""


def _limits(cost: MilestoneMeasure) -> tuple[LimitRow, ...]:
    mib = units.mebibytes
    used, memory = cost.usage, cost.memory_limit_bytes
    return (
        _limit("CPU time", used.cpu_s, cost.cpu_limit_s, _seconds),
        _limit("wall time", used.wall_s, cost.wall_limit_s, _seconds),
        _limit("memory", used.peak_rss_bytes, memory, lambda b: f"{mib(b)} MiB"),
    )


def _limit(name: str, used: float, limit: float, shown: Shown) -> LimitRow:
    share = used / limit if limit else 0.0
    style = "failed" if share > 1 else "passed"
    percent = f"{100 * share:.0f} %"
    return LimitRow(name, shown(used), shown(limit), percent, bar([(style, share)]))


def _seconds(value: float) -> str:
    return f"{units.seconds(value)} s"


def _provenance(report: GradeReport) -> tuple[Pair, ...]:
    verdict, measured = report.verdict, report.measurements
    host, isolation = measured.host, measured.isolation
    features = f" ({', '.join(isolation.features)})" if isolation.features else ""
    pairs = (
        Pair("submission", verdict.submission, mono=True),
        Pair("suites", verdict.suites, mono=True),
        Pair("reference", verdict.reference, mono=True),
        Pair("answer pack", measured.pack, mono=True),
        Pair("image", host.image, mono=True),
        Pair("round", f"{verdict.round} ({verdict.round_kind})"),
        Pair("profile", verdict.profile),
        Pair("isolation", isolation.tier + features),
        Pair("engine", f"grader {verdict.engine}"),
        Pair("host", f"{host.cpu}, {host.cores} cores, {host.kernel}"),
        Pair("software", f"Python {host.python}, numpy {host.numpy}, {host.blas}"),
        Pair("graded", f"{measured.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        Pair("CPU time", _seconds(measured.cpu_s)),
        Pair("wall time", _seconds(measured.wall_s)),
    )
    return tuple(pair for pair in pairs if pair.value)
