"""`tito ci results`: wait for the course's grading, and tell what it came to."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tito.ci_hidden import annotations
from tito.ci_places import places_of
from tito.ci_summary import append
from tito.ci_text import cell, command, line, log, pre
from tito.ci_verdict import kind_of, label_of, number_of, object_of, rows_of, told
from tito.errors import FAILED, LaterError, TitoError
from tito.line import server
from tito.package import collect, digest_of
from tito.problems import UntoldError
from tito.roads import destination
from tito.screen import say
from tito.service import GRADED, ID, REJECTED, Answer, Service
from tito.tokens import find

HELD = ("passed", "blocked")
ENDED = (GRADED, REJECTED, "inconclusive", "failed")  # the last two are ours
NO_SERVICE = "this course has no service"
SOON_S, RARELY_S = 1.0, 15.0  # between two questions


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
    there = _service(project, order.to)
    mine = digest_of(collect(project))
    try:
        found = _waited(there, order.submission or mine, order.wait_s)
        report = _report(there, found) if found.state == GRADED else None
    except LaterError as error:  # its exit code is for what was not handed in
        raise TitoError(error.message, error.hint) from None
    if order.summary:
        append(order.summary, _summary(found, report))
    said = f"{line(found.state, 40)}: {line(found.message, 400)}"
    if found.state == GRADED:
        said = f"{_points(found.earned)} of {_points(found.points)} points"
    say(log(said))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        _annotate(found, said, report, project, mine)
    return FAILED if found.state == REJECTED else 0


def _service(project: Path, to: str) -> Service:
    address = destination(to, project)
    if not address.startswith(("https://", "http://")):
        raise TitoError(
            f"{line(address)} is no service" if address else NO_SERVICE,
            "Results are fetched over https, from the address in tito/course.json.",
        )
    return Service(server(address), find(project), ())  # `_waited` is patient


def _waited(there: Service, wanted: str, limit_s: float) -> Answer:
    """Return the submission in its final state, or as it is when time is up."""
    deadline, pause_s = time.monotonic() + limit_s, SOON_S
    while True:
        try:
            found = _submission(there, wanted)
        except LaterError:  # no answer, too often, busy
            if time.monotonic() >= deadline:
                raise
        else:
            if found.state in ENDED or time.monotonic() >= deadline:
                return found
        time.sleep(min(pause_s, max(0.0, deadline - time.monotonic())))
        pause_s = min(2 * pause_s, RARELY_S)


def _submission(there: Service, wanted: str) -> Answer:
    """Return the submission of this id, or the newest of this digest.

    Raises:
        TitoError: there is none.
    """
    if wanted.startswith("sha256:"):
        found = there.latest(wanted)
        if found is None:
            raise TitoError(
                "this package was not handed in to the service",
                "Hand it in: tito submit",
            )
        return found
    if not ID.fullmatch(wanted):
        raise TitoError(
            f"{line(wanted, 80)} is no id of a submission",
            "`tito submit` tells it, as in s-ABCDEFGHIJKL.",
        )
    return there.state(wanted)


def _report(there: Service, found: Answer) -> dict[str, Any] | None:
    """Return the report; None where its details are told only later."""
    try:
        return there.report(found.id)
    except UntoldError:
        return None


def _annotate(
    found: Answer, said: str, report: dict[str, Any] | None, project: Path, mine: str
) -> None:
    """Tell the runner: what failed at lines of the student's, or why nothing can be."""
    if found.state != GRADED:
        kind = "error" if found.state == REJECTED else "warning"
        click.echo(command(kind, said, title="the course's grading"))
    elif report is not None:
        places = places_of(project) if found.digest == mine else None
        for each in annotations(object_of(report.get("verdict")), places):
            click.echo(each)


def _points(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _summary(found: Answer, report: dict[str, Any] | None) -> Iterator[str]:
    """Yield the summary in pieces, each whole in itself."""
    yield f"## The course's grading: {cell(found.state, 40)}\n\n"
    if found.state == GRADED:
        earned, points = _points(found.earned), _points(found.points)
        yield f"**{cell(earned)} of {cell(points)} points**\n\n"
    for text in filter(None, (found.message, *found.notes)):
        yield f"{cell(text, 400)}\n\n"
    if found.page.startswith(("https://", "http://")):
        yield f"Your page: {cell(found.page, 300)}\n\n"
    if report is None and found.state == GRADED:
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
