"""`tito ci results`: wait for the course's grading, and tell what it came to."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tito.ci_service import Service, ServiceError, service
from tito.ci_summary import append
from tito.ci_text import cell, command, line, log, pre
from tito.errors import FAILED, TitoError
from tito.package import collect, digest_of
from tito.screen import say

FINAL = ("graded", "inconclusive", "rejected", "failed")
OURS = ("inconclusive", "failed")  # nothing the student has to do
PATIENT = (0, 429, 503)  # no answer, too often, busy: asked again
SOON_S, RARELY_S = 1.0, 15.0  # between two questions
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
LABELS = ("expected", "got", "misconception", "where", "hint", "limit", "how", "detail")


@dataclass(frozen=True)
class Order:
    """Which submission, of which service, told where."""

    submission: str  # empty: that of the package as it is here
    to: str
    summary: Path | None
    wait_s: float


def results(project: Path, order: Order) -> int:
    """Wait and tell; return the exit code, 1 where there is something to put right.

    Raises:
        TitoError: the service says no.
    """
    there = service(project, order.to)
    wanted = order.submission or digest_of(collect(project))
    deadline = time.monotonic() + order.wait_s
    found = _waited(there, wanted, deadline)
    state = line(str(found.get("state", "")), 40)
    said = [f"{state}: {line(str(found.get('message', '')), 400)}"]
    report = _report(there, found) if state == "graded" else None
    if order.summary:
        append(order.summary, _summary(found, report, there.address))
    if state == "graded":
        said = [f"{_number(found, 'earned')} of {_number(found, 'points')} points"]
    say("\n".join(map(log, said)))
    if os.environ.get("GITHUB_ACTIONS") == "true" and state != "graded":
        kind = "error" if state == "rejected" else "warning"
        click.echo(command(kind, said[0], title="the course's grading"))
    return FAILED if state == "rejected" else 0


def _waited(there: Service, wanted: str, deadline: float) -> dict[str, Any]:
    """Return the submission in its final state, or as it is at the deadline."""
    pause_s = SOON_S
    while True:
        try:
            found = _submission(there, wanted)
        except ServiceError as error:
            if error.status not in PATIENT or time.monotonic() >= deadline:
                raise
        else:
            if found.get("state") in FINAL or time.monotonic() >= deadline:
                return found
        time.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
        pause_s = min(2 * pause_s, RARELY_S)


def _submission(there: Service, wanted: str) -> dict[str, Any]:
    """Return the submission of this id, or the newest of this digest.

    Raises:
        TitoError: there is none.
    """
    if not wanted.startswith("sha256:"):
        if not ID.fullmatch(wanted):
            raise TitoError(
                f"{line(wanted, 80)} is no id of a submission",
                "`tito submit` tells it, as in s-ABCDEFGHIJKL.",
            )
        return _object(there.get(f"submissions/{wanted}"))
    rows = _object(there.get("submissions")).get("submissions")
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and row.get("digest") == wanted:
            return row
    raise TitoError(
        "this package was not handed in to the service", "Hand it in: tito submit"
    )


def _report(there: Service, found: dict[str, Any]) -> dict[str, Any] | None:
    """Return the report; None where its details are told only later."""
    name = str(found.get("id", ""))
    if not ID.fullmatch(name):
        return None
    try:
        return _object(there.get(f"submissions/{name}/report"))
    except ServiceError as error:
        if error.code == "round_open":
            return None
        raise


def _summary(
    found: dict[str, Any], report: dict[str, Any] | None, address: str
) -> Iterator[str]:
    """Yield the summary in pieces, each whole in itself."""
    state = str(found.get("state", ""))
    yield f"## The course's grading: {cell(state, 40)}\n\n"
    if state == "graded":
        earned, points = _number(found, "earned"), _number(found, "points")
        yield f"**{cell(earned)} of {cell(points)} points**\n\n"
    notes = found.get("notes")
    for text in [found.get("message"), *(notes if isinstance(notes, list) else [])]:
        if text:
            yield f"{cell(str(text), 400)}\n\n"
    if str(found.get("page", "")).startswith("/"):
        yield f"Your page: {cell(address + str(found['page']), 300)}\n\n"
    if report is None and state == "graded":
        yield "What failed is told when the round has closed.\n"
    if report is not None:
        yield from _parts(_object(report.get("verdict")))


def _parts(verdict: dict[str, Any]) -> Iterator[str]:
    modules = _rows(verdict, "modules")
    milestones = _rows(verdict, "milestones")
    yield "| what | points | of | checks that pass |\n|---|--:|--:|--:|\n"
    for row in [*modules, *milestones]:
        checks = _rows(row, "checks")
        good = sum(_kind(check) == "passed" for check in checks)
        passed = f"{good} of {len(checks)}" if checks else ""
        yield (
            f"| {cell(_label(row))} | {cell(_number(row, 'earned'))} "
            f"| {cell(_number(row, 'points'))} | {cell(passed)} |\n"
        )
    for row in modules:
        bad = [c for c in _rows(row, "checks") if _kind(c) not in ("passed", "blocked")]
        if bad:
            title = cell(str(bad[0].get("title", "")))
            yield f"\n### {cell(_label(row))}\n\n{title}\n\n"
            yield f"{pre(_told(_object(bad[0].get('outcome'))))}\n"
    for row in milestones:
        if _kind(row) != "passed":
            yield f"\n### {cell(_label(row))}\n\n"
            yield f"{pre(_told(_object(row.get('outcome'))))}\n"


def _told(outcome: dict[str, Any]) -> str:
    """Return an outcome of the report in lines."""
    head = next((outcome[k] for k in ("call", "message", "kind") if outcome.get(k)), "")
    if outcome.get("kind") == "raised":
        error = f"{outcome.get('error', '')}: {outcome.get('message', '')}"
        outcome = {"got": error, **outcome}
    named = [(key, outcome.get(key)) for key in LABELS]
    lines = [f"  {key:<13} {line(str(text), 400)}" for key, text in named if text]
    return "\n".join([line(str(head), 400), *lines])


def _kind(row: dict[str, Any]) -> str:
    return str(_object(row.get("outcome")).get("kind", ""))


def _label(row: dict[str, Any]) -> str:
    return f"{row.get('number', '')} {row.get('title', '')}"


def _rows(facts: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = facts.get(key)
    rows = found if isinstance(found, list) else []
    return [row for row in rows if isinstance(row, dict)]


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(facts: dict[str, Any], key: str) -> str:
    value = facts.get(key)
    return f"{value:g}" if isinstance(value, int | float) else "?"
