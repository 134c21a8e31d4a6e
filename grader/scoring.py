"""Points from results: a pure function, no clock, no input or output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from grader.checks.runner import Ran, passed
from grader.models.course import Course, Module
from grader.models.outcome import (
    Blocked,
    Inconclusive,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
)
from grader.models.report import CheckResult, MilestoneResult, ModuleResult

AT_IMPORT: Final = "at import"


def score_modules(course: Course, ran: Sequence[Ran]) -> tuple[ModuleResult, ...]:
    """Return one result per module that has checks; the others carry no points."""
    bad = {r.check.family for r in ran if not passed(r)}
    good = {r.check.id for r in ran if passed(r)}
    good |= {r.check.family for r in ran} - bad
    weak = _weak_modules(ran)
    results = []
    for module in course.modules:
        own = [r for r in ran if r.check.module == module.name]
        if own:
            results.append(_score_module(module, own, good, weak))
    return tuple(results)


def _weak_modules(ran: Iterable[Ran]) -> set[str]:
    """Return modules of whose checks less than half pass: nothing stands on them."""
    counts: dict[str, list[int]] = {}
    for r in ran:
        count = counts.setdefault(r.check.module, [0, 0])
        count[0] += passed(r)
        count[1] += 1
    return {name for name, (right, of) in counts.items() if 2 * right < of}


def _score_module(
    module: Module, own: Sequence[Ran], good: set[str], weak: set[str]
) -> ModuleResult:
    weight = sum(r.check.marks.points for r in own)
    results, won = [], 0.0
    for r in own:
        points = module.points * r.check.marks.points / weight
        won += r.check.marks.points if passed(r) else 0.0
        results.append(
            CheckResult(
                id=r.check.id,
                title=r.check.title,
                task=r.check.marks.task,
                points=round(points, 4),
                earned=round(points, 4) if passed(r) else 0.0,
                outcome=_explained(r, good, weak),
                output=r.printed,
            )
        )
    return ModuleResult(
        name=module.name,
        number=module.number,
        title=module.title,
        points=module.points,
        earned=round(module.points * won / weight, 4),
        checks=tuple(results),
    )


def _explained(ran: Ran, good: set[str], weak: set[str]) -> Outcome:
    """Name what a failing check builds on, where that fails too.

    What is not written yet stays TODO, what we could not judge stays inconclusive, and
    a mistake that was recognised is never hidden.
    """
    outcome = ran.outcome
    if isinstance(outcome, Passed | NotImplementedYet | Inconclusive):
        return outcome
    if isinstance(outcome, Mismatch) and outcome.misconception:
        return outcome
    if getattr(outcome, "where", "") == AT_IMPORT:
        return outcome  # nothing ran that could stand on anything
    by = tuple(
        need
        for need in ran.check.marks.needs
        if need not in good and ("::" in need or need in weak)
    )
    return Blocked(by=by) if by else outcome


def total(
    modules: Iterable[ModuleResult], milestones: Iterable[MilestoneResult]
) -> tuple[float, float]:
    """Return points earned and points there are."""
    both: list[ModuleResult | MilestoneResult] = [*modules, *milestones]
    return (
        round(sum(r.earned for r in both), 2),
        round(sum(r.points for r in both), 2),
    )
