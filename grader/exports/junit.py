"""`junit`: XML that CI servers and editors show.

The format knows no points; they stand in `<properties>` of suites and cases. A check
that is not written yet is a failure, not skipped: a build of stubs is not green.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from grader.exports.lines import LIMITS, Line, Part, parts_of, printed, told
from grader.models.report import GradeReport
from grader.reports.display import one_line, workflow_log
from grader.reports.words import message


def write(report: GradeReport) -> bytes:
    """Return a suite a module and milestone; `error` is what we could not judge."""
    verdict = report.verdict
    parts = parts_of(report)
    root = Element("testsuites", name=_text(f"{verdict.course} {verdict.round}"))
    _count(root, [line for part in parts for line in part.lines])
    for part in parts:
        _suite(root, part, report)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _suite(root: Element, part: Part, report: GradeReport) -> None:
    suite = SubElement(root, "testsuite", name=part.label)
    _count(suite, part.lines)
    started = report.measurements.started_at.replace(tzinfo=None)
    suite.set("timestamp", started.isoformat(timespec="seconds"))
    _points(suite, part.points, part.earned if part.judged else None)
    for line in part.lines:
        _case(suite, part, line)


def _count(element: Element, lines: Sequence[Line]) -> None:
    errors = sum(not line.judged for line in lines)
    passed = sum(line.passed for line in lines)
    element.set("tests", str(len(lines)))
    element.set("failures", str(len(lines) - passed - errors))
    element.set("errors", str(errors))
    element.set("skipped", "0")
    element.set("time", f"{sum(line.wall_s for line in lines):.3f}")


def _case(suite: Element, part: Part, line: Line) -> None:
    case = SubElement(suite, "testcase", classname=part.key, name=line.id)
    case.set("time", f"{line.wall_s:.3f}")
    _points(case, line.points, line.earned if line.judged else None)
    if not line.passed:
        kind = "failure" if line.judged else "error"
        head = _text(message(line.outcome).head)
        bad = SubElement(case, kind, type=line.outcome.kind, message=head)
        bad.text = told(line, LIMITS[0])
    output = printed(line, LIMITS[0])
    if output:
        SubElement(case, "system-out").text = output


def _points(element: Element, points: int, earned: int | None) -> None:
    properties = SubElement(element, "properties")
    SubElement(properties, "property", name="points", value=f"{points / 100:.2f}")
    if earned is not None:
        SubElement(properties, "property", name="earned", value=f"{earned / 100:.2f}")


def _text(text: str) -> str:
    return one_line(workflow_log(one_line(text)))
