"""A result without its texts and curves: what whole classes are looked at by.

A report holds some 200 kB; a class of 500 with 20 attempts each would be gigabytes to
read for one table. A summary is a pure function of its report and never says more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from grader.models.base import Digest, Model, ModuleName, Points, Profile
from grader.models.measure import Tier
from grader.models.outcome import Blocked, Inconclusive, Mismatch, Passed
from grader.models.report import CheckResult, GradeReport, MilestoneResult, ModuleResult


class ModuleSummary(Model):
    """One module."""

    name: ModuleName
    number: str
    title: str
    points: Points
    earned: Points
    judged: bool  # False: a check of it could not be judged
    checks: int


class MilestoneSummary(Model):
    """One milestone; the numbers are None where it did not run so far."""

    name: ModuleName
    number: str
    title: str
    points: Points
    earned: Points
    judged: bool
    reached: bool
    metric_name: str
    metric: float | None
    cpu_s: float | None
    peak_rss_bytes: int | None


class ResultSummary(Model):
    """One grading of one submission, in a few kB."""

    student: str
    course: str
    round: str
    round_kind: Literal["feedback", "final", "demo"]
    profile: Profile
    submission: Digest
    suites: Digest
    reference: Digest
    engine: str
    tier: Tier
    host: str  # "Intel(R) ..., 2 cores"
    started_at: datetime
    earned: Points
    points: Points
    judged: bool  # False: some part could not be judged, so there is no score
    modules: tuple[ModuleSummary, ...]
    milestones: tuple[MilestoneSummary, ...]
    failing: dict[str, tuple[str, ...]]  # ids of checks by kind of their outcome
    mistakes: dict[str, str]  # the mistake that was recognised, by id of the check
    holding: dict[str, int]  # how many checks are blocked, by each check or module


def summary_of(report: GradeReport) -> ResultSummary:
    """Return what a class-wide view needs of a report."""
    verdict, measured = report.verdict, report.measurements
    modules = tuple(_module(module) for module in verdict.modules)
    milestones = tuple(_milestone(stone, report) for stone in verdict.milestones)
    checks = [check for module in verdict.modules for check in module.checks]
    return ResultSummary(
        student=report.student,
        course=verdict.course,
        round=verdict.round,
        round_kind=verdict.round_kind,
        profile=verdict.profile,
        submission=verdict.submission,
        suites=verdict.suites,
        reference=verdict.reference,
        engine=verdict.engine,
        tier=measured.isolation.tier,
        host=f"{measured.host.cpu}, {measured.host.cores} cores",
        started_at=measured.started_at,
        earned=verdict.earned,
        points=verdict.points,
        judged=all(m.judged for m in modules) and all(m.judged for m in milestones),
        modules=modules,
        milestones=milestones,
        failing=_failing(checks),
        mistakes={
            check.id: check.outcome.misconception
            for check in checks
            if isinstance(check.outcome, Mismatch) and check.outcome.misconception
        },
        holding=_holding(checks),
    )


def _module(module: ModuleResult) -> ModuleSummary:
    return ModuleSummary(
        name=module.name,
        number=module.number,
        title=module.title,
        points=module.points,
        earned=module.earned,
        judged=not any(isinstance(c.outcome, Inconclusive) for c in module.checks),
        checks=len(module.checks),
    )


def _failing(checks: Iterable[CheckResult]) -> dict[str, tuple[str, ...]]:
    failing: dict[str, list[str]] = {}
    for check in checks:
        if not isinstance(check.outcome, Passed):
            failing.setdefault(check.outcome.kind, []).append(check.id)
    return {kind: tuple(ids) for kind, ids in failing.items()}


def _holding(checks: Iterable[CheckResult]) -> dict[str, int]:
    blocked = (c.outcome.by for c in checks if isinstance(c.outcome, Blocked))
    return dict(Counter(cause for by in blocked for cause in by))


def _milestone(result: MilestoneResult, report: GradeReport) -> MilestoneSummary:
    costs = {cost.name: cost.usage for cost in report.measurements.milestones}
    usage = costs.get(result.name)
    return MilestoneSummary(
        name=result.name,
        number=result.number,
        title=result.title,
        points=result.points,
        earned=result.earned,
        judged=not isinstance(result.outcome, Inconclusive),
        reached=isinstance(result.outcome, Passed),
        metric_name=result.metric_name,
        metric=result.metric,
        cpu_s=usage.cpu_s if usage else None,
        peak_rss_bytes=usage.peak_rss_bytes if usage else None,
    )
