"""The next thing to do, and what waits for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from grader.models.outcome import Blocked
from grader.models.report import CheckResult, GradeReport, MilestoneResult, ModuleResult
from grader.reports import summary
from grader.reports.words import LABELS, Message, State, message, state

AFTER: Final = 3  # further steps that are named
OPEN: Final = ("failed", "todo")  # what a student can work on


class Step(NamedTuple):
    """One thing to do."""

    title: str
    where: str  # "02 Tensor, task 2.4, tinytorch/tensor.py"
    state: State
    label: str
    message: Message
    anchor: str  # where it stands on the page
    waits: int = 0  # checks and milestones that wait for it
    command: str = ""  # what to run at home


class Holder(NamedTuple):
    """Something that other checks wait for."""

    title: str
    anchor: str
    state: str  # "failed"; empty for a module
    label: str
    checks: tuple[tuple[str, int], ...]  # how many, by module: ("04 Layers", 3)
    milestones: tuple[str, ...]

    @property
    def waits(self) -> int:
        """Checks and milestones that wait."""
        return sum(n for _, n in self.checks) + len(self.milestones)


class Place(NamedTuple):
    """A check and the module it is in."""

    module: ModuleResult
    check: CheckResult


def anchor_of(check: str) -> str:
    """Return the id of a check on the page."""
    return "check-" + check.replace("::", "-")


def holders(report: GradeReport) -> tuple[Holder, ...]:
    """Return what others wait for, that which most wait for first."""
    checks: dict[str, Counter[str]] = {}
    stones: dict[str, list[str]] = {}
    for module, check in _places(report):
        for cause in _causes(check.outcome):
            checks.setdefault(cause, Counter())[_module_name(module)] += 1
    for stone in report.verdict.milestones:
        for cause in _causes(stone.outcome):
            stones.setdefault(cause, []).append(_stone_name(stone))
    found = [
        _holder(report, cause, checks.get(cause, Counter()), stones.get(cause, []))
        for cause in dict.fromkeys((*checks, *stones))
    ]
    return tuple(sorted(found, key=lambda holder: -holder.waits))


def steps(report: GradeReport, files: Mapping[str, str]) -> tuple[Step, ...]:
    """Return what to do, most useful first; empty if there is nothing to do.

    What others wait for comes first, then what is wrong, then what is not written,
    then milestones that were missed. One step a task: the next check of the same task
    most often holds as soon as the first does.
    """
    waiting = {holder.anchor: holder.waits for holder in holders(report)}
    found: dict[tuple[str, str], Step] = {}
    for place in _in_order(report, waiting):
        key = place.module.name, place.check.task or place.check.id
        found.setdefault(key, _step(place, waiting, files))
    if not found:
        for stone in report.verdict.milestones:
            if state(stone.outcome) in OPEN:
                found["", stone.name] = _stone_step(stone)
    return tuple(found.values())[: 1 + AFTER]


def _in_order(report: GradeReport, waiting: Mapping[str, int]) -> Iterator[Place]:
    places = [p for p in _places(report) if state(p.check.outcome) in OPEN]
    holding = [p for p in places if anchor_of(p.check.id) in waiting]
    yield from sorted(holding, key=lambda p: -waiting[anchor_of(p.check.id)])
    yield from (p for p in places if state(p.check.outcome) == "failed")
    for module in report.verdict.modules:
        if left := summary.todo(module):
            first = (c for c in module.checks if state(c.outcome) == "todo")
            yield from (
                Place(module, check) for check in first if check.task == left.task
            )


def _step(place: Place, waiting: Mapping[str, int], files: Mapping[str, str]) -> Step:
    module, check = place
    found = state(check.outcome)
    told = (
        _module_name(module),
        f"task {check.task}" if check.task else "",
        files.get(module.name, ""),
    )
    return Step(
        title=check.title,
        where=", ".join(filter(None, told)),
        state=found,
        label=LABELS[found],
        message=message(check.outcome),
        anchor=anchor_of(check.id),
        waits=waiting.get(anchor_of(check.id), 0),
        command=f"tito module test {module.number}_{module.name}",
    )


def _stone_step(stone: MilestoneResult) -> Step:
    found = state(stone.outcome)
    return Step(
        title=f"{stone.title} ({stone.year})",
        where=f"milestone {stone.number}",
        state=found,
        label="missed" if found == "failed" else LABELS[found],
        message=message(stone.outcome),
        anchor=f"milestone-{stone.name}",
        command=f"tito milestone run {stone.number}",
    )


def _holder(
    report: GradeReport, cause: str, checks: Counter[str], stones: list[str]
) -> Holder:
    place = _place_of(report, cause)
    modules = {module.name: module for module in report.verdict.modules}
    if place is not None:
        found = state(place.check.outcome)
        title, anchor, label = _title(place), anchor_of(place.check.id), LABELS[found]
    elif cause in modules:
        title, anchor = _module_name(modules[cause]), f"module-{cause}"
        found, label = None, "not complete"
    else:
        title, anchor, found, label = cause, "", None, "not graded here"
    return Holder(
        title=title,
        anchor=anchor,
        state=found or "",
        label=label,
        checks=tuple(checks.items()),
        milestones=tuple(stones),
    )


def _place_of(report: GradeReport, cause: str) -> Place | None:
    """Return the check that is meant; it may be named without its parameters."""
    if "::" not in cause:
        return None
    exact = [p for p in _places(report) if p.check.id == cause]
    alike = [p for p in _places(report) if p.check.id.startswith(f"{cause}_")]
    wrong = [p for p in alike if state(p.check.outcome) in OPEN]
    return next(iter([*exact, *wrong]), None)


def _places(report: GradeReport) -> Iterator[Place]:
    for module in report.verdict.modules:
        for check in module.checks:
            yield Place(module, check)


def _causes(outcome: object) -> tuple[str, ...]:
    return outcome.by if isinstance(outcome, Blocked) else ()


def _title(place: Place) -> str:
    return f"{_module_name(place.module)}: {place.check.title}"


def _module_name(module: ModuleResult) -> str:
    return f"{module.number} {module.title}"


def _stone_name(stone: MilestoneResult) -> str:
    return f"milestone {stone.number} {stone.title}"
