"""`prairielearn`: results.json of an external grader.

What could not be judged makes the submission ungradable: PrairieLearn then awards and
takes no points, and the attempt does not count.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from grader.exports.lines import (
    Line,
    fitted,
    hundredths,
    name_of,
    parts_of,
    printed,
    to_json,
    told,
    unjudged,
)
from grader.models.report import GradeReport
from grader.reports import units

MOST_BYTES: Final = 1_000_000  # a longer file is not read


def write(report: GradeReport) -> bytes:
    """Return a test a check and milestone; the score is the share of the points.

    Raises:
        UsageError: the report is too large even without any text.
    """
    return fitted(partial(_build, report), MOST_BYTES, "prairielearn")


def _build(report: GradeReport, limit: int) -> bytes:
    verdict = report.verdict
    parts = parts_of(report)
    problem = unjudged(parts)
    if not verdict.points:
        problem = problem or "There was nothing to earn; no score."
    value: dict[str, Any] = {
        "gradable": not problem,
        "tests": [
            _test(line, limit) for part in parts for line in part.lines if line.judged
        ],
    }
    if problem:
        value["format_errors"] = [problem]
    else:
        got, most = hundredths(verdict.earned), hundredths(verdict.points)
        value["score"] = min(1.0, got / most)
        value["message"] = (
            f"{units.points(got / 100)} of {units.points(most / 100)} points"
        )
    return to_json(value)


def _test(line: Line, limit: int) -> dict[str, Any]:
    return {
        "name": name_of(line),
        "points": line.earned / 100,
        "max_points": line.points / 100,
        "message": told(line, limit),
        "output": printed(line, limit),
    }
