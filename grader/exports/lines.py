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
from grader.marks.shares import Share, deal, dealt_out, hundredths, shares_of
from grader.models.outcome import Inconclusive, NotImplementedYet, Outcome, Passed
from grader.models.report import (
    GradeReport,
    Measurements,
    MilestoneResult,
    ModuleResult,
)
from grader.models.summary import summary_of
from grader.reports.display import one_line, safe_text, workflow_log
from grader.reports.words import message

__all__ = [
    "LIMITS",
    "Line",
    "Part",
    "Share",
    "deal",
    "fitted",
    "hundredths",
    "name_of",
    "parts_of",
    "printed",
    "shares_of",
    "to_json",
    "told",
    "unjudged",
]

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


def parts_of(report: GradeReport) -> tuple[Part, ...]:
    """Return modules, then milestones."""
    verdict = report.verdict
    results: list[ModuleResult | MilestoneResult]
    results = [*verdict.modules, *verdict.milestones]
    return tuple(
        Part(**vars(share), result=result, measured=report.measurements)
        for share, result in zip(shares_of(summary_of(report)), results, strict=True)
    )


def _checks(part: Part, module: ModuleResult) -> tuple[Line, ...]:
    checks = module.checks
    if not checks:  # no grading makes such a module, but its points are points
        full = part.earned == part.points
        outcome = Passed() if full else NotImplementedYet(message="")
        only = Line(module.name, module.title, "", part.earned, part.points, outcome)
        return (only,)
    times = {c.id: c.wall_s for c in part.measured.checks}
    shares = [(c.earned, c.points) for c in checks]
    earned, points = dealt_out(part.earned, part.points, shares)
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
