"""Rows of the points boards, joined as text: a board has thousands of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from markupsafe import Markup

from grader.publish.look import marks, text
from grader.publish.models import Board, Entry, MilestoneScore, ModuleScore
from grader.reports import units

SHADES: Final = 4  # of the cells of the module table, besides full and none
_MISSING: Final = f'<td class="num">{units.MISSING}</td>'


class Column(NamedTuple):
    """A module or milestone that some row of a board has."""

    key: str
    number: str
    title: str
    metric_name: str = ""


class PointsTable(NamedTuple):
    """A board with its columns and its rows, which are HTML."""

    id: str
    board: Board
    modules: tuple[Column, ...]
    milestones: tuple[Column, ...]
    standings: Markup
    module_rows: Markup
    milestone_rows: Markup
    provenance: Markup


def points_table(table_id: str, board: Board, *, whole: bool = True) -> PointsTable:
    """Return all rows of a board; without `whole` those of the standings alone."""
    entries = board.entries if whole else ()
    modules = _columns(m for e in entries for m in e.modules)
    stones = _columns(m for e in entries for m in e.milestones)
    return PointsTable(
        id=table_id,
        board=board,
        modules=modules,
        milestones=stones,
        standings=text.markup("\n".join(map(_standing, board.entries))),
        module_rows=text.markup("\n".join(_modules(e, modules) for e in entries)),
        milestone_rows=text.markup("\n".join(_stones(e, stones) for e in entries)),
        provenance=text.markup("\n".join(_source(e, board.round) for e in entries)),
    )


def _columns(parts: Iterable[ModuleScore | MilestoneScore]) -> tuple[Column, ...]:
    found: dict[str, Column] = {}
    for part in parts:
        if part.name not in found:
            metric = part.metric_name if isinstance(part, MilestoneScore) else ""
            found[part.name] = Column(part.name, part.number, part.title, metric)
    return tuple(sorted(found.values(), key=lambda c: (c.number, c.key)))


def _row(entry: Entry, before: str, after: str) -> str:
    shown = text.name(entry.name)
    host = text.safe(entry.provenance.host_class, 120)
    return (
        f'<tr data-entry="{shown}" data-host="{host}">{before}<th scope="row"'
        f' class="name"><a href="entry/{entry.slug}.html">{shown}</a></th>{after}</tr>'
    )


def _standing(entry: Entry) -> str:
    full = sum(m.earned is not None and m.earned >= m.points for m in entry.modules)
    reached = sum(bool(m.reached) for m in entry.milestones)
    rank = "" if entry.rank is None else f' data-v="{entry.rank}"'
    total = "" if entry.total is None else f' data-v="{entry.total}"'
    share = (entry.total or 0.0) / entry.points if entry.points else 0.0
    on = entry.provenance.graded_on
    return _row(
        entry,
        f'<td class="num rank"{rank}>{text.place(entry)}</td>',
        f'<td class="num total"{total}>{text.points(entry.total)}</td>'
        f'<td class="num muted">{text.points(entry.points)}</td>'
        f"<td>{marks.bar(share)}</td>"
        f'<td class="num" data-v="{full}">{full}'
        f' <span class="muted">of {len(entry.modules)}</span></td>'
        f'<td class="num" data-v="{reached}">{reached}'
        f' <span class="muted">of {len(entry.milestones)}</span></td>'
        f'<td class="num" data-v="{on.toordinal()}">{text.day(on)}</td>',
    )


def _modules(entry: Entry, columns: Sequence[Column]) -> str:
    scores = {m.name: m for m in entry.modules}
    cells = []
    for column in columns:
        score = scores.get(column.key)
        if score is None or score.earned is None:
            cells.append(_MISSING)
        else:
            cells.append(_cell(score.earned, score.points))
    return _row(entry, "", "".join(cells))


@lru_cache(maxsize=4096)
def _cell(earned: float, points: float) -> str:
    return f'<td class="num {shade(earned, points)}">{units.points(earned)}</td>'


def shade(earned: float, points: float) -> str:
    """Return the class of a cell: q0 (nothing) to q5 (all); the number stands in it."""
    share = earned / points if points else 0.0
    if share >= 1:
        return f"q{SHADES + 1}"
    return f"q{min(SHADES, 1 + int(share * SHADES))}" if share > 0 else "q0"


def _stones(entry: Entry, columns: Sequence[Column]) -> str:
    scores = {m.name: m for m in entry.milestones}
    return _row(entry, "", "".join(_stone(scores.get(c.key)) for c in columns))


def _stone(score: MilestoneScore | None) -> str:
    if score is None or score.metric is None:
        metric = _MISSING
    else:
        missed = ' <span class="missed">missed</span>' if score.reached is False else ""
        shown = units.metric(score.metric_name, score.metric)
        metric = f'<td class="num">{shown}{missed}</td>'
    if score is None:
        return _MISSING * 3
    cpu, peak = score.cpu_s, score.peak_memory_bytes
    return (
        metric
        + (_MISSING if cpu is None else f'<td class="num">{units.seconds(cpu)}</td>')
        + (
            _MISSING
            if peak is None
            else f'<td class="num">{units.mebibytes(peak)}</td>'
        )
    )


def _source(entry: Entry, round_: str) -> str:
    from_ = entry.provenance
    return _row(
        entry,
        "",
        f'<td class="mono">{units.short_digest(from_.submission)}</td>'
        f"<td>{text.safe(round_, 120)}</td><td>{text.safe(from_.tier)}</td>"
        f"<td>{text.safe(from_.host_class, 120)}</td>"
        f"<td>{text.safe(from_.engine, 40)}</td>",
    )
