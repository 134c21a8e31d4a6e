"""Choose from an export what is public, and rank it.

Rules: hidden unless the student's latest decision says otherwise; the latest judged
result of a round and profile counts; a board with too few public entries shows none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from grader.models.summary import MilestoneSummary, ModuleSummary, ResultSummary
from grader.publish.freezing import came_before, frozen_boards, submitted_at
from grader.publish.models import (
    Board,
    Entry,
    Leaderboard,
    ModuleScore,
    PastResult,
    PastState,
    Provenance,
)
from grader.publish.people import Public
from grader.store import Export
from grader.store.attempts import Graded, attempts


@dataclass(frozen=True)
class Shown:
    """A public row together with the result it was made from."""

    entry: Entry
    digest: str
    named: bool


@dataclass(frozen=True)
class Selection:
    """The leaderboard, and per board the results behind its rows."""

    leaderboard: Leaderboard
    rows: tuple[tuple[Shown, ...], ...]


def select(
    export: Export, public: Mapping[str, Public], *, minimum_group: int, now: datetime
) -> Selection:
    """Choose and rank what may be shown, of the people who may be."""
    frozen, told = frozen_boards(export.events), submitted_at(export.events)
    groups: dict[tuple[str, str], list[Graded]] = {}
    for graded in attempts(export):
        groups.setdefault(graded.group, []).append(graded)
    newest_first = sorted(groups.values(), key=lambda g: g[-1].attempt, reverse=True)
    boards, rows = [], []
    for group in newest_first:
        since = frozen.get(group[-1].summary.round)
        held = group if since is None else came_before(group, since, told)
        shown = _rows(held, public)
        enough = len(shown) >= minimum_group or all(row.named for row in shown)
        kept = shown if enough else ()
        rows.append(kept)
        sample = group[-1].summary
        boards.append(_board(sample, kept, shown=enough, frozen_at=since))
    latest = newest_first[0][-1].summary.course if newest_first else ""
    leaderboard = Leaderboard(
        course=latest,
        generated_at=now.astimezone(UTC),
        minimum_group=minimum_group,
        boards=tuple(boards),
    )
    return Selection(leaderboard, tuple(rows))


def _rows(group: Sequence[Graded], public: Mapping[str, Public]) -> tuple[Shown, ...]:
    """Return one row per public student, ranked."""
    by_student: dict[str, list[Graded]] = {}
    for graded in group:
        if graded.student in public:
            by_student.setdefault(graded.student, []).append(graded)
    chosen = []
    for student, results in by_student.items():
        counting = _counting(results)
        if counting is not None:
            chosen.append((public[student], counting, results))
    chosen.sort(key=lambda item: (_order(item[1].summary), item[1].attempt))
    tally = Counter(_order(item[1].summary) for item in chosen)
    rows, rank = [], 0
    for place, (who, counting, results) in enumerate(chosen, start=1):
        mine = _order(counting.summary)
        if place == 1 or mine != _order(chosen[place - 2][1].summary):
            rank = place
        entry = _entry(who, counting, results, rank=rank, tied=tally[mine] > 1)
        rows.append(Shown(entry, counting.stored.digest, who.named))
    return tuple(rows)


def _counting(results: Sequence[Graded]) -> Graded | None:
    """Return the latest judged result; if none is judged, the latest one."""
    valid = [g for g in results if not g.withdrawn]
    judged = [g for g in valid if g.summary.judged]
    best = judged or valid
    return best[-1] if best else None


def _order(result: ResultSummary) -> tuple[bool, float]:
    """Order by total, as shown; what is not judged comes last, whatever it has."""
    if not result.judged:
        return (True, 0.0)
    return (False, -round(result.earned, 2))


def _entry(
    who: Public, counting: Graded, results: Sequence[Graded], *, rank: int, tied: bool
) -> Entry:
    result = counting.summary
    total = _total(result)
    # Checked in one go, not part by part: a board has half a million parts.
    return Entry.model_validate(
        {
            "rank": None if total is None else rank,
            "tied": tied and total is not None,
            "name": who.name,
            "slug": who.slug,
            "total": total,
            "points": result.points,
            "modules": tuple(_module(m) for m in result.modules),
            "milestones": tuple(_milestone(m) for m in result.milestones),
            "provenance": _provenance(result),
            "history": tuple(_past(g, counting) for g in reversed(results)),
        }
    )


def _total(result: ResultSummary) -> float | None:
    return round(result.earned, 2) if result.judged else None


def _module(module: ModuleSummary) -> ModuleScore:
    earned = module.earned if module.judged else None
    return _score(module.name, module.number, module.title, earned, module.points)


@lru_cache(maxsize=16384)
def _score(
    name: str, number: str, title: str, earned: float | None, points: float
) -> ModuleScore:
    """Return a score, made once: a board has many more of them than different ones."""
    shown = None if earned is None else round(earned, 2)
    return ModuleScore(
        name=name, number=number, title=title, earned=shown, points=points
    )


def _milestone(stone: MilestoneSummary) -> dict[str, object]:
    """Return a `MilestoneScore`, to be checked with its row."""
    judged = stone.judged
    return {
        "name": stone.name,
        "number": stone.number,
        "title": stone.title,
        "earned": round(stone.earned, 2) if judged else None,
        "points": stone.points,
        "reached": stone.reached if judged else None,
        "metric_name": stone.metric_name,
        "metric": stone.metric if judged else None,
        "cpu_s": stone.cpu_s if judged else None,
        "peak_memory_bytes": stone.peak_rss_bytes if judged else None,
    }


def _provenance(result: ResultSummary) -> Provenance:
    return Provenance(
        submission=result.submission,
        suites=result.suites,
        reference=result.reference,
        tier=result.tier,
        host_class=result.host,
        engine=result.engine,
        graded_on=result.started_at.astimezone(UTC).date(),
    )


def _past(graded: Graded, counting: Graded) -> PastResult:
    state: PastState = "earlier"
    if graded.withdrawn:
        state = "withdrawn"
    elif not graded.summary.judged:
        state = "not judged"
    elif graded is counting:
        state = "counts"
    return PastResult(
        graded_on=graded.summary.started_at.astimezone(UTC).date(),
        total=None if graded.withdrawn else _total(graded.summary),
        submission=graded.summary.submission,
        state=state,
    )


def _board(
    sample: ResultSummary,
    rows: Sequence[Shown],
    *,
    shown: bool,
    frozen_at: datetime | None,
) -> Board:
    return Board(
        round=sample.round,
        round_kind=sample.round_kind,
        profile=sample.profile,
        shown=shown,
        frozen_at=frozen_at,
        entries=tuple(row.entry for row in rows),
    )
