"""`gradescope`: results.json of an autograder.

A result that could not be judged has no score anywhere. Gradescope refuses such a file
and shows an error of the autograder, which staff can run again; it is not a zero.
"""

from __future__ import annotations

from typing import Any, Final

from grader.exports import lines
from grader.exports.lines import LIMITS, Line, parts_of, printed, told
from grader.models.report import GradeReport
from grader.reports import units
from grader.reports.display import one_line

_TEXT: Final = {  # plain text everywhere: what students write is never markup
    "output_format": "text",
    "test_output_format": "text",
    "test_name_format": "text",
    "visibility": "visible",
    "stdout_visibility": "hidden",
}


def write(report: GradeReport) -> bytes:
    """Return a test a check and milestone; the total is the verdict's."""
    verdict = report.verdict
    parts = parts_of(report)
    problem = lines.unjudged(parts)
    value: dict[str, Any] = {} if problem else {"score": _total(report)}
    value |= {
        "execution_time": round(report.measurements.wall_s, 3),
        "output": problem
        or f"{units.points(_total(report))} of {units.points(verdict.points)} points",
        **_TEXT,
        "tests": [
            _test(line, part.number, part.key, scored=not problem)
            for part in parts
            for line in part.lines
        ],
        "extra_data": {
            "submission": verdict.submission,
            "profile": verdict.profile,
            "engine": verdict.engine,
            "judged": not problem,
        },
    }
    return lines.to_json(value)


def _total(report: GradeReport) -> float:
    return lines.hundredths(report.verdict.earned) / 100


def _test(line: Line, number: str, key: str, *, scored: bool) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": lines.name_of(line),
        "number": one_line(line.task or number, limit=16),
        "output": "\n".join(
            text for text in (told(line, LIMITS[0]), printed(line, LIMITS[0])) if text
        ),
        "tags": [key],
        "visibility": "visible",
    }
    if scored:
        test |= {"score": line.earned / 100, "max_score": line.points / 100}
    if line.judged:
        test["status"] = "passed" if line.passed else "failed"
    return test
