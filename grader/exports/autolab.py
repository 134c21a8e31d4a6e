"""`autolab`: the last two lines of an autograder's output.

Problems of the assessment are named as our modules (`tensor`) and milestones
(`milestone_xor`). A problem that could not be judged has the score null: it stays
ungraded. Autolab reads the last line with a pattern that takes `word:` for a key, so no
text from anybody stands there.
"""

from __future__ import annotations

from typing import Any

from grader.exports.lines import LIMITS, Line, hundredths, parts_of, to_json, told
from grader.models.report import GradeReport


def write(report: GradeReport) -> bytes:
    """Return a stage and a score for every module and milestone."""
    parts = parts_of(report)
    stages: dict[str, Any] = {
        part.label: {line.id: _shown(line) for line in part.lines} for part in parts
    }
    shown = {"_presentation": "semantic", "stages": list(stages), **stages}
    result: dict[str, Any] = {
        "scores": {p.key: p.earned / 100 if p.judged else None for p in parts}
    }
    if all(part.judged for part in parts):
        result["scoreboard"] = [hundredths(report.verdict.earned) / 100]
    return to_json(shown) + to_json(result)


def _shown(line: Line) -> dict[str, Any]:
    hint = told(line, LIMITS[1])
    return {"passed": line.passed} | ({"hint": hint} if hint else {})
