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

from tito.ci_hidden import annotations
from tito.ci_places import places_of
from tito.ci_service import Service, ServiceError, service
from tito.ci_summary import append
from tito.ci_text import cell, command, line, log, pre
from tito.ci_verdict import kind_of, label_of, number_of, object_of, rows_of, told
from tito.errors import FAILED, TitoError
from tito.package import collect, digest_of
from tito.screen import say

HELD = ("passed", "blocked")
FINAL = ("graded", "inconclusive", "rejected", "failed")
OURS = ("inconclusive", "failed")  # nothing the student has to do
PATIENT = (0, 429, 503)  # no answer, too often, busy: asked again
SOON_S, RARELY_S = 1.0, 15.0  # between two questions
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


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
        said = [f"{number_of(found, 'earned')} of {number_of(found, 'points')} points"]
    say("\n".join(map(log, said)))
    if os.environ.get("GITHUB_ACTIONS") == "true" and state != "graded":
        kind = "error" if state == "rejected" else "warning"
        click.echo(command(kind, said[0], title="the course's grading"))
    elif os.environ.get("GITHUB_ACTIONS") == "true" and report is not None:
        same = found.get("digest") == digest_of(collect(project))
        places = places_of(project) if same else None
        for each in annotations(object_of(report.get("verdict")), places):
            click.echo(each)
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
        return object_of(there.get(f"submissions/{wanted}"))
    rows = object_of(there.get("submissions")).get("submissions")
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
        return object_of(there.get(f"submissions/{name}/report"))
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
        earned, points = number_of(found, "earned"), number_of(found, "points")
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
        yield from _parts(object_of(report.get("verdict")))


def _parts(verdict: dict[str, Any]) -> Iterator[str]:
    modules = rows_of(verdict, "modules")
    milestones = rows_of(verdict, "milestones")
    yield "| what | points | of | checks that pass |\n|---|--:|--:|--:|\n"
    for row in [*modules, *milestones]:
        checks = rows_of(row, "checks")
        good = sum(kind_of(check) == "passed" for check in checks)
        passed = f"{good} of {len(checks)}" if checks else ""
        yield (
            f"| {cell(label_of(row))} | {cell(number_of(row, 'earned'))} "
            f"| {cell(number_of(row, 'points'))} | {cell(passed)} |\n"
        )
    for row in modules:
        bad = [c for c in rows_of(row, "checks") if kind_of(c) not in HELD]
        if bad:
            title = cell(str(bad[0].get("title", "")))
            yield f"\n### {cell(label_of(row))}\n\n{title}\n\n"
            yield f"{pre(told(object_of(bad[0].get('outcome'))))}\n"
    for row in milestones:
        if kind_of(row) != "passed":
            yield f"\n### {cell(label_of(row))}\n\n"
            yield f"{pre(told(object_of(row.get('outcome'))))}\n"
