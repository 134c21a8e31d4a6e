"""What a student's page shows, worked out before any HTML is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from grader.feedback.history import Attempt, course_of_points, history
from grader.feedback.standing import Asked, Standing, standing
from grader.feedback.steps import Holder, Step, anchor_of, holders, steps
from grader.marks.words import clock, counted, policy_words
from grader.models.outcome import Blocked
from grader.models.report import CheckResult, GradeReport, ModuleResult
from grader.models.summary import MilestoneSummary, ModuleSummary
from grader.reports import summary, units
from grader.reports.curves import Figure
from grader.reports.page import (
    CheckView,
    Fact,
    MilestoneView,
    Pair,
    page,
    passed_facts,
    points_fact,
    tally_bar,
)
from grader.reports.svg import bar
from grader.reports.words import LABELS, STATES, State, state
from grader.store import Export


class Named(NamedTuple):
    """A check with the place it has on this page."""

    anchor: str
    view: CheckView
    causes: tuple[tuple[str, str], ...]  # anchor and title of what it waits for


class ModulePart(NamedTuple):
    """One module: checks by what is to be done about them."""

    anchor: str
    number: str
    title: str
    earned: str
    points: str
    bar: Markup
    told: str  # "8 passed, 2 failed"
    complete: bool
    failed: tuple[Named, ...] = ()
    todo: tuple[Named, ...] = ()
    blocked: tuple[Named, ...] = ()
    unjudged: tuple[Named, ...] = ()
    passed: tuple[Named, ...] = ()


class Feedback(NamedTuple):
    """Everything on the page, in its order; texts are raw, not escaped."""

    who: str
    student: str
    team: str
    course: str
    round: str
    kind: str
    profile: str
    others: tuple[str, ...]
    due: str
    graded: str
    details: bool
    until: str  # when details will be shown; empty: not known
    facts: tuple[Fact, ...]
    comment: str
    overridden: bool
    mark: str  # "70.5"; empty: none
    mark_steps: tuple[str, ...]
    done: bool  # everything there is holds
    waiting: bool  # something could not be judged
    step: Step | None
    then: tuple[Step, ...]
    holders: tuple[Holder, ...]
    modules: tuple[ModulePart, ...]
    milestones: tuple[MilestoneView, ...]
    attempts: tuple[Attempt, ...]
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    provenance: tuple[Pair, ...]


def feedback(
    export: Export, read: Callable[[str], GradeReport], asked: Asked
) -> Feedback:
    """Return what the page of one person shows.

    Args:
        read: gives a stored report by its digest; only that of one attempt is read.

    Raises:
        UsageError: nothing of this person was graded.
        StoreError: the report cannot be read.
    """
    stands = standing(export, asked)
    report = read(stands.shown.stored.digest)
    if not stands.details:
        return _made(stands, report, modules=_points_alone(stands))
    todo = steps(report, asked.files)
    held = holders(report)
    shown = page(report)
    modules = tuple(
        _module(result, view.checks, held)
        for result, view in zip(report.verdict.modules, shown.modules, strict=True)
    )
    return _made(stands, report, modules)._replace(
        step=todo[0] if todo else None,
        then=todo[1:],
        holders=held,
        milestones=shown.milestones,
        notes=shown.notes,
        provenance=shown.provenance,
    )


def _made(
    stands: Standing, report: GradeReport, modules: tuple[ModulePart, ...]
) -> Feedback:
    """Return the page without what only details have."""
    verdict, mark = report.verdict, stands.mark
    owner = stands.shown.attempt.owner
    states = [state(c.outcome) for m in verdict.modules for c in m.checks]
    states += [state(m.outcome) for m in verdict.milestones]
    return Feedback(
        who=stands.asked.name or stands.asked.student,
        student=stands.asked.student,
        team="" if owner == stands.asked.student else owner,
        course=verdict.course,
        round=stands.round,
        kind=stands.kind,
        profile=stands.profile,
        others=stands.others,
        due=_due(stands),
        graded=f"{report.measurements.started_at:%Y-%m-%d %H:%M} UTC",
        details=stands.details,
        until=clock(stands.closes_at, stands.person.due_at) if stands.closes_at else "",
        facts=_facts(stands, report),
        comment=mark.comment,
        overridden=bool(stands.person.overrides),
        mark="" if mark.value is None else units.points(mark.value / 100),
        mark_steps=mark.steps,
        done=all(each == "passed" for each in states),
        waiting="unjudged" in states or mark.waiting,
        step=None,
        then=(),
        holders=(),
        modules=modules,
        milestones=(),
        attempts=history(stands, report),
        figures=course_of_points(stands),
        notes=(),
        provenance=(),
    )


def _due(stands: Standing) -> str:
    """Say until when, what lateness costs, and which attempt counts."""
    person = stands.person
    told = policy_words(person.said.policy)
    if person.due_at is None or person.due_at == person.said.policy.due_at:
        return told
    return f"your own date: {clock(person.due_at)}; for everybody else {told}"


def _facts(stands: Standing, report: GradeReport) -> tuple[Fact, ...]:
    verdict, mark = report.verdict, stands.mark
    which = "the latest" if stands.number == len(stands.tried) else "this attempt"
    facts = [points_fact(f"points of {which}", verdict)]
    if mark.value is not None and (
        mark.override is not None or mark.penalty or not stands.counts(stands.shown)
    ):
        facts.append(Fact("your mark", units.points(mark.value / 100), _why(stands)))
    if stands.details:
        checks, stones = passed_facts(verdict)
        facts += [checks, stones] if verdict.milestones else [checks]
    latest = f"the latest {_when(stands)}"
    return (*facts, Fact("attempts", str(len(stands.tried)), latest))


def _when(stands: Standing) -> str:
    newest = stands.tried[-1]
    at = newest.submitted_at or newest.stored.summary.started_at
    return clock(at.replace(second=0, microsecond=0), like=stands.person.due_at)


def _why(stands: Standing) -> str:
    mark = stands.mark
    if mark.override is not None:
        return "set by staff"
    counts = [n for n, one in enumerate(stands.tried, 1) if stands.counts(one)]
    of = f"of attempt {counts[-1]}" if counts else ""
    late = f"{counted(mark.late_days, 'day')} late" if mark.penalty else ""
    return ", ".join(filter(None, (of, late)))


def _points_alone(stands: Standing) -> tuple[ModulePart, ...]:
    """Return what may be said of a final round before it is closed."""
    result = stands.shown.stored.summary
    stones = (_points_of(s, f"{s.title} (milestone)") for s in result.milestones)
    return (*(_points_of(m, m.title) for m in result.modules), *stones)


def _points_of(part: ModuleSummary | MilestoneSummary, title: str) -> ModulePart:
    share = part.earned / part.points if part.points else 0.0
    return ModulePart(
        anchor="",
        number=part.number,
        title=title,
        earned=units.points(part.earned),
        points=units.points(part.points),
        bar=bar([("passed", share)]),
        told="" if part.judged else LABELS["unjudged"],
        complete=part.earned == part.points,
    )


def _module(
    result: ModuleResult, views: Sequence[CheckView], held: Sequence[Holder]
) -> ModulePart:
    tally = summary.counts(result.checks)
    titles = {holder.anchor: holder.title for holder in held if holder.anchor}
    named = [
        Named(anchor_of(check.id), view, _causes(check, titles))
        for check, view in zip(result.checks, views, strict=True)
    ]

    def those(wanted: State) -> tuple[Named, ...]:
        return tuple(one for one in named if one.view.state == wanted)

    return ModulePart(
        anchor=f"module-{result.name}",
        number=result.number,
        title=result.title,
        earned=units.points(result.earned),
        points=units.points(result.points),
        bar=tally_bar(tally),
        told=", ".join(f"{tally[s]} {LABELS[s]}" for s in STATES if tally[s]),
        complete=tally["passed"] == len(result.checks),
        failed=those("failed"),
        todo=those("todo"),
        blocked=those("blocked"),
        unjudged=those("unjudged"),
        passed=those("passed"),
    )


def _causes(
    check: CheckResult, titles: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return anchor and title of what a blocked check waits for."""
    if not isinstance(check.outcome, Blocked):
        return ()
    found = []
    for cause in check.outcome.by:
        anchor = anchor_of(cause) if "::" in cause else f"module-{cause}"
        known = [a for a in titles if a == anchor or a.startswith(f"{anchor}_")]
        found.append((known[0], titles[known[0]]) if known else ("", cause))
    return tuple(found)
