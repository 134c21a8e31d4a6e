"""The rich sample as rendered pages, for tests that look at them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

from projects.made import START, capstone, draw, project
from projects.test_gallery import Log
from reports.samples import everything, report

from grader.models.project import Point
from grader.publish.competition_models import Competition, EventEntry
from grader.publish.html import Pages
from grader.publish.models import Entry, Leaderboard
from grader.publish.people import Public
from grader.publish.projects import Gallery, gallery
from publish import rich

Row = TypeVar("Row", Entry, EventEntry)

ASSETS: Final = Path(__file__).parents[3] / "leaderboard"
# Files that are not pages; other tests look into them.
DATA: Final = (
    *(f"data/v1/leaderboard{end}" for end in (".json", ".csv", ".schema.json")),
    *(f"data/v1/competition{end}" for end in (".json", ".csv", ".schema.json")),
    *("data/v1/projects.json", "feed.atom", "SHA256SUMS"),
    *(f"data/v1/samples/{slug}.json" for slug in rich.pages()),
)


def projects(text: str = "Sorting leaves", name: str = "brisk otter") -> Gallery:
    """Return a gallery of one project, all its words given."""
    log = Log()
    curves = tuple(
        draw(n, 0.9, curve=tuple(_point(i, n) for i in range(1, 9))) for n in (1, 2)
    )
    line = " ".join(text.split())[:80] or "x"
    made = project(draws=curves)
    log.ran("ada", made)
    who = Public(name, "brisk-otter", named=True)
    found = gallery(
        log.events, log.projects.__getitem__, {"ada": who}, minimum_group=1, now=START
    )
    # Past the grammar of capstone.toml, as if a later version were less strict.
    said = {"title": text, "summary": text, "task": text}
    cards = tuple(card.model_copy(update=said) for card in found.cards)
    assert capstone().title != line
    return found.model_copy(update={"cards": cards})


def _point(number: int, seed: int) -> Point:
    return Point(slice=number, cpu_s=0.2 * number, metric=1 - 0.5 / (number + seed))


def rendered(
    competition: Competition | None = None,
    leaderboard: Leaderboard | None = None,
    gallery_: Gallery | None = None,
) -> dict[str, str]:
    """Return every page of the sample, by path."""
    made = competition or rich.competition()
    points = leaderboard or rich.leaderboard()
    runs = report(modules=everything())
    pages = Pages(
        ASSETS,
        points,
        made,
        gallery_ or projects(),
        known=runs.verdict.milestones,
    )
    found = pages.fixed()
    for slug, page in rich.pages().items():
        drawn = [runs if n == 0 else None for n in range(len(page.points))]
        found[f"entry/{slug}.html"] = pages.entry(page, drawn, rich.samples())  # type: ignore[arg-type]
    return {path: content.decode() for path, content in found.items()}


def long_sample(count: int) -> tuple[Leaderboard, Competition]:
    """Return the sample with so many rows, each of a name of its own, on two boards."""
    points, made = rich.leaderboard(), rich.competition()
    board, event = points.boards[0], made.boards[0]
    rows = tuple(_copies(board.entries, count))
    ranked = tuple(_copies(event.entries, count))
    boards = (board.model_copy(update={"entries": rows}), *points.boards[1:])
    events = (event.model_copy(update={"entries": ranked}), *made.boards[1:])
    return (
        points.model_copy(update={"boards": boards}),
        made.model_copy(update={"boards": events}),
    )


def _copies(rows: Sequence[Row], count: int) -> Iterator[Row]:
    """Yield rows again and again, in their order, until there are enough."""
    for number in range(count):
        row, nth = rows[number * len(rows) // count], number + 1
        said = {"name": f"{row.name} {nth}", "slug": f"{row.slug}-{nth}"}
        yield row.model_copy(update=said)


@cache
def site() -> dict[str, str]:
    """Return the pages of the sample, rendered once."""
    return rendered()
