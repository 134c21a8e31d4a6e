"""The public tests as files: JUnit XML for programs, a page for people."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

from tito.ci_places import Places
from tito.ci_records import Check, Outcomes, count
from tito.ci_summary import ADVICE, WRONG, Milestones, counts, ended, told
from tito.ci_text import block, line, pre
from tito.errors import TitoError

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;"
    "padding:0 1rem;color:#1a1a1a;background:#fff}pre{overflow-x:auto;padding:.75rem;"
    "background:#f2f2f2}table{border-collapse:collapse}td,th{padding:.2rem .8rem;"
    "text-align:left;border-bottom:1px solid #ccc}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def junit(found: Outcomes, places: Places) -> bytes:
    """Return XML; a task that is not written yet is skipped."""
    root = Element("testsuites", name="public tests")
    _count(root, found.checks)
    for module in found.modules:
        suite = SubElement(root, "testsuite", name=line(module))
        _count(suite, found.of(module))
        for check in found.of(module):
            _case(suite, check, places)
    data: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def _count(element: Element, found: Sequence[Check]) -> None:
    element.set("tests", str(len(found)))
    element.set("failures", str(count(found, "failed")))
    element.set("errors", str(count(found, "missing")))
    element.set("skipped", str(count(found, "todo", "skipped")))
    element.set("time", f"{sum(check.wall_s for check in found):.3f}")


def _case(suite: Element, check: Check, places: Places) -> None:
    names = {"classname": line(check.module), "name": line(check.name, 300)}
    case = SubElement(suite, "testcase", names, time=f"{check.wall_s:.3f}")
    if check.outcome == "passed":
        return
    place = places.of(check)
    if place.file:
        case.set("file", line(place.file, 300))
        case.set("line", str(place.line))
    kinds = {"failed": "failure", "missing": "error"}
    text = block(told(check))
    bad = SubElement(case, kinds.get(check.outcome, "skipped"), message=line(text))
    bad.text = text
    if printed := block(check.output):
        SubElement(case, "system-out").text = printed


def page(found: Outcomes, milestones: Milestones, places: Places) -> bytes:
    """Return one page of HTML that loads nothing."""
    rows = [(line(m), counts(found.of(m))) for m in found.modules]
    rows += [(line(row.name), line(row.result)) for row in milestones.rows]
    head = f"<p><strong>{html.escape(counts(found.checks))}</strong></p>"
    how = f"<p>{html.escape(line(ended(found), 400))}</p>" if ended(found) else ""
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Public tests</title><style>{STYLE}</style></head><body><main>",
        f"<h1>Public tests</h1>{head}{how}<p>{html.escape(ADVICE)}</p>",
        "<table><thead><tr><th>what</th><th>result</th></tr></thead><tbody>",
        *(f"<tr><td>{_e(a)}</td><td>{_e(b)}</td></tr>" for a, b in rows),
        "</tbody></table>",
        *(_failure(c, places) for c in found.checks if c.outcome in WRONG),
        "</main></body></html>\n",
    ]
    return "\n".join(parts).encode("utf-8", "replace")


def _e(text: str) -> str:
    return html.escape(text)


def _failure(check: Check, places: Places) -> str:
    place = places.of(check)
    where = f" at {line(place.file, 300)}, line {place.line}" if place.file else ""
    printed = f"<p>printed:</p>{pre(check.output)}" if check.output.strip() else ""
    head = f"{line(check.module)}: {line(check.name, 300)}"
    return f"<h2>{_e(head)}</h2><p>{_e(where)}</p>{pre(told(check))}{printed}"


def write(path: Path, data: bytes) -> None:
    """Write a file, and the folders above it.

    Raises:
        TitoError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise TitoError(
            f"{path} cannot be written: {error.strerror}",
            "Name a file in a folder that is writable.",
        ) from None
