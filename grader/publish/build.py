"""From an export to the files of the site, in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from grader.publish import data
from grader.publish.board import select
from grader.publish.html import Pages
from grader.store import Export
from grader.store.documents import Runs

SUMS = PurePosixPath("SHA256SUMS")


@dataclass(frozen=True)
class Settings:
    """How a site is built.

    Attributes:
        course_secret: what aliases are drawn with; at least 16 bytes.
        assets: the `leaderboard` folder with templates, style sheet and script.
        minimum_group: a board with fewer public entries shows none, unless all of them
            are shown by name.
        now: printed on the pages.
    """

    course_secret: bytes
    assets: Path
    minimum_group: int
    now: datetime


def build(
    export: Export, read: Callable[[str], Runs], settings: Settings
) -> dict[PurePosixPath, bytes]:
    """Return every file of the site; equal arguments give equal bytes.

    Args:
        export: everything the store holds.
        read: returns the milestones of a result; asked for what is shown alone.
        settings: how the site is built.

    Raises:
        ConfigError: the secret is too short, or `assets` lacks a file.
    """
    chosen = select(
        export,
        secret=settings.course_secret,
        minimum_group=settings.minimum_group,
        now=settings.now,
    )
    pages = Pages(settings.assets, chosen.leaderboard)
    files = {
        "index.html": pages.index(),
        "privacy.html": pages.plain("privacy"),
        "rules.html": pages.plain("rules"),
        "data/v1/leaderboard.json": data.to_json(chosen.leaderboard),
        "data/v1/leaderboard.csv": data.to_csv(chosen.leaderboard),
        "data/v1/leaderboard.schema.json": data.schema(),
        **pages.entries(chosen, read),
    }
    site = {PurePosixPath(name): content for name, content in sorted(files.items())}
    return {**site, SUMS: data.check_sums(site)}
