"""Rows of the points boards, joined as text: a board has thousands of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from markupsafe import Markup

from grader.publish.look import marks, text
from grader.publish.look.books import Book, Row, Sheet, book, portion
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
    """A board, or a page of a long one, with its columns and its rows as HTML."""

    id: str
    board: Board
    modules: tuple[Column, ...]
    milestones: tuple[Column, ...]
    standings: Markup
    module_rows: Markup
    milestone_rows: Markup
    provenance: Markup
    book: Book | None  # None: all rows are here
    sheet: Sheet | None


class PointsTables:
    """The pages of one board, of which small ones have one.

    Args:
        table_id: ids on the pages and paths of further ones begin with it.
        whole: also show modules, milestones and provenance of each row.
    """

    def __init__(self, table_id: str, board: Board, *, whole: bool = True) -> None:
        self._id, self._board, self._whole = table_id, board, whole
        entries = board.entries if whole else ()
        self._modules = _columns(e.modules for e in entries)
        self._stones = _columns(e.milestones for e in entries)
        self.book = book(
            f"Round {board.round}, {board.profile} profile",
            "index.html",
            f"all/{table_id}",
            [Row(text.place(e), e.name, e.slug) for e in board.entries],
        )

    def page(self, number: int = 1) -> PointsTable:
        """Return the rows of one page, the first one being the site's front page."""
        root = "" if number == 1 else "../"
        part = portion(number, len(self._board.entries))
        entries = self._board.entries[part]
        long, rest = self.book, entries if self._whole else ()
        known, stones = self._modules, self._stones

        def joined(rows: Iterable[str]) -> Markup:
            return text.markup("\n".join(rows))

        return PointsTable(
            id=self._id,
            board=self._board,
            modules=known,
            milestones=stones,
            standings=joined(_standing(e, root, bool(long)) for e in entries),
            module_rows=joined(_modules(e, known, root) for e in rest),
            milestone_rows=joined(_stones(e, stones, root) for e in rest),
            provenance=joined(_source(e, self._board.round, root) for e in rest),
            book=long,
            sheet=long.sheets[number - 1] if long else None,
        )


def _columns(
    rows: Iterable[Sequence[ModuleScore | MilestoneScore]],
) -> tuple[Column, ...]:
    # Nearly all rows have the same parts.
    alike: dict[tuple[str, ...], Sequence[ModuleScore | MilestoneScore]] = {}
    for row in rows:
        alike.setdefault(tuple([part.name for part in row]), row)
    found: dict[str, Column] = {}
    for part in (part for row in alike.values() for part in row):
        if part.name not in found:
            metric = part.metric_name if isinstance(part, MilestoneScore) else ""
            found[part.name] = Column(part.name, part.number, part.title, metric)
    return tuple(sorted(found.values(), key=lambda c: (c.number, c.key)))


def _row(entry: Entry, root: str, before: str, after: str, more: str = "") -> str:
    shown = text.name(entry.name)
    host = text.safe(entry.provenance.host_class, 120)
    return (
        f'<tr{more} data-entry="{shown}" data-host="{host}">{before}<th scope="row"'
        f' class="name"><a href="{root}entry/{entry.slug}.html">{shown}</a></th>'
        f"{after}</tr>"
    )


def _standing(entry: Entry, root: str, anchored: bool) -> str:
    full = sum(m.earned is not None and m.earned >= m.points for m in entry.modules)
    reached = sum(bool(m.reached) for m in entry.milestones)
    rank = "" if entry.rank is None else f' data-v="{entry.rank}"'
    total = "" if entry.total is None else f' data-v="{entry.total}"'
    share = (entry.total or 0.0) / entry.points if entry.points else 0.0
    on = entry.provenance.graded_on
    return _row(
        entry,
        root,
        f'<td class="num rank"{rank}>{text.place(entry)}</td>',
        f'<td class="num total"{total}>{text.points(entry.total)}</td>'
        f'<td class="num muted">{text.points(entry.points)}</td>'
        f"<td>{marks.bar(share)}</td>"
        f'<td class="num" data-v="{full}">{full}'
        f' <span class="muted">of {len(entry.modules)}</span></td>'
        f'<td class="num" data-v="{reached}">{reached}'
        f' <span class="muted">of {len(entry.milestones)}</span></td>'
        f'<td class="num" data-v="{on.toordinal()}">{text.day(on)}</td>',
        f' id="{entry.slug}-row"' if anchored else "",
    )


def _modules(entry: Entry, columns: Sequence[Column], root: str) -> str:
    scores = {m.name: m for m in entry.modules}
    cells = []
    for column in columns:
        score = scores.get(column.key)
        if score is None or score.earned is None:
            cells.append(_MISSING)
        else:
            cells.append(_cell(score.earned, score.points))
    return _row(entry, root, "", "".join(cells))


@lru_cache(maxsize=4096)
def _cell(earned: float, points: float) -> str:
    return f'<td class="num {shade(earned, points)}">{units.points(earned)}</td>'


def shade(earned: float, points: float) -> str:
    """Return the class of a cell: q0 (nothing) to q5 (all); the number stands in it."""
    share = earned / points if points else 0.0
    if share >= 1:
        return f"q{SHADES + 1}"
    return f"q{min(SHADES, 1 + int(share * SHADES))}" if share > 0 else "q0"


def _stones(entry: Entry, columns: Sequence[Column], root: str) -> str:
    scores = {m.name: m for m in entry.milestones}
    cells = "".join(_stone(scores.get(c.key)) for c in columns)
    return _row(entry, root, "", cells)


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


def _source(entry: Entry, round_: str, root: str) -> str:
    from_ = entry.provenance
    return _row(
        entry,
        root,
        "",
        f'<td class="mono">{units.short_digest(from_.submission)}</td>'
        f"<td>{text.safe(round_, 120)}</td><td>{text.safe(from_.tier)}</td>"
        f"<td>{text.safe(from_.host_class, 120)}</td>"
        f"<td>{text.safe(from_.engine, 40)}</td>",
    )
