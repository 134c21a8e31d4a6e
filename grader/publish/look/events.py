"""The tables of the competition: one per event, division and class of hosts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from grader.publish.competition_models import (
    Competition,
    EventBoard,
    EventEntry,
    Interval,
    Record,
    WorkloadResult,
)
from grader.publish.look import marks, text
from grader.publish.look.books import Book, Row, Sheet, book, portion
from grader.publish.look.scale import Scale
from grader.publish.look.scatter import Scatter, scatter

QUALITIES: Final = ("speed", "memory", "accuracy")
_NONE: Final = f'<td class="num">{text.DASH}</td>'
VOIDS: Final = {
    "canary": "the reference did not keep pace with itself",
    "throttled": "the host slowed the processor down",
    "starved": "the processes hardly got any processor",
    "reference": "the reference itself failed",
    "sandbox": "the sandbox ended",
    "interrupted": "it was interrupted",
}


class Group(NamedTuple):
    """The rows of one class of hosts, or those of one page of them."""

    id: str
    board: EventBoard
    ranked: int
    qualities: tuple[str, ...]  # of speed, memory, accuracy: those that some entry has
    axis: Markup
    rows: Markup
    pareto: Scatter | None
    book: Book | None  # None: all rows are here
    sheet: Sheet | None


class EventPage(NamedTuple):
    """All that the page of one event and division shows."""

    path: str
    title: str
    words: text.EventWords
    division_words: str
    groups: tuple[Group, ...]
    further: tuple[Group, ...]  # pages after the first, of long groups
    records: tuple[Record, ...]


class Line(NamedTuple):
    """One event on the front page."""

    path: str
    title: str
    board: EventBoard
    entries: int
    leader: EventEntry | None
    others: int  # that share the first rank
    bar: Markup


def pages(competition: Competition) -> tuple[EventPage, ...]:
    """Return one page per event and division, in the order of the boards."""
    groups: dict[str, list[EventBoard]] = {}
    for board in competition.boards:
        path = text.event_path(board.event, board.division)
        groups.setdefault(path, []).append(board)
    return tuple(_page(path, boards, competition) for path, boards in groups.items())


def _page(
    path: str, boards: Sequence[EventBoard], competition: Competition
) -> EventPage:
    first = boards[0]
    title = text.event_title(first.event, first.division)
    mine = [
        r
        for r in competition.records
        if (r.event, r.division) == (first.event, first.division)
    ]
    groups = [_groups(i, b, title, path) for i, b in enumerate(boards, start=1)]
    return EventPage(
        path=path,
        title=title,
        words=text.EVENTS[first.event],
        division_words=text.DIVISIONS[first.division],
        groups=tuple(group[0] for group in groups),
        further=tuple(page for group in groups for page in group[1:]),
        records=tuple(r for r in reversed(mine) if r.current),
    )


def _groups(number: int, board: EventBoard, title: str, path: str) -> list[Group]:
    """Return the pages of one class of hosts; most have one."""
    entries, base = board.entries, board.baseline.score
    scale = marks.intervals((e.interval for e in entries if e.interval), base)
    shown = tuple(q for q in QUALITIES if any(getattr(e, q) for e in entries))
    long = book(
        f"{title}, hosts {board.host_class}",
        path,
        f"{path.removesuffix('.html')}-host-{number}",
        [Row(_place(e), e.name, e.slug) for e in entries],
    )
    rows = [_row(e, shown, scale, base, bool(long)) for e in entries]
    # Among the ranked the reference stands where its score puts it, on that page.
    above = sum(e.state == "ranked" and (e.score or 0) >= base for e in entries)
    rows[above:above] = [_baseline(board, shown, scale)]
    first = Group(
        id=f"host-{number}",
        board=board,
        ranked=sum(e.state == "ranked" for e in entries),
        qualities=shown,
        axis=text.markup(marks.axis(scale)),
        rows=text.markup("\n".join(_on(1, rows, above))),
        pareto=scatter(f"pareto-{number}", f"Frontier: {title}", entries),
        book=long,
        sheet=None,
    )
    if long is None:
        return [first]
    return [
        first._replace(
            rows=text.markup("\n".join(_on(sheet.number, rows, above))),
            pareto=first.pareto if sheet.number == 1 else None,
            sheet=sheet,
        )
        for sheet in long.sheets
    ]


def _on(number: int, rows: Sequence[str], reference: int) -> Sequence[str]:
    """Return the rows of a page; that of the reference, at its place, counts not."""
    total = len(rows) - 1
    part = portion(number, total)
    end = part.stop + (reference < part.stop or part.stop == total)
    return rows[part.start + (reference < part.start) : end]


def _place(entry: EventEntry) -> str:
    """Return a rank without its range."""
    ranked = entry.rank_number is not None
    return entry.rank.partition(" ")[0] if ranked else text.DASH


def _row(
    entry: EventEntry,
    qualities: Sequence[str],
    scale: Scale,
    base: float,
    anchored: bool,
) -> str:
    shown = text.name(entry.name)
    host = text.safe(entry.host_class, 64)
    style = f"{entry.state} tie" if entry.tied else entry.state
    anchor = f' id="{entry.slug}-row"' if anchored else ""
    return (
        f'<tr{anchor} class="{style}" data-entry="{shown}" data-host="{host}">'
        f'{rank(entry)}<th scope="row" class="name">'
        f'<a href="../entry/{entry.slug}.html">{shown}</a></th>'
        f"{_score(entry, scale, base)}"
        f"{''.join(_ratio(getattr(entry, q)) for q in qualities)}"
        f'<td class="why">{standing(entry)}</td>'
        f'<td class="num" data-v="{entry.measured_on.toordinal()}">'
        f"{text.day(entry.measured_on)}</td></tr>"
    )


def rank(entry: EventEntry) -> str:
    """Return the cell of a rank: "3=", with its range smaller."""
    if entry.rank_number is None:
        return f'<td class="num rank">{text.DASH}</td>'
    number, _, range_ = entry.rank.partition(" ")
    more = f' <span class="range">{range_}</span>' if range_ else ""
    return f'<td class="num rank" data-v="{entry.rank_number}">{number}{more}</td>'


def _score(entry: EventEntry, scale: Scale, base: float) -> str:
    if entry.score is None:
        return f'<td class="num total">{text.DASH}</td><td></td>'
    shown = (
        f'<td class="num total" data-v="{entry.score:.6g}">{text.score(entry.score)}'
    )
    if entry.interval is None:
        return f"{shown}</td><td></td>"
    drawn = marks.interval(entry.interval, scale, base)
    return (
        f'{shown} <span class="range">{text.scores(entry.interval)}</span></td>'
        f"<td>{drawn}</td>"
    )


def _ratio(value: Interval | None) -> str:
    if value is None:
        return _NONE
    ends = text.ratios(value)
    return (
        f'<td class="num" data-v="{value.value:.6g}">{text.ratio(value.value)}'
        f' <span class="range">{ends}</span></td>'
    )


def standing(entry: EventEntry) -> str:
    """Return in words what became of the gates, or why there is no rank."""
    failed = [g for g in entry.gates if g.state == "failed"]
    if entry.state == "withdrawn":
        return '<span class="state todo">withdrawn</span>'
    if entry.state == "unstable":
        why = {v: VOIDS[v] for w in entry.workloads for v in w.voids}
        said = f"<small>{'; '.join(why.values())}</small>" if why else ""
        return f'<span class="state unjudged">unstable</span> {said}'
    if failed:
        names = ", ".join(text.safe(g.name, 40) for g in failed)
        return f'<span class="state failed">failed: {names}</span>'
    if entry.missing:
        names = ", ".join(text.safe(m, 80) for m in entry.missing)
        return f'<span class="state blocked">missing</span> <small>{names}</small>'
    if not entry.gates:
        return ""
    return f'<span class="state passed">all {len(entry.gates)} passed</span>'


def _baseline(board: EventBoard, qualities: Sequence[str], scale: Scale) -> str:
    base, named = board.baseline.score, text.safe(board.baseline.name, 40)
    one = f'<td class="num">{text.ratio(1.0)}</td>'
    return (
        f'<tr class="baseline"><td class="num rank">{text.DASH}</td>'
        f'<th scope="row" class="name">{named} <small>baseline, not ranked</small></th>'
        f'<td class="num total" data-v="{base:.6g}">{text.score(base)}</td>'
        f"<td>{marks.line(scale, base)}</td>{one * len(qualities)}<td></td>{_NONE}</tr>"
    )


def lines(competition: Competition) -> tuple[Line, ...]:
    """Return the boards of the competition as the front page lists them."""
    shown = [b for b in competition.boards if b.shown]
    best = [e.interval for b in shown for e in b.entries[:1] if e.interval]
    scale = marks.intervals(best, 100.0)
    return tuple(_line(board, scale) for board in competition.boards)


def _line(board: EventBoard, scale: Scale) -> Line:
    first = [e for e in board.entries if e.rank_number == 1]
    leader = first[0] if first else None
    drawn = ""
    if leader is not None and leader.interval is not None:
        drawn = marks.interval(leader.interval, scale, board.baseline.score)
    return Line(
        path=text.event_path(board.event, board.division),
        title=text.EVENTS[board.event].title,
        board=board,
        entries=len(board.entries),
        leader=leader,
        others=max(0, len(first) - 1),
        bar=text.markup(drawn),
    )


def work_row(work: WorkloadResult) -> tuple[str, ...]:
    """Return the cells of one workload on an entry's page."""

    def shown(value: Interval | None) -> str:
        if value is None:
            return text.DASH
        ends = text.ratios(value)
        return f'{text.ratio(value.value)} <span class="range">{ends}</span>'

    outputs = (
        f"{work.checked - work.mismatched} of {work.checked}"
        if work.checked
        else text.DASH
    )
    return (
        text.safe(work.workload),
        shown(work.speed),
        shown(work.memory),
        shown(work.accuracy),
        outputs,
    )
