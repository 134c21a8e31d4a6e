"""From an export to the files of the site, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Final

from grader.collector import no_cycles
from grader.models.project import Project
from grader.models.session import Session
from grader.publish import data, projects_data
from grader.publish.badges import badge
from grader.publish.cache import Cache, key_of
from grader.publish.competition_data import competition_files
from grader.publish.feed import feed
from grader.publish.html import Pages
from grader.publish.measured import Measure, Measurement, measurement, samples_of
from grader.publish.rendering import Renderer, entry_files
from grader.publish.rules import CompetitionRules
from grader.publish.selection import Choice, PublicData, no_projects, public_data
from grader.publish.version import code_version
from grader.store import Export
from grader.store.documents import Runs

SUMS: Final = PurePosixPath("SHA256SUMS")


@dataclass(frozen=True)
class Settings:
    """How a site is built.

    Attributes:
        course_secret: what aliases are drawn with; at least 16 bytes.
        assets: the `leaderboard` folder with templates, style sheet and script.
        minimum_group: a board with fewer public entries shows none, unless all of them
            are shown by name.
        now: printed on the pages.
        rules: of the competition; without events there is none.
        cache: a folder for what is of use to the next build, which is never public.
    """

    course_secret: bytes
    assets: Path
    minimum_group: int
    now: datetime
    rules: CompetitionRules = field(default_factory=CompetitionRules)
    cache: Path | None = None


def no_sessions(digest: str) -> Session:
    """Stand for the sessions of a site that has no competition."""
    msg = f"nobody told where session {digest} is read"
    raise ValueError(msg)


def build(
    export: Export,
    read: Callable[[str], Runs],
    settings: Settings,
    read_session: Callable[[str], Session] = no_sessions,
    read_project: Callable[[str], Project] = no_projects,
) -> dict[PurePosixPath, bytes]:
    """Return every file of the site; equal arguments give equal bytes.

    Args:
        export: everything the store holds.
        read: returns the milestones of a result; asked for what is shown alone.
        settings: how the site is built.
        read_session: returns a session of the competition by its digest.
        read_project: returns a capstone project by its digest.

    Raises:
        ConfigError: the secret is too short, or `assets` lacks a file.
    """
    version = code_version(settings.assets)
    with no_cycles(), Cache(settings.cache) as cache:
        choice = Choice(
            settings.course_secret,
            settings.minimum_group,
            settings.now,
            settings.rules,
        )
        measure = _measure(read_session, cache, version)
        made = public_data(export, measure, choice, read_project)
        pages = _pages(settings, made, read)
        renderer = Renderer(
            pages, read, lambda digest: samples_of(digest, read_session(digest))
        )
        files = {
            **pages.fixed(),
            **_data_files(made),
            **entry_files(made.pages, renderer, cache, f"{version} {pages.parts}"),
        }
    site = {PurePosixPath(name): files[name] for name in sorted(files)}
    return {**site, SUMS: data.check_sums(site)}


def _measure(
    read_session: Callable[[str], Session], cache: Cache, version: str
) -> Measure:
    """Return sessions as boards need them, each read and computed once."""
    known: dict[str, Measurement] = {}

    def make(digest: str) -> Measurement:
        key = key_of("session", version, digest)
        kept = cache.get(key)
        if kept is not None:
            return Measurement.from_bytes(kept)
        made = measurement(digest, read_session(digest))
        cache.put(key, made.to_bytes())
        return made

    def measure(digest: str) -> Measurement:
        if digest not in known:
            known[digest] = make(digest)
        return known[digest]

    return measure


def _pages(settings: Settings, made: PublicData, read: Callable[[str], Runs]) -> Pages:
    """Return what renders pages; the newest board says what milestones there are."""
    rows = next((rows for rows in made.points.rows if rows), ())
    known = read(rows[0].digest).verdict.milestones if rows else ()
    held = made.competition if settings.rules.events else None
    return Pages(
        settings.assets, made.points.leaderboard, held, made.gallery, known=known
    )


def _data_files(made: PublicData) -> dict[str, bytes]:
    """Return everything that programs read."""
    board = made.points.leaderboard
    badges = ((source.page.slug, badge(source.page)) for source in made.pages)
    return {
        "data/v1/leaderboard.json": data.to_json(board),
        "data/v1/leaderboard.csv": data.to_csv(board),
        "data/v1/leaderboard.schema.json": data.schema(),
        **competition_files(made.competition),
        **(projects_data.files(made.gallery) if made.gallery else {}),
        "feed.atom": feed(board, made.competition),
        **{f"badges/{slug}.svg": drawn for slug, drawn in badges if drawn is not None},
    }
