"""From an export to everything that becomes public, as frozen data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from grader.models.project import Project
from grader.publish.board import Selection, select
from grader.publish.checked import checks_of
from grader.publish.competition import Ground, boards
from grader.publish.competition_models import Competition, EntryPage, PointsPart
from grader.publish.freezing import COMPETITION, frozen_boards
from grader.publish.measured import Measure
from grader.publish.people import public_people
from grader.publish.projects import Gallery, gallery
from grader.publish.records import records
from grader.publish.rules import CompetitionRules
from grader.store import Export
from grader.store.attempts import attempts
from grader.store.events import ProjectApproved


@dataclass(frozen=True)
class Choice:
    """What decides who is shown, and as what.

    Attributes:
        secret: what aliases are drawn with.
        minimum_group: a board with fewer public entries shows none, unless all of them
            are shown by name.
        now: printed on the pages; aware.
        rules: of the competition.
    """

    secret: bytes
    minimum_group: int
    now: datetime
    rules: CompetitionRules = field(default_factory=CompetitionRules)


@dataclass(frozen=True)
class PageSource:
    """One entry's page: its data, and the results behind its points by digest."""

    page: EntryPage
    results: tuple[str, ...]


@dataclass(frozen=True)
class PublicData:
    """All that the site is made from."""

    points: Selection
    competition: Competition
    gallery: Gallery | None  # None: staff approved no project
    pages: tuple[PageSource, ...]  # by slug


def in_order(export: Export) -> Export:
    """Return the export with its events by their number, whatever order they had."""
    if all(a.id < b.id for a, b in zip(export.events, export.events[1:], strict=False)):
        return export
    ordered = tuple(sorted(export.events, key=lambda event: event.id))
    return Export(events=ordered, results=export.results)


def no_projects(digest: str) -> Project:
    """Stand for the projects of a site that shows none."""
    msg = f"nobody told where project {digest} is read"
    raise ValueError(msg)


def public_data(
    export: Export,
    measure: Measure,
    choice: Choice,
    read_project: Callable[[str], Project] = no_projects,
) -> PublicData:
    """Choose, score and rank what may be shown.

    Args:
        measure: returns what a board needs of a session, by its digest.
        read_project: returns a project by its digest; asked for what is shown alone.

    Raises:
        ConfigError: the secret is too short.
    """
    export = in_order(export)
    now = choice.now.astimezone(UTC)
    minimum = choice.minimum_group
    people = public_people(export, choice.secret)
    points = select(export, people, minimum_group=minimum, now=now)
    ground = Ground(
        events=export.events,
        people=people,
        rules=choice.rules,
        measure=measure,
        checks=checks_of(attempts(export)),
        minimum_group=minimum,
        frozen_at=frozen_boards(export.events).get(COMPETITION),
    )
    made = boards(ground)
    competition = Competition(
        course=points.leaderboard.course,
        generated_at=now,
        minimum_group=minimum,
        boards=made,
        records=records(ground, made),
    )
    shown = None
    if any(isinstance(event.payload, ProjectApproved) for event in export.events):
        shown = gallery(
            export.events, read_project, people, minimum_group=minimum, now=now
        )
    return PublicData(points, competition, shown, _pages(points, competition))


def _pages(points: Selection, competition: Competition) -> tuple[PageSource, ...]:
    """Return the data of every page by slug."""
    course = points.leaderboard.course
    names: dict[str, str] = {}
    parts: dict[str, list[tuple[PointsPart, str]]] = {}
    for board, rows in zip(points.leaderboard.boards, points.rows, strict=True):
        for row in rows:
            part = PointsPart(
                round=board.round,
                round_kind=board.round_kind,
                profile=board.profile,
                frozen_at=board.frozen_at,
                entry=row.entry,
            )
            names[row.entry.slug] = row.entry.name
            parts.setdefault(row.entry.slug, []).append((part, row.digest))
    events = _by_slug([e for board in competition.boards for e in board.entries])
    held = _by_slug(competition.records)
    names |= {slug: some[0].name for slug, some in events.items()}
    return tuple(
        PageSource(
            EntryPage(
                course=course,
                name=names[slug],
                slug=slug,
                points=tuple(part for part, _ in parts.get(slug, [])),
                events=tuple(events.get(slug, [])),
                records=tuple(held.get(slug, [])),
            ),
            tuple(digest for _, digest in parts.get(slug, [])),
        )
        for slug in sorted(names)
    )


class _Slugged(Protocol):
    @property
    def slug(self) -> str: ...


S = TypeVar("S", bound=_Slugged)


def _by_slug(rows: Iterable[S]) -> dict[str, list[S]]:
    found: dict[str, list[S]] = {}
    for row in rows:
        found.setdefault(row.slug, []).append(row)
    return found
