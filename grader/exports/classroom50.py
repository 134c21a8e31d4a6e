"""`classroom50`: result.json of an autograder.

Its scores are whole numbers, so they are hundredths of our points. What could not be
judged is no result: nothing is written, and the exit code tells the runner.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import Any, Final

from grader.errors import ConfigError, InconclusiveError
from grader.exports.lines import LIMITS, Line, Part, hundredths, parts_of, to_json, told
from grader.models.report import GradeReport

SCHEMA: Final = "classroom50/result/v1"
_TOLD: Final = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
}


def write(report: GradeReport, env: Mapping[str, str]) -> bytes:
    """Return a test a check and milestone.

    Args:
        env: the environment that the runner gives to an autograder.

    Raises:
        InconclusiveError: something could not be judged.
        ConfigError: a variable of the runner is missing.
    """
    parts = parts_of(report)
    if not all(part.judged for part in parts):
        msg = "not everything could be judged (our side): there is no result"
        raise InconclusiveError(msg, hint="grade again")
    missing = [name for name in _TOLD.values() if not env.get(name)]
    if missing:
        msg = f"{missing[0]} is not in the environment"
        raise ConfigError(msg, hint="Classroom 50's runner sets it for autograder.py")
    graded_at = report.measurements.started_at.astimezone(UTC)
    when = graded_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    value: dict[str, Any] = {
        "schema": SCHEMA,
        **{field: env[name] for field, name in _TOLD.items()},
        "review": env.get("REVIEW_URL") or env["COMMIT_URL"],
        "assignment_type": env.get("ASSIGNMENT_TYPE") or "individual",
        "owner": env.get("OWNER") or env.get("USERNAME") or report.student,
        "datetime": when,  # the runner puts the time of the commit here
        "graded_at": when,
        "score": hundredths(report.verdict.earned),
        "max-score": hundredths(report.verdict.points),
        "tests": [_test(part, line) for part in parts for line in part.lines],
    }
    return to_json(value)


def _test(part: Part, line: Line) -> dict[str, Any]:
    return {
        "test-name": f"{part.key}.{line.id}",
        "passed": line.passed,
        "score": line.earned,
        "max-score": line.points,
        "message": told(line, LIMITS[0]),
    }
