"""What is public, as frozen data: chosen from an export, ranked, and nothing more.

Rules: hidden unless the student's latest decision says otherwise; the latest judged
result of a round and profile counts; a board with too few public entries shows none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from grader.models.base import Digest, Model, ModuleName
from grader.models.measure import Tier
from grader.models.outcome import Inconclusive, Passed
from grader.models.report import GradeReport, MilestoneResult, ModuleResult
from grader.publish.aliases import aliases, named_slug
from grader.store import (
    Event,
    Export,
    GradedAt,
    VisibilitySet,
    Withdrawn,
    has_inconclusive,
)

FORMULA = "points-1"  # shown on the page; changes when the ranking rule does


class ModuleScore(Model):
    """One module; `earned` is None where a check could not be judged."""

    name: ModuleName
    number: str
    title: str
    earned: float | None
    points: float


class MilestoneScore(Model):
    """One milestone; None where it was not judged or never got as far."""

    name: ModuleName
    number: str
    title: str
    earned: float | None
    points: float
    reached: bool | None
    metric_name: str
    metric: float | None
    cpu_s: float | None
    peak_memory_bytes: int | None


class Provenance(Model):
    """What a row rests on."""

    submission: Digest
    suites: Digest
    reference: Digest
    tier: Tier
    host_class: str
    engine: str
    graded_on: date


class PastResult(Model):
    """An earlier result, or one that no longer counts."""

    graded_on: date
    total: float | None
    submission: Digest
    state: Literal["counts", "earlier", "withdrawn", "not judged"]


class Entry(Model):
    """One public row."""

    rank: int | None  # None: not ranked, because not judged
    tied: bool
    name: str  # an alias, or the name the student chose to show
    slug: str
    total: float | None
    points: float
    modules: tuple[ModuleScore, ...]
    milestones: tuple[MilestoneScore, ...]
    provenance: Provenance
    history: tuple[PastResult, ...]


class Board(Model):
    """All public rows of one round and profile, best first."""

    round: str
    round_kind: Literal["feedback", "final", "demo"]
    profile: Literal["quick", "full"]
    shown: bool  # False: too few public entries, so there are none here
    entries: tuple[Entry, ...]


class Leaderboard(Model):
    """The whole public data set: `data/v1/leaderboard.json`."""

    schema_version: Literal[1] = 1
    course: str
    generated_at: datetime
    minimum_group: int
    formula: str = FORMULA
    boards: tuple[Board, ...]


@dataclass(frozen=True)
class Graded:
    """One stored result with the event that brought it."""

    event: Event
    digest: str
    report: GradeReport
    withdrawn: bool


@dataclass(frozen=True)
class Public:
    """A student who may be shown, and as what."""

    name: str
    slug: str
    named: bool


@dataclass(frozen=True)
class Shown:
    """A public row together with the report it was made from."""

    entry: Entry
    report: GradeReport
    named: bool


@dataclass(frozen=True)
class Selection:
    """The leaderboard, and per board the reports behind its rows."""

    leaderboard: Leaderboard
    rows: tuple[tuple[Shown, ...], ...]


def select(
    export: Export, *, secret: bytes, minimum_group: int, now: datetime
) -> Selection:
    """Choose and rank what may be shown."""
    public = _public(export, secret)
    groups: dict[tuple[str, str], list[Graded]] = {}
    for graded in _graded(export):
        verdict = graded.report.verdict
        groups.setdefault((verdict.round, verdict.profile), []).append(graded)
    newest_first = sorted(groups.values(), key=lambda g: g[-1].event.id, reverse=True)
    boards, rows = [], []
    for group in newest_first:
        shown = _rows(group, public)
        enough = len(shown) >= minimum_group or all(row.named for row in shown)
        kept = shown if enough else ()
        rows.append(kept)
        boards.append(_board(group[-1].report, kept, shown=enough))
    latest = newest_first[0][-1].report.verdict.course if newest_first else ""
    leaderboard = Leaderboard(
        course=latest,
        generated_at=now.astimezone(UTC),
        minimum_group=minimum_group,
        boards=tuple(boards),
    )
    return Selection(leaderboard, tuple(rows))


def _public(export: Export, secret: bytes) -> dict[str, Public]:
    """Return who may be shown; a student without an id cannot have agreed."""
    latest: dict[str, VisibilitySet] = {}
    for event in export.events:
        if isinstance(event.payload, VisibilitySet):
            latest[event.student] = event.payload
    alias_of = aliases((e.student for e in export.events if e.student), secret)
    found = {}
    for student, alias in alias_of.items():
        choice = latest.get(student)
        if choice is None or choice.visibility == "hidden":
            continue
        if choice.visibility == "named":
            found[student] = Public(
                choice.name, named_slug(student, secret), named=True
            )
        else:
            found[student] = Public(alias.replace("-", " "), alias, named=False)
    return found


def _graded(export: Export) -> list[Graded]:
    reports = {stored.digest: stored.report for stored in export.reports}
    gone = {e.document for e in export.events if isinstance(e.payload, Withdrawn)}
    return [
        Graded(event, event.document, reports[event.document], event.document in gone)
        for event in export.events
        if isinstance(event.payload, GradedAt) and event.document
    ]


def _rows(group: Sequence[Graded], public: dict[str, Public]) -> tuple[Shown, ...]:
    """Return one row per public student, ranked."""
    by_student: dict[str, list[Graded]] = {}
    for graded in group:
        if graded.event.student in public:
            by_student.setdefault(graded.event.student, []).append(graded)
    chosen = []
    for student, results in by_student.items():
        counting = _counting(results)
        if counting is not None:
            chosen.append((public[student], counting, results))
    chosen.sort(key=lambda item: (_order(item[1].report), item[1].event.id))
    tally = Counter(_order(item[1].report) for item in chosen)
    rows, rank = [], 0
    for place, (who, counting, results) in enumerate(chosen, start=1):
        mine = _order(counting.report)
        if place == 1 or mine != _order(chosen[place - 2][1].report):
            rank = place
        entry = _entry(who, counting, results, rank=rank, tied=tally[mine] > 1)
        rows.append(Shown(entry, counting.report, who.named))
    return tuple(rows)


def _counting(results: Sequence[Graded]) -> Graded | None:
    """Return the latest judged result; if none is judged, the latest one."""
    valid = [g for g in results if not g.withdrawn]
    judged = [g for g in valid if not has_inconclusive(g.report)]
    return (judged or valid or [None])[-1]


def _order(report: GradeReport) -> tuple[bool, float]:
    """Order by total, as shown; what is not judged comes last, whatever it has."""
    if has_inconclusive(report):
        return (True, 0.0)
    return (False, -round(report.verdict.earned, 2))


def _entry(
    who: Public, counting: Graded, results: Sequence[Graded], *, rank: int, tied: bool
) -> Entry:
    report = counting.report
    total = _total(report)
    return Entry(
        rank=None if total is None else rank,
        tied=tied and total is not None,
        name=who.name,
        slug=who.slug,
        total=total,
        points=report.verdict.points,
        modules=tuple(_module(m) for m in report.verdict.modules),
        milestones=tuple(_milestone(m, report) for m in report.verdict.milestones),
        provenance=_provenance(report),
        history=tuple(_past(g, counting) for g in reversed(results)),
    )


def _total(report: GradeReport) -> float | None:
    return None if has_inconclusive(report) else round(report.verdict.earned, 2)


def _module(module: ModuleResult) -> ModuleScore:
    unjudged = any(isinstance(c.outcome, Inconclusive) for c in module.checks)
    return ModuleScore(
        name=module.name,
        number=module.number,
        title=module.title,
        earned=None if unjudged else round(module.earned, 2),
        points=module.points,
    )


def _milestone(result: MilestoneResult, report: GradeReport) -> MilestoneScore:
    cost = next(
        (m for m in report.measurements.milestones if m.name == result.name), None
    )
    judged = not isinstance(result.outcome, Inconclusive)
    return MilestoneScore(
        name=result.name,
        number=result.number,
        title=result.title,
        earned=round(result.earned, 2) if judged else None,
        points=result.points,
        reached=isinstance(result.outcome, Passed) if judged else None,
        metric_name=result.metric_name,
        metric=result.metric if judged else None,
        cpu_s=cost.usage.cpu_s if cost and judged else None,
        peak_memory_bytes=cost.usage.peak_rss_bytes if cost and judged else None,
    )


def _provenance(report: GradeReport) -> Provenance:
    verdict, measured = report.verdict, report.measurements
    return Provenance(
        submission=verdict.submission,
        suites=verdict.suites,
        reference=verdict.reference,
        tier=measured.isolation.tier,
        host_class=f"{measured.host.cpu}, {measured.host.cores} cores",
        engine=verdict.engine,
        graded_on=measured.started_at.astimezone(UTC).date(),
    )


def _past(graded: Graded, counting: Graded) -> PastResult:
    state: Literal["counts", "earlier", "withdrawn", "not judged"] = "earlier"
    if graded.withdrawn:
        state = "withdrawn"
    elif has_inconclusive(graded.report):
        state = "not judged"
    elif graded is counting:
        state = "counts"
    return PastResult(
        graded_on=graded.report.measurements.started_at.astimezone(UTC).date(),
        total=None if graded.withdrawn else _total(graded.report),
        submission=graded.report.verdict.submission,
        state=state,
    )


def _board(sample: GradeReport, rows: Sequence[Shown], *, shown: bool) -> Board:
    verdict = sample.verdict
    return Board(
        round=verdict.round,
        round_kind=verdict.round_kind,
        profile=verdict.profile,
        shown=shown,
        entries=tuple(row.entry for row in rows),
    )
