"""What one running service is: its settings, its store, and what it keeps in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from starlette.requests import HTTPConnection

from grader.config import Home, state_folder
from grader.grading import GradeOptions, course_of
from grader.intake.limits import ARCHIVE_BYTES, MIB
from grader.models.course import Course
from grader.rounds import load_round, round_names
from grader.service.bases import Bases
from grader.service.limits import Window
from grader.service.mail import Post
from grader.service.spoken import Spoken
from grader.store import Store

GUESSES: Final = 30  # wrong tokens of one address in `GUESSING`
GUESSING: Final = timedelta(minutes=5)
MAILS: Final = 3  # with a link, to one address in an hour
TRIES_A_PLACE: Final = 10  # uploads, taken in or not, for every one that may be

INTAKES: Final = 4  # uploads made into submissions at a time


@dataclass(frozen=True)
class Settings:
    """How a service runs; what lasts is in its store.

    Attributes:
        round: where submissions that name none go.
        per_hour: submissions of one student that are taken in an hour.
        free_bytes: on the store's disk, below which nothing is taken in.
        board: the folder that the leaderboard is published to; None: there is none.
        secure: cookies go over TLS alone; only a service on loopback goes without.
        address: of the service as people write it, for links in mails.
        post: what sends mails; None: nothing does.
    """

    grade: GradeOptions
    round: str
    store: Path
    url: str = ""
    jobs: int = 2
    per_hour: int = 20
    upload_bytes: int = ARCHIVE_BYTES
    free_bytes: int = 256 * MIB
    board: Path | None = None
    board_every_s: float = 30.0
    secure: bool = True
    root_path: str = ""
    scratch: Path | None = None  # for uploads on their way; the system's, if None
    address: str = ""
    post: Post | None = None


@dataclass
class Site:
    """What every request is answered from; on `app.state.site`.

    Attributes:
        now: the clock, in UTC.
        closing: set once the service is told to end; nothing is taken in after that.
    """

    settings: Settings
    store: Store
    home: Home
    course: Course
    bases: Bases
    spoken: Spoken
    now: Callable[[], datetime]
    guesses: Window = field(default_factory=lambda: Window(GUESSES, GUESSING))
    mails: Window = field(default_factory=lambda: Window(MAILS, timedelta(hours=1)))
    closing: threading.Event = field(default_factory=threading.Event)
    intakes: threading.Semaphore = field(
        default_factory=lambda: threading.BoundedSemaphore(INTAKES)
    )
    # Why workers cannot grade just now; empty while they can.
    trouble: str = ""
    workers: int = 0  # processes that run

    def __post_init__(self) -> None:
        most = TRIES_A_PLACE * self.settings.per_hour
        self.tries = Window(most, timedelta(hours=1))

    @property
    def state(self) -> Path:
        """The folder of secrets."""
        return state_folder(self.home)

    @property
    def rounds(self) -> list[str]:
        """Names of the rounds that submissions may be for."""
        return round_names(self.state)


def _now() -> datetime:
    return datetime.now(UTC)


def open_site(settings: Settings, now: Callable[[], datetime] = _now) -> Site:
    """Open the store of a service and look whether it can grade.

    Raises:
        GraderError: the course, the round, the wall or the store is not usable.
    """
    home, course = course_of(settings.grade)
    load_round(state_folder(home), settings.round)
    bases = Bases(home, settings.grade)
    bases.of(settings.round)  # what is wrong with the course is said now
    store = Store.open(settings.store, url=settings.url, now=now)
    return Site(settings, store, home, course, bases, Spoken(store), now)


def site_of(connection: HTTPConnection) -> Site:
    """Return the site that a request is for; what routers depend on."""
    site: Site = connection.app.state.site
    return site
