"""A person's own attempts, as shown: when, how many points, what changed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from grader.feedback.changes import Changes, changes
from grader.feedback.standing import Standing
from grader.marks import decimal
from grader.marks.scored import Scored
from grader.marks.words import clock, counted
from grader.models.report import GradeReport
from grader.models.summary import ResultSummary
from grader.reports import units
from grader.reports.curves import Figure
from grader.reports.svg import Axis, Chart, line_chart

NAMED: Final = 6  # checks that a change names; the rest is counted
LEAST_CHARTED: Final = 3  # attempts of which a line says more than their numbers


class Change(NamedTuple):
    """One kind of change, in words."""

    label: str
    style: str
    names: tuple[str, ...]
    more: int


class Attempt(NamedTuple):
    """One attempt as shown."""

    number: int
    at: str
    machine_at: str  # for <time datetime>
    points: str  # "71.5 of 90"; empty where it was not judged
    time: str  # "in time", "2 days late, -20 %"; empty without a due date
    late: bool
    counts: bool
    team: str
    notes: tuple[str, ...]
    changes: tuple[Change, ...]


def history(standing: Standing, report: GradeReport) -> tuple[Attempt, ...]:
    """Return the attempts of a person, the newest first.

    Args:
        report: of the newest attempt; it gives checks their titles.
    """
    titles = _titles(report)
    before: list[Scored | None] = [None, *standing.tried[:-1]]
    shown = [
        _attempt(standing, number, one, earlier, titles)
        for number, (earlier, one) in enumerate(
            zip(before, standing.tried, strict=True), start=1
        )
    ]
    return tuple(reversed(shown))


def course_of_points(standing: Standing) -> tuple[Figure, ...]:
    """Return the points of all attempts as a chart, where there are enough of them."""
    points = [
        (float(number), one.earned / 100)
        for number, one in enumerate(standing.tried, start=1)
        if one.earned is not None
    ]
    if len(points) < LEAST_CHARTED:
        return ()
    most = max(one.points for one in standing.tried) / 100
    chart = Chart(
        id="points-by-attempt",
        title="Points by attempt",
        description=(
            f"From {units.points(points[0][1])} in attempt {points[0][0]:.0f} to "
            f"{units.points(points[-1][1])} in attempt {points[-1][0]:.0f}, of "
            f"{units.points(most)}."
        ),
        x=Axis("attempt", points[-1][0], whole=True),
        y=Axis("points", max(most, *(y for _, y in points))),
        points=tuple(points),
    )
    rows = tuple((f"{x:.0f}", units.points(y)) for x, y in points)
    caption = "Points by attempt"
    return (Figure(line_chart(chart), caption, ("attempt", "points"), rows),)


def _attempt(
    standing: Standing,
    number: int,
    one: Scored,
    before: Scored | None,
    titles: Mapping[str, str],
) -> Attempt:
    summary, owner = one.stored.summary, one.attempt.owner
    at = one.submitted_at or summary.started_at
    since = Changes()
    if before is not None and standing.details:
        since = changes(before.stored.summary, summary)
    return Attempt(
        number=number,
        at=clock(at, like=standing.person.due_at or datetime(1970, 1, 1, tzinfo=UTC)),
        machine_at=at.isoformat(),
        points=_points(one),
        time=_time(one, standing),
        late=one.late_days > 0,
        counts=standing.counts(one),
        team="" if owner == standing.asked.student else owner,
        notes=tuple(_notes(one, since)),
        changes=tuple(_told(since, summary, titles)),
    )


def _points(one: Scored) -> str:
    if one.earned is None:
        return ""
    return f"{units.points(one.earned / 100)} of {units.points(one.points / 100)}"


def _time(one: Scored, standing: Standing) -> str:
    if standing.person.due_at is None:
        return ""
    if one.submitted_at is None:
        return "time not known, taken as in time"
    if not one.late_days:
        return "in time"
    late = f"{counted(one.late_days, 'day')} late"
    if one.closed:
        return f"{late}, after the round closed"
    return f"{late}, -{decimal(one.penalty)} points" if one.penalty else late


def _notes(one: Scored, since: Changes) -> list[str]:
    said = []
    if one.earned is None:
        said.append("could not be judged (our side); it is graded again by itself")
    elif one.unclear:
        said.append("graded again, which could not be judged (our side) so far")
    results = [each.summary for each in one.attempt.results]
    for old, new in itertools.pairwise(r for r in results if r.judged):
        if old.earned != new.earned:
            was, now = units.points(old.earned), units.points(new.earned)
            said.append(f"graded again: {was} -> {now} points")
    if since.other_checks:
        said.append("the checks changed since the attempt before")
    return said


def _told(
    since: Changes, summary: ResultSummary, titles: Mapping[str, str]
) -> list[Change]:
    stones = {s.name: f"milestone {s.number} {s.title}" for s in summary.milestones}
    won = [stones[name] for name in since.reached]
    won += [titles.get(check, _plain(check)) for check in since.passed]
    lost = [stones[name] for name in since.missed]
    lost += [titles.get(check, _plain(check)) for check in since.failed]
    lose = "no longer passes" if len(lost) == 1 else "no longer pass"
    kinds = ("newly passed", "passed", won), (lose, "failed", lost)
    return [
        Change(f"{len(names)} {label}", style, tuple(names[:NAMED]), len(names[NAMED:]))
        for label, style, names in kinds
        if names
    ]


def _titles(report: GradeReport) -> dict[str, str]:
    return {
        check.id: f"{module.number} {check.title}"
        for module in report.verdict.modules
        for check in module.checks
    }


def _plain(check: str) -> str:
    """Return a check's id in words, for one that the suites no longer have."""
    return check.replace("::", ": ").replace("_", " ")
