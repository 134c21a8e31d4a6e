"""Our formats as their consumers read them.

JUnit is read by `junitparser`. The other consumers are services, or need one; what they
do with a document is written down here from their documentation and sources, so that a
test can ask what a student would end up with.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from typing import Any, Final

from junitparser import JUnitXml

Total = tuple[float, float] | None  # earned and points; None: no score was recorded


def junit(data: bytes) -> Total:
    """Add up what stands in the properties of suites."""
    suites = [
        {p.name: p.value for p in s.properties()} for s in JUnitXml.fromstring(data)
    ]
    if any("earned" not in suite for suite in suites):
        return None
    return (
        sum(float(suite["earned"]) for suite in suites),
        sum(float(suite["points"]) for suite in suites),
    )


_VISIBLE: Final = {"hidden", "after_due_date", "after_published", "visible"}
_FORMATS: Final = {"text", "html", "simple_format", "md", "ansi"}


def gradescope(data: bytes) -> Total:
    """Take `score`, else add up the tests; without either it is an autograder error."""
    value = json.loads(data)
    tests = value["tests"]
    assert {value["visibility"], value["stdout_visibility"]} <= _VISIBLE
    assert {t["visibility"] for t in tests} <= _VISIBLE
    assert {v for k, v in value.items() if k.endswith("_format")} <= _FORMATS
    assert {t.get("status", "passed") for t in tests} <= {"passed", "failed"}
    scores = [t["score"] for t in tests if "score" in t]
    if "score" not in value and not scores:
        return None
    total = value.get("score", sum(scores))
    assert abs(total - sum(scores)) < 0.005  # the tests tell the same story
    return total, sum(t["max_score"] for t in tests)


def prairielearn(data: bytes) -> Total:
    """Take `score` of a gradable submission; points of tests are only shown."""
    assert len(data) <= 1_000_000
    value = json.loads(data)
    assert all(t["points"] is not None and t["max_points"] for t in value["tests"])
    if not value.get("gradable", True):
        assert value["format_errors"]
        return None
    assert 0.0 <= value["score"] <= 1.0
    most = sum(t["max_points"] for t in value["tests"])
    assert abs(sum(t["points"] for t in value["tests"]) - value["score"] * most) < 0.005
    return value["score"] * most, most


def autolab(data: bytes) -> Total:
    """Read the last line after putting quotes around bare keys, as Autolab does."""
    lines = data.decode().rstrip().split("\n")
    result = re.sub(r"([a-zA-Z0-9]+):", r'"\1":', lines[-1])
    scores = json.loads(result)["scores"]
    assert scores
    shown = json.loads(lines[-2])
    assert shown["_presentation"] == "semantic"
    for stage in shown["stages"]:
        assert all(isinstance(t["passed"], bool) for t in shown[stage].values())
    if None in scores.values():
        return None
    return sum(scores.values()), 0.0


def classroom(data: bytes) -> Total:
    """Add up all tests of a runner that has a `max_score`."""
    encoded = base64.b64encode(data)
    assert len(encoded) < 2**20
    value = json.loads(base64.b64decode(encoded))
    assert value["status"] in {"pass", "fail", "error"}
    assert {t["status"] for t in value["tests"]} <= {"pass", "fail", "error"}
    if not value["max_score"]:
        return None
    return sum(t["score"] for t in value["tests"]), value["max_score"]


def classroom_log(data: bytes) -> list[str]:
    """Return the lines that the reporter prints."""
    tests = json.loads(data)["tests"]
    shown = [f"{t['name']}\nError: {t['message']}" for t in tests]
    return "\n".join(shown).split("\n")


def classroom50(data: bytes) -> Total:
    """Check what the collector checks: identity, and whole numbers in their bounds."""
    value = json.loads(data)
    assert value["schema"] == "classroom50/result/v1"
    assert value["submission"].startswith("submit/")
    for field in ("classroom", "assignment", "owner", "commit", "release", "review"):
        assert isinstance(value[field], str)
        assert value[field]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value["datetime"])
    for scored in (value, *value["tests"]):
        got, most = scored["score"], scored["max-score"]
        assert type(got) is type(most) is int
        assert 0 <= got <= most
    names = [t["test-name"] for t in value["tests"]]
    assert len(set(names)) == len(names)
    assert value["score"] == sum(t["score"] for t in value["tests"])
    return value["score"] / 100, value["max-score"] / 100


REPORT_READERS: Final[dict[str, Callable[[bytes], Total]]] = {
    "junit": junit,
    "gradescope": gradescope,
    "prairielearn": prairielearn,
    "autolab": autolab,
    "classroom": classroom,
    "classroom50": classroom50,
}


def rows(data: bytes) -> list[dict[str, str]]:
    """Read CSV strictly; all rows are as long as the header."""
    text = io.StringIO(data.decode(), newline="")
    header, *lines = csv.reader(text, strict=True)
    return [dict(zip(header, line, strict=True)) for line in lines]


def canvas(data: bytes) -> tuple[dict[str, float | None], float]:
    """Return scores by login, and the points, by the rules of Canvas's import."""
    text = io.StringIO(data.decode(), newline="")
    table = list(csv.reader(text, strict=True))
    header = table[0]
    assert "Student" in header[0]
    assert header[1] == "ID"
    assert header[2:5] == ["SIS User ID", "SIS Login ID", "Section"]
    scores: dict[str, float | None] = {}
    points: list[float] = []
    for row in table[1:]:
        assert len(row) == len(header) == 6
        if "Points Possible" in row[0]:
            points.append(float(row[5]))
        else:
            scores[row[3]] = float(row[5]) if row[5].strip() else None
    (most,) = points
    return scores, most


def class_json(data: bytes) -> dict[str, dict[str, Any]]:
    """Return the students by id."""
    return {s["student"]: s for s in json.loads(data)["students"]}
