"""Publish the board: build the site, search it for what is not public, put it in place.

The site is a function of the store and the course alone, its time included, so that it
can be held against what was published before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from grader import rounds
from grader.collector import no_cycles
from grader.config import Home, find_home, load_course, state_folder
from grader.errors import ConfigError, LeakError
from grader.models.course import Course
from grader.publish import SiteSettings, build, write_site
from grader.publish.aliases import aliases
from grader.publish.destination import Changes, folder_changes
from grader.publish.guarded import scanner
from grader.publish.leaks import Leak, Unchecked
from grader.publish.pages import BRANCH, Sent, Signed, branch_of, send
from grader.publish.rules import competition_rules
from grader.store import Export, Store

MOST_LEAKS: Final = 5  # told; one is enough to stop


@dataclass(frozen=True)
class Source:
    """What is published, and by which rules.

    Attributes:
        url: SQLAlchemy address of the store's tables.
        minimum_group: None: as the course says.
    """

    course: Path | None = None
    store: Path | None = None
    url: str = ""
    minimum_group: int | None = None


@dataclass(frozen=True)
class Pages:
    """A branch of a remote of the course's repository."""

    remote: str = "origin"
    branch: str = BRANCH


class Site(NamedTuple):
    """A built site that holds nothing that must not be public."""

    home: Home
    files: Mapping[PurePosixPath, bytes]
    signed: Signed
    unchecked: list[Unchecked]


@no_cycles()
def prepare(source: Source) -> Site:
    """Build the site and search it.

    Raises:
        LeakError: it holds what must not be public.
        GraderError: the course or the store is not usable.
    """
    home = find_home(source.course)
    course, state = load_course(home.course_file), state_folder(home)
    folder = source.store or state / "store"
    with closing(Store.open(folder, url=source.url)) as store:
        export = store.export()
        at = time_of(export)
        how = SiteSettings(
            course_secret=rounds.course_secret(state),
            assets=home.leaderboard,
            minimum_group=source.minimum_group or course.minimum_group,
            now=at,
            rules=competition_rules(course),
            cache=state / "cache",
        )
        files = build(export, store.runs, how, store.sessions.read, store.projects.read)
        search = scanner(store, export, state, _own(home, course))
    _refuse([*search.leaks(files)])
    return Site(home, files, Signed(course.title, at), search.unchecked)


def to_folder(site: Site, target: Path, *, dry: bool = False) -> Changes:
    """Put the site in place of a folder; return what that changes.

    Raises:
        ConfigError: the folder holds something else, or cannot be written.
    """
    found = folder_changes(target, site.files)
    if not dry:
        write_site(site.files, target)
    return found


def to_pages(site: Site, pages: Pages, *, dry: bool = False) -> Sent:
    """Put the site in place of a branch; return what that changes.

    Raises:
        ConfigError: no git, no repository or no such remote.
        DestinationError: the remote cannot be reached, or refuses.
    """
    with branch_of(site.home.folder, pages.remote, pages.branch) as branch:
        return send(branch, site.files, site.signed, dry=dry)


def time_of(export: Export) -> datetime:
    """Return the time of what the store says: its newest event, or SOURCE_DATE_EPOCH.

    Raises:
        ConfigError: the variable is no number of seconds.
    """
    told = os.environ.get("SOURCE_DATE_EPOCH")
    if told is None:
        newest = max((event.at for event in export.events), default=None)
        return newest or datetime.fromtimestamp(0, UTC)
    try:
        return datetime.fromtimestamp(int(told), UTC)
    except (ValueError, OverflowError, OSError) as exc:
        msg = f"SOURCE_DATE_EPOCH is {told!r}"
        raise ConfigError(msg, hint="It is a number of seconds since 1970.") from exc


def alias_of(source: Source, student: str) -> str:
    """Return the alias that a student has on the board, for staff to pass on.

    Raises:
        GraderError: the course or the store is not usable.
    """
    state = state_folder(find_home(source.course))
    with closing(Store.open(source.store or state / "store", url=source.url)) as store:
        students = [event.student for event in store.events() if event.student]
    drawn = aliases([*students, student], rounds.course_secret(state))
    return drawn[student].replace("-", " ")


def _own(home: Home, course: Course) -> Iterator[bytes]:
    """Yield the texts of the course and of the site's assets."""
    yield home.course_file.read_bytes()
    yield "\n".join(course.public_words).encode()
    for path in sorted(home.leaderboard.rglob("*")):
        if path.is_file():
            yield path.read_bytes()


def _refuse(leaks: list[Leak]) -> None:
    """Refuse to publish.

    Raises:
        LeakError: there is a leak.
    """
    if not leaks:
        return
    told = [f"{leak.place}: {leak.kind} ({leak.shown})" for leak in leaks[:MOST_LEAKS]]
    more = f", and {len(leaks) - len(told)} more" if len(leaks) > len(told) else ""
    msg = f"the site tells what must not be public: {'; '.join(told)}{more}"
    hint = (
        "Nothing was published. If that is a word of the site and nobody's: "
        "public_words in course.toml."
    )
    raise LeakError(msg, hint=hint)
