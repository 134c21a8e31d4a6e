"""What a report adds up to: counts, next tasks, what blocks what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from grader.models.outcome import Blocked, NotImplementedYet
from grader.models.report import (
    CheckResult,
    GradeReport,
    MilestoneMeasure,
    MilestoneResult,
    ModuleResult,
)
from grader.reports.words import STATES, State, state


class Todo(NamedTuple):
    """The stubs of one module that are left to write."""

    module: ModuleResult
    left: int  # tasks, or checks where no task is named
    task: str  # next task: "2.3"; may be empty
    message: str  # of its first check, as the student's package gave it


class Paired(NamedTuple):
    """A milestone and what its run cost; None where it did not run."""

    result: MilestoneResult
    cost: MilestoneMeasure | None


def counts(checks: tuple[CheckResult, ...]) -> dict[State, int]:
    """Return how many checks are in each state, all five states present."""
    found = Counter(state(check.outcome) for check in checks)
    return {each: found[each] for each in STATES}


def in_state(module: ModuleResult, wanted: State) -> tuple[CheckResult, ...]:
    """Return the module's checks in the state `wanted`, in order."""
    return tuple(c for c in module.checks if state(c.outcome) == wanted)


def todo(module: ModuleResult) -> Todo | None:
    """Return what is left to write in a module, or None."""
    open_checks = in_state(module, "todo")
    if not open_checks:
        return None
    tasks = {check.task for check in open_checks if check.task}
    first = min(open_checks, key=lambda check: _task_key(check.task))
    assert isinstance(first.outcome, NotImplementedYet)  # noqa: S101 -- by its state
    return Todo(
        module, len(tasks) or len(open_checks), first.task, first.outcome.message
    )


def _task_key(task: str) -> tuple[int, ...]:
    """Order "2.3" before "2.10", and checks without a task last."""
    parts = task.split(".")
    return tuple(map(int, parts)) if all(p.isdigit() for p in parts) else (1000,)


def blocked(report: GradeReport) -> tuple[tuple[str, int], ...]:
    """Return each cause of blocked checks and how many it blocks, most first."""
    found: Counter[str] = Counter()
    for module in report.verdict.modules:
        for check in module.checks:
            if isinstance(check.outcome, Blocked):
                found[", ".join(check.outcome.by)] += 1
    return tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def milestones(report: GradeReport) -> tuple[Paired, ...]:
    """Return each milestone with its measurements."""
    return paired(report.verdict.milestones, report.measurements.milestones)


def paired(
    results: Iterable[MilestoneResult], costs: Iterable[MilestoneMeasure]
) -> tuple[Paired, ...]:
    """Return each milestone with what its run cost."""
    by_name = {cost.name: cost for cost in costs}
    return tuple(Paired(m, by_name.get(m.name)) for m in results)
