"""`tito leaderboard`: the course's public board in a terminal, your own row marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tito.board_place import Board
from tito.errors import UnknownNameError
from tito.parcel import moment
from tito.problems import text
from tito.screen import Look, clean, cut

POINTS = "points"
NONE = "-"


@dataclass(frozen=True)
class Row:
    """One row: rank and value as they are shown."""

    rank: str
    name: str
    slug: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Table:
    """One board.

    Attributes:
        kind: "points", or the event of the competition.
        value: what the last column is.
        about: what has to be said of all of it.
    """

    kind: str
    title: str
    value: str
    rows: tuple[Row, ...]
    about: str = ""


@dataclass(frozen=True)
class Wish:
    """What is to be shown: `event` "" is all, `me` "" marks nobody."""

    event: str = ""
    top: int = 10
    me: str = ""


def lines(board: Board, wish: Wish, look: Look) -> Iterator[str]:
    """Yield the lines, painted as the terminal allows.

    Raises:
        UnknownNameError: the board has no such event.
    """
    every = _tables(board)
    chosen = [t for t in every if wish.event in ("", t.kind)]
    if wish.event and not chosen:
        kinds = ", ".join(dict.fromkeys(t.kind for t in every)) or "nothing yet"
        raise UnknownNameError(
            f"the board has no {wish.event!r}", f"It has: {clean(kinds)}."
        )
    mine = _key(wish.me)
    yield cut(f"{_text(board.points, 'course')}, {_as_of(board)}", look.width)
    for table in chosen:
        yield ""
        yield from _shown(table, wish.top, mine, look)
    if not chosen:
        yield "nothing is published yet"


def knows(board: Board, me: str) -> bool:
    """Return whether somebody of that alias is on the board."""
    mine = _key(me)
    return any(_is(row, mine) for table in _tables(board) for row in table.rows)


def _tables(board: Board) -> list[Table]:
    return [*_points(board.points), *_events(board.events)]


def _as_of(board: Board) -> str:
    return f"as of {moment(_text(board.points, 'generated_at'))}"


def _shown(table: Table, top: int, mine: str, look: Look) -> Iterator[str]:
    yield cut(table.title, look.width)
    if table.about:
        yield cut(f"  {table.about}", look.width)
    if not table.rows:
        yield "  no rows"
        return
    name_width = look.width - 30
    head = f"  {'rank':>9}  {'name':<{name_width}}  {table.value:>15}"
    yield head.rstrip()
    for place, row in enumerate(table.rows):
        own = bool(mine) and _is(row, mine)
        if place >= top and not own:
            continue
        mark = ">" if own else " "
        name = f"{row.name} ({row.note})" if row.note else row.name
        line = f"{mark} {cut(row.rank, 9):>9}  {cut(name, name_width):<{name_width}}  "
        line += f"{cut(row.value, 15):>15}"
        yield look.paint(line, "green" if own else "")
    hidden = len(table.rows) - top
    if hidden > 0:
        yield f"  {hidden} more; --top {len(table.rows)} shows all"


def _is(row: Row, mine: str) -> bool:
    return mine in (_key(row.name), _key(row.slug))


def _key(name: str) -> str:
    """Return an alias as it is compared: "Brisk Otter" is "brisk-otter"."""
    return "-".join(name.casefold().replace("-", " ").split())


# What came over the line: anything may stand there, and what is odd is left out


def _points(facts: dict[str, Any]) -> Iterator[Table]:
    for board in _dicts(facts.get("boards")):
        rows = tuple(_points_row(entry) for entry in _dicts(board.get("entries")))
        title = f"points, {_text(board, 'round')} ({_text(board, 'profile')})"
        yield Table(POINTS, title, "points", rows, _about(board))


def _points_row(entry: dict[str, Any]) -> Row:
    total, most = _number(entry.get("total")), _number(entry.get("points"))
    rank = entry.get("rank")
    shown = f"{rank}{'=' if entry.get('tied') is True else ''}"
    return Row(
        rank=shown if isinstance(rank, int) and not isinstance(rank, bool) else NONE,
        name=_text(entry, "name"),
        slug=_text(entry, "slug"),
        value=NONE if total is None else f"{total:.2f} / {most or 0.0:g}",
    )


def _events(facts: dict[str, Any]) -> Iterator[Table]:
    for board in _dicts(facts.get("boards")):
        rows = tuple(_event_row(entry) for entry in _dicts(board.get("entries")))
        kind, division = _text(board, "event"), _text(board, "division")
        title = f"{kind}, {division} division, on {_text(board, 'host_class')}"
        about = _about(board) or "the reference has 100; ranks with their range"
        yield Table(kind, title, "score", rows, about)


def _event_row(entry: dict[str, Any]) -> Row:
    state = _text(entry, "state")
    score = _number(entry.get("score"))
    return Row(
        rank=_text(entry, "rank") if state == "ranked" else NONE,
        name=_text(entry, "name"),
        slug=_text(entry, "slug"),
        value=NONE if score is None else f"{score:.1f}{_spread(entry, score)}",
        note="" if state == "ranked" else state,
    )


def _spread(entry: dict[str, Any], score: float) -> str:
    interval = entry.get("interval")
    if not isinstance(interval, dict):
        return ""
    low, high = _number(interval.get("low")), _number(interval.get("high"))
    if low is None or high is None:
        return ""
    return f" +-{max(high - score, score - low):.1f}"


def _about(board: dict[str, Any]) -> str:
    if board.get("shown") is False:
        return "too few agreed to be seen, so nobody is"
    frozen = _text(board, "frozen_at")
    return f"frozen since {moment(frozen)}" if frozen else ""


def _dicts(value: Any) -> Sequence[dict[str, Any]]:
    found = value if isinstance(value, list) else []
    return [one for one in found if isinstance(one, dict)]


def _text(facts: dict[str, Any], name: str) -> str:
    return clean(text(facts.get(name)))


def _number(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and -1e12 < value < 1e12 else None
