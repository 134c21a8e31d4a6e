"""A report as lines whose points add up to its total, and what is told about each.

A report rounds the points of every check on its own; programs that read our formats add
them up. So points are dealt out anew in whole hundredths, total first, then parts, then
checks: every sum of lines is the total of the report, to the hundredth.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from grader.errors import UsageError
from grader.models.outcome import Inconclusive, NotImplementedYet, Outcome, Passed
from grader.models.report import (
    GradeReport,
    Measurements,
    MilestoneResult,
    ModuleResult,
)
from grader.models.summary import (
    MilestoneSummary,
    ModuleSummary,
    ResultSummary,
    summary_of,
)
from grader.reports.display import one_line, safe_text, workflow_log
from grader.reports.words import message

NAME: Final = 120  # longest name of a check, in characters
LIMITS: Final = (600, 200, 60, 0)  # characters kept of each text, longest first


@dataclass(frozen=True)
class Line:
    """One check or milestone; points in hundredths."""

    id: str  # "matmul"
    title: str  # raw
    task: str  # "2.3"
    earned: int
    points: int
    outcome: Outcome
    output: str = ""  # raw
    wall_s: float = 0.0

    @property
    def judged(self) -> bool:
        """Whether we could say what it is worth."""
        return not isinstance(self.outcome, Inconclusive)

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return isinstance(self.outcome, Passed)


@dataclass(frozen=True)
class Share:
    """What one module or milestone adds to a total; points in hundredths."""

    key: str  # "tensor", "milestone_xor"
    raw_number: str  # as the result has it
    earned: int
    points: int
    judged: bool  # whether all of its lines are

    @property
    def number(self) -> str:
        """The number in the course, harmless."""
        return one_line(self.raw_number, limit=8)

    @property
    def label(self) -> str:
        """The key with its number: never the name of anything else in a format."""
        return f"{self.number} {self.key}"


@dataclass(frozen=True)
class Part(Share):
    """A share with the result behind it."""

    result: ModuleResult | MilestoneResult
    measured: Measurements

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The checks; a milestone is its only line."""
        if isinstance(self.result, MilestoneResult):
            return (_milestone(self, self.result),)
        return _checks(self, self.result)


def shares_of(summary: ResultSummary) -> tuple[Share, ...]:
    """Return modules, then milestones."""
    results: list[tuple[str, ModuleSummary | MilestoneSummary]] = [
        *((module.name, module) for module in summary.modules),
        *((f"milestone_{stone.name}", stone) for stone in summary.milestones),
    ]
    earned, points = _dealt(
        hundredths(summary.earned),
        hundredths(summary.points),
        [(r.earned, r.points) for _, r in results],
    )
    return tuple(
        Share(key, result.number, earned[i], points[i], result.judged)
        for i, (key, result) in enumerate(results)
    )


def parts_of(report: GradeReport) -> tuple[Part, ...]:
    """Return modules, then milestones."""
    verdict = report.verdict
    results: list[ModuleResult | MilestoneResult]
    results = [*verdict.modules, *verdict.milestones]
    return tuple(
        Part(**vars(share), result=result, measured=report.measurements)
        for share, result in zip(shares_of(summary_of(report)), results, strict=True)
    )


def hundredths(value: float) -> int:
    """Return points as whole hundredths."""
    return round(100 * value)


def _checks(part: Part, module: ModuleResult) -> tuple[Line, ...]:
    checks = module.checks
    if not checks:  # no grading makes such a module, but its points are points
        full = part.earned == part.points
        outcome = Passed() if full else NotImplementedYet(message="")
        only = Line(module.name, module.title, "", part.earned, part.points, outcome)
        return (only,)
    times = {c.id: c.wall_s for c in part.measured.checks}
    shares = [(c.earned, c.points) for c in checks]
    earned, points = _dealt(part.earned, part.points, shares)
    return tuple(
        Line(
            id=check.id.split("::")[1],
            title=check.title,
            task=check.task,
            earned=earned[i],
            points=points[i],
            outcome=check.outcome,
            output=check.output,
            wall_s=times.get(check.id, 0.0),
        )
        for i, check in enumerate(checks)
    )


def _milestone(part: Part, result: MilestoneResult) -> Line:
    times = {m.name: m.usage.wall_s for m in part.measured.milestones}
    missed = [r for r in result.requirements if not r.met]
    return Line(
        id=result.name,
        title=f"{result.title} ({result.year})",
        task="",
        earned=part.earned,
        points=part.points,
        outcome=result.outcome,
        output="\n".join(f"{r.name}: {r.got}, asked {r.bound}" for r in missed),
        wall_s=times.get(result.name, 0.0),
    )


def _dealt(
    earned: int, points: int, shares: Sequence[tuple[float, float]]
) -> tuple[list[int], list[int]]:
    """Deal out what was earned and what was lost; nobody earns more than there is."""
    won = deal(earned, [got for got, _ in shares])
    lost = deal(max(0, points - earned), [max(0.0, of - got) for got, of in shares])
    return won, [a + b for a, b in zip(won, lost, strict=True)]


def deal(total: int, weights: Sequence[float]) -> list[int]:
    """Divide `total` by `weights` into whole numbers, the largest remainders first.

    Where no weight counts, all count the same.
    """
    if not any(weights):
        weights = [1.0] * len(weights)
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    dealt = [int(share) for share in exact]
    order = sorted(
        range(len(weights)), key=lambda i: (weights[i] == 0, dealt[i] - exact[i], i)
    )
    for i in order[: total - sum(dealt)]:
        dealt[i] += 1
    return dealt


def name_of(line: Line) -> str:
    """Return the title of a line, harmless, on one line."""
    return one_line(workflow_log(one_line(line.title, limit=NAME)), limit=2 * NAME)


def told(line: Line, limit: int) -> str:
    """Return what the student reads; nothing where the line holds or `limit` is 0."""
    if line.passed or not limit:
        return ""
    said = message(line.outcome)
    rows = [safe_text(said.head, limit=limit)]
    rows += [f"  {x.label:<9} {safe_text(x.text, limit=limit)}" for x in said.lines]
    return workflow_log("\n".join(rows))


def printed(line: Line, limit: int) -> str:
    """Return what was printed, harmless in a CI log, at most `limit` characters."""
    return workflow_log(safe_text(line.output, limit=limit)) if limit else ""


def fitted(build: Callable[[int], bytes], most: int, form: str) -> bytes:
    """Return a document of at most `most` bytes: texts are shortened until it fits.

    Raises:
        UsageError: even without any text it is longer.
    """
    for limit in LIMITS:
        data = build(limit)
        if len(data) <= most:
            return data
    msg = f"the report does not fit into {most} bytes, which is the most of {form}"
    raise UsageError(msg, hint="grade fewer modules at a time")


def to_json(value: Any) -> bytes:
    """Return one line of JSON in ASCII, which no terminal or log takes amiss."""
    return (json.dumps(value, allow_nan=False) + "\n").encode()


def unjudged(parts: Sequence[Part]) -> str:
    """Say how much could not be judged; empty where everything was."""
    count = sum(not line.judged for part in parts for line in part.lines)
    if not count:
        return ""
    noun = "check" if count == 1 else "checks"
    return (
        f"{count} {noun} could not be judged (our side); "
        "nothing to do, it will be graded again. There is no score until then."
    )
