"""Every page of the site, as pure functions of the public data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from grader.models.report import MilestoneResult
from grader.publish.competition_models import (
    Competition,
    EntryPage,
    Record,
    Samples,
)
from grader.publish.look import events, text
from grader.publish.look.books import Book, Row, Sheet
from grader.publish.look.frame import Frame
from grader.publish.look.gallery import card_view, project_view
from grader.publish.look.person import event_views
from grader.publish.look.points import points_view
from grader.publish.look.spine import spine
from grader.publish.look.steps import staircase
from grader.publish.look.tables import PointsTable, PointsTables
from grader.publish.models import Leaderboard
from grader.publish.projects import Gallery
from grader.store.documents import Runs

NEWEST: Final = 6  # records on the front page
EMBEDDED: Final = 10  # rows of points for an iframe


class RecordChart(NamedTuple):
    """How one record rose."""

    id: str
    title: str
    host_class: str
    path: str
    chart: object
    records: tuple[Record, ...]  # newest first


class Pages:
    """Renders the pages of one site.

    Args:
        assets: the `leaderboard` folder with templates, style sheet and script.
        known: milestones of some shown results, for their years and targets.
    """

    def __init__(
        self,
        assets: Path,
        leaderboard: Leaderboard,
        competition: Competition | None = None,
        gallery: Gallery | None = None,
        *,
        known: Iterable[MilestoneResult] = (),
    ) -> None:
        self._leaderboard = leaderboard
        self._competition = competition
        self._gallery = gallery
        self._known = tuple(known)
        self._frame = Frame(
            assets,
            course=leaderboard.course or "TinyMLPerf",
            has_competition=competition is not None,
            has_projects=gallery is not None,
            slugs=_slugs(leaderboard, competition),
        )
        boards = leaderboard.boards
        self._tables = tuple(
            PointsTables(f"board-{i}", board, whole=i == 1 or not boards[0].shown)
            for i, board in enumerate(boards, start=1)
        )
        at = leaderboard.generated_at
        self._fixed: dict[str, Any] = {
            "leaderboard": leaderboard,
            "competition": competition,
            "generated": f"{at:%Y-%m-%d %H:%M} UTC",
        }

    @property
    def parts(self) -> str:
        """What else the site has: every page leads there."""
        found = (self._competition, self._gallery)
        return " ".join(type(part).__name__ for part in found)

    def fixed(self) -> dict[str, bytes]:
        """Return every page but those of single entries, by path."""
        found = {
            "index.html": self.index(),
            "rules.html": self.plain("rules"),
            "privacy.html": self.plain("privacy"),
            "embed.html": self.embed(),
            "404.html": self.plain("404"),
            "records.html": self.records(),
        }
        return found | self.further() | self.event_pages() | self.projects()

    def index(self) -> bytes:
        """Return the front page: the course's story, the competition, the points."""
        made, boards = self._competition, self._leaderboard.boards
        first = next((b for b in boards if b.entries), None)
        return self._frame.page(
            "index",
            "sorted",
            root="",
            here="index",
            tables=[table.page() for table in self._tables],
            spine=spine(first, self._known) if first else None,
            lines=events.lines(made) if made else (),
            newest=_newest(made.records) if made else (),
            **self._fixed,
        )

    def plain(self, name: str) -> bytes:
        """Return a page of text alone."""
        return self._frame.page(name, root="", here=name, **self._fixed)

    def embed(self) -> bytes:
        """Return a small page for an iframe: the first of each board."""
        board = next((b for b in self._leaderboard.boards if b.entries), None)
        lines = events.lines(self._competition) if self._competition else ()
        shown = board.entries[:EMBEDDED] if board else ()
        return self._frame.page(
            "embed",
            "boards",
            root="",
            board=board,
            rows=[(e, text.place(e)) for e in shown],
            lines=lines,
            **self._fixed,
        )

    def further(self) -> dict[str, bytes]:
        """Return what follows the front page where boards of points are long."""
        found: dict[str, bytes] = {}
        for table in self._tables:
            for sheet in table.book.sheets[1:] if table.book else ():
                found[sheet.path] = self._sheet(table=table.page(sheet.number))
            found |= self._lists(table.book)
        return found

    def event_pages(self) -> dict[str, bytes]:
        """Return the pages of each event and division of the competition."""
        found: dict[str, bytes] = {}
        for page in events.pages(self._competition) if self._competition else ():
            found[page.path] = self._frame.page(
                "event", "sorted", root="../", here="", page=page, **self._fixed
            )
            for group in page.further:
                if group.sheet:
                    found[group.sheet.path] = self._sheet(group=group)
            for group in page.groups:
                found |= self._lists(group.book)
        return found

    def _sheet(
        self, *, table: PointsTable | None = None, group: events.Group | None = None
    ) -> bytes:
        """Return a page after the first, of a long board or group."""
        shown = table or group
        return self._frame.page(
            "sheet",
            "sorted",
            root="../",
            here="",
            table=table,
            group=group,
            book=shown and shown.book,
            sheet=shown and shown.sheet,
            **self._fixed,
        )

    def _lists(self, book: Book | None) -> dict[str, bytes]:
        """Return the lists of pages and of names of a long table, as plain links."""
        if book is None:
            return {}
        same: dict[str, Any] = {"root": "../", "here": "", "book": book, **self._fixed}
        found = {book.contents: self._frame.page("contents", "boards", **same)}
        for letter in book.letters:
            rows = "\n".join(_found(row, sheet) for row, sheet in letter.names)
            found[letter.path] = self._frame.page(
                "names", "boards", letter=letter, names=text.markup(rows), **same
            )
        return found

    def projects(self) -> dict[str, bytes]:
        """Return the gallery and one page per project, where there are any."""
        if self._gallery is None:
            return {}
        cards = self._gallery.cards
        found = {
            "projects/index.html": self._frame.page(
                "projects",
                "boards",
                root="../",
                here="projects",
                gallery=self._gallery,
                cards=[card_view(card) for card in cards],
                **self._fixed,
            )
        }
        for card in cards:
            found[f"projects/{card.slug}.html"] = self._frame.page(
                "project",
                root="../",
                here="",
                project=project_view(card),
                **self._fixed,
            )
        return found

    def records(self) -> bytes:
        """Return the records over time."""
        charts = _record_charts(self._competition) if self._competition else ()
        return self._frame.page(
            "records", root="", here="records", charts=charts, **self._fixed
        )

    def entry(
        self,
        page: EntryPage,
        runs: Sequence[Runs | None],
        samples: Mapping[str, Samples],
    ) -> bytes:
        """Return the page of one entry: of its own data, and of nothing else.

        Args:
            runs: milestones of each of its rounds, in the order of `page.points`.
            samples: raw samples by the digest of their session.
        """
        return self._frame.page(
            "entry",
            root="../",
            here="",
            name=page.name,
            person=page,
            events_=event_views(page.events, samples),
            parts=[
                points_view(number, part, found)
                for number, (part, found) in enumerate(
                    zip(page.points, runs, strict=True), start=1
                )
            ],
        )


def _found(row: Row, sheet: Sheet) -> str:
    """Return a name that leads to its row: text, since there are thousands of them."""
    return (
        f'<li><a href="../{sheet.path}#{row.slug}-row">{text.name(row.name)}</a>'
        f' <span class="muted">rank {row.rank}, page {sheet.number}</span></li>'
    )


def _slugs(leaderboard: Leaderboard, competition: Competition | None) -> frozenset[str]:
    """Return whose pages there are, so that no link leads nowhere."""
    boards = competition.boards if competition else ()
    points = (e.slug for b in leaderboard.boards for e in b.entries)
    return frozenset(points) | {e.slug for b in boards for e in b.entries}


def _newest(records: Sequence[Record]) -> list[Record]:
    """Return the newest first; of one day, those that were set later."""
    return sorted(records, key=lambda r: r.set_on)[::-1][:NEWEST]


def _record_charts(competition: Competition) -> tuple[RecordChart, ...]:
    groups: dict[tuple[str, str, str, str], list[Record]] = {}
    for record in competition.records:
        key = (
            str(record.event),
            str(record.division),
            record.host_class,
            record.workload or "",
        )
        groups.setdefault(key, []).append(record)
    until = competition.generated_at.date()
    charts = []
    for number, (key, records) in enumerate(groups.items(), start=1):
        first = records[0]
        title = text.event_title(first.event, first.division)
        if first.workload:
            title += f", {first.workload}"
        chart_id = f"record-{number}"
        drawing = staircase(f"{chart_id}-steps", f"Record: {title}", records, until)
        charts.append(
            RecordChart(
                id=chart_id,
                title=title,
                host_class=key[2],
                path=text.event_path(first.event, first.division),
                chart=text.markup(drawing),
                records=tuple(records[::-1]),
            )
        )
    return tuple(charts)
