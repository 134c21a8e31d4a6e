"""Render the pages of the site from frozen data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader
from markupsafe import Markup

from grader.errors import ConfigError
from grader.publish.board import Selection, Shown
from grader.publish.models import Board, Entry, Leaderboard, ModuleScore
from grader.reports import summary, units
from grader.reports.html import environment, policy, style_sheet
from grader.reports.page import MilestoneView, milestone
from grader.reports.svg import bar
from grader.store.documents import Runs

SHADES = 4  # of the cells of the module table, besides full and none


class Column(NamedTuple):
    """A module or milestone that some row of a board has."""

    key: str
    number: str
    title: str
    metric_name: str = ""


class BoardView(NamedTuple):
    """A board with the columns of its tables."""

    id: str
    board: Board
    modules: tuple[Column, ...]
    milestones: tuple[Column, ...]


class EntryView(NamedTuple):
    """One board's part of an entry's page."""

    board: Board
    entry: Entry
    milestones: tuple[MilestoneView, ...]


class Pages:
    """Renders every page of one leaderboard."""

    def __init__(self, assets: Path, leaderboard: Leaderboard) -> None:
        self._css = style_sheet("base.css") + _asset(assets, "assets/site.css")
        self._script = _asset(assets, "assets/site.js")
        self._leaderboard = leaderboard
        loader = ChoiceLoader(
            [FileSystemLoader(assets / "templates"), PackageLoader("grader.reports")]
        )
        self._jinja = environment(loader)
        self._jinja.filters.update(
            points=_points,
            seconds=lambda v: units.MISSING if v is None else units.seconds(v),
            mib=lambda v: units.MISSING if v is None else units.mebibytes(v),
            metric=lambda v, name: units.metric(name, v),
            short=units.short_digest,
            rank=_rank,
            share=_share,
            shade=_shade,
            full_marks=_full_marks,
        )

    def index(self) -> bytes:
        """Return the front page with all boards."""
        boards = [
            _board_view(f"board-{i}", board)
            for i, board in enumerate(self._leaderboard.boards, start=1)
        ]
        return self._render("index.html.j2", script=True, root="", boards=boards)

    def plain(self, name: str) -> bytes:
        """Return a page of text alone."""
        return self._render(f"{name}.html.j2", root="")

    def entries(
        self, chosen: Selection, read: Callable[[str], Runs]
    ) -> dict[str, bytes]:
        """Return one page per public entry, by path; `read` gives its milestones."""
        parts: dict[str, list[EntryView]] = {}
        boards = zip(chosen.leaderboard.boards, chosen.rows, strict=True)
        for place, (board, rows) in enumerate(boards, start=1):
            for row in rows:
                view = _entry_view(place, board, row, read(row.digest))
                parts.setdefault(row.entry.slug, []).append(view)
        return {
            f"entry/{slug}.html": self._render(
                "entry.html.j2", root="../", name=views[0].entry.name, parts=views
            )
            for slug, views in parts.items()
        }

    def _render(self, template: str, *, script: bool = False, **context: Any) -> bytes:
        code = self._script if script else Markup("")
        text = self._jinja.get_template(template).render(
            leaderboard=self._leaderboard,
            css=self._css,
            script=code,
            csp=policy(style=self._css, script=code),
            generated=f"{self._leaderboard.generated_at:%Y-%m-%d %H:%M} UTC",
            **context,
        )
        return text.encode()


def _asset(assets: Path, name: str) -> Markup:
    try:
        text = (assets / name).read_text("utf-8")
    except OSError as exc:
        msg = f"the site's file {name} cannot be read in {assets}"
        raise ConfigError(msg, hint="Name the `leaderboard` folder.") from exc
    return Markup(text)  # noqa: S704 -- ours, beside the templates


def _board_view(board_id: str, board: Board) -> BoardView:
    modules = {
        m.name: Column(m.name, m.number, m.title)
        for e in board.entries
        for m in e.modules
    }
    stones = {
        m.name: Column(m.name, m.number, m.title, m.metric_name)
        for e in board.entries
        for m in e.milestones
    }
    return BoardView(board_id, board, _in_order(modules), _in_order(stones))


def _in_order(columns: dict[str, Column]) -> tuple[Column, ...]:
    return tuple(sorted(columns.values(), key=lambda c: (c.number, c.key)))


def _entry_view(place: int, board: Board, row: Shown, runs: Runs) -> EntryView:
    prefix = f"board-{place}-"  # ids must not repeat on the page
    # A message may quote the student's own text: it is for the student alone.
    stones = tuple(
        milestone(*pair, prefix=prefix)._replace(message=None)
        for pair in summary.paired(
            runs.verdict.milestones, runs.measurements.milestones
        )
    )
    return EntryView(board, row.entry, stones)


def _points(value: float | None) -> str:
    return units.MISSING if value is None else units.points(value)


def _rank(entry: Entry) -> str:
    if entry.rank is None:
        return units.MISSING
    return f"{entry.rank}=" if entry.tied else str(entry.rank)


def _share(earned: float | None, points: float) -> Markup:
    return bar([("passed", (earned or 0.0) / points if points else 0.0)], width=96)


def _shade(earned: float, points: float) -> str:
    """Return the class of a cell: q0 (nothing) to q5 (all); the number stands in it."""
    share = earned / points if points else 0.0
    if share >= 1:
        return f"q{SHADES + 1}"
    return f"q{min(SHADES, 1 + int(share * SHADES))}" if share > 0 else "q0"


def _full_marks(modules: Sequence[ModuleScore]) -> int:
    """Return how many modules earned all their points."""
    return sum(m.earned is not None and m.earned >= m.points for m in modules)
