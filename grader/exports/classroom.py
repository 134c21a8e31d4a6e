"""`classroom`: what a grader step hands to the autograding reporter, before base64.

The reporter adds up the scores of all tests, and prints names and messages to the log
of the workflow, where they must not be commands. What could not be judged has the
status `error` and a `max_score` of 0, for which the reporter publishes no points.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from grader.exports.lines import (
    Line,
    Part,
    fitted,
    hundredths,
    name_of,
    parts_of,
    to_json,
    told,
    unjudged,
)
from grader.models.report import GradeReport

MOST_BYTES: Final = 700_000  # a step's outputs hold a megabyte, and base64 adds a third


def write(report: GradeReport) -> bytes:
    """Return a test a check and milestone.

    Raises:
        UsageError: the report is too large even without any text.
    """
    return fitted(partial(_build, report), MOST_BYTES, "classroom")


def _build(report: GradeReport, limit: int) -> bytes:
    parts = parts_of(report)
    problem = unjudged(parts)
    tests = [_test(part, line, limit) for part in parts for line in part.lines]
    if problem:
        status, most = "error", 0
        tests = [test | {"score": 0} for test in tests]
    else:
        failed = any(test["status"] != "pass" for test in tests)
        status, most = "fail" if failed else "pass", hundredths(report.verdict.points)
    value: dict[str, Any] = {
        "version": 3,
        "status": status,
        "max_score": most // 100 if most % 100 == 0 else most / 100,
        "tests": tests,
    }
    return to_json(value | ({"message": problem} if problem else {}))


def _test(part: Part, line: Line, limit: int) -> dict[str, Any]:
    status = "pass" if line.passed else "fail" if line.judged else "error"
    return {
        "name": f"{part.label}: {name_of(line)}",
        "status": status,
        "message": told(line, limit),
        "test_code": "",
        "task_id": 0,
        "filename": "",
        "line_no": 0,
        "duration": round(line.wall_s, 3),
        "score": line.earned / 100,
    }
