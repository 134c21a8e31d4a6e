"""Has what was taken in graded: workers, second tries, and the board afterwards."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Final

from grader.answers import WORTH
from grader.batch.crew import Crew
from grader.batch.orders import Orders
from grader.batch.work import free_orphans
from grader.config import data_folder
from grader.container.host import swept
from grader.errors import GraderError
from grader.service.board import Publisher
from grader.service.site import Site
from grader.store.jobs import ENDED
from grader.store.received import OURS

LOOK_S: Final = 0.5
SELDOM_S: Final = 5.0  # between looks at what changes seldom
TROUBLE_S: Final = 15.0  # after workers failed, until others are tried
TIDY_S: Final = 3600.0
# After how long what we failed is graded again; then it waits for staff.
SECOND_TRIES_S: Final = (60.0, 300.0, 1800.0, 7200.0)
_log = logging.getLogger(__name__)


class Foreman:
    """A thread beside the server; all that it knows is in the store."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._crew = Crew(site.store, orders_of(site), site.settings.jobs)
        self._board = Publisher(site.settings)
        self._tries = SecondTries(site)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="foreman", daemon=True)
        self._ended, self._changes, self._recorded = -1, -1, False
        self._seldom_at = self._tidy_at = self._crew_at = float("-inf")

    def start(self) -> None:
        """Begin with what waits, whoever left it."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the workers and give back what they hold; returns when that is done."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        site = self._site
        try:
            with swept(site.settings.grade.sandbox):  # once the workers are gone
                try:
                    free_orphans(site.store.jobs)
                    while not self._stop.wait(LOOK_S):
                        self._look()
                finally:
                    self._crew.stop()
                    self._board.stop()
        finally:
            if not self._stop.is_set():
                site.trouble = "the part of the service that grades has ended"

    def _look(self) -> None:
        """See to everything once; what fails now is tried again."""
        site, now = self._site, time.monotonic()
        try:
            if now >= self._seldom_at:
                self._seldom_at = now + SELDOM_S
                self._seldom(now)
            counts = site.store.inbox.counts()
            ended = sum(counts.get(state, 0) for state in ENDED)
            if ended != self._ended:
                self._ended = ended
                self._board.want()
            self._board.look()
            if now >= self._crew_at:
                self._replace(counts.get("waiting", 0))
        except GraderError as exc:
            self._crew_at = time.monotonic() + TROUBLE_S
            site.trouble = exc.message
            _log.error("%s; %s", exc.message, exc.hint)

    def _replace(self, waiting: int) -> None:
        record = waiting >= WORTH and not self._recorded
        record = record and not self._site.settings.grade.modules
        self._crew.replace(waiting, record=record)
        self._recorded = self._recorded or record
        self._site.workers = self._crew.running
        self._site.trouble = ""

    def _seldom(self, now: float) -> None:
        site = self._site
        self._tries.look(now)
        if site.bases.changes != self._changes:
            self._changes, self._recorded = site.bases.changes, False
            for key, received in site.store.inbox.keys(["waiting"]).items():
                if (new := site.bases.key_of(received)) != key:
                    site.store.inbox.rekey(key, new)
        if now >= self._tidy_at:
            self._tidy_at = now + TIDY_S
            site.store.access.tidy()


@dataclass
class _Failed:
    tries: int
    due_at: float


class SecondTries:
    """Lets what failed for our reasons wait again, later and later."""

    def __init__(self, site: Site) -> None:
        self._store = site.store
        self._known: dict[str, _Failed] = {}

    def look(self, now: float) -> None:
        """Let wait again what is due."""
        failed = self._store.inbox.keys(OURS)
        for key in failed:
            one = self._known.setdefault(key, _Failed(0, now + SECOND_TRIES_S[0]))
            if one.tries >= len(SECOND_TRIES_S) or now < one.due_at:
                continue
            self._store.jobs.again([key], OURS)
            one.tries += 1
            if one.tries < len(SECOND_TRIES_S):
                one.due_at = now + SECOND_TRIES_S[one.tries]


def orders_of(site: Site) -> Orders:
    """Return what the workers of a site are told."""
    settings, grade = site.settings, site.settings.grade
    return Orders(
        owner="",
        store=str(settings.store),
        url=settings.url,
        course=str(site.home.folder),
        round=settings.round,
        profile=grade.profile,
        sandbox=grade.sandbox,
        data=str(grade.data or data_folder(site.home) or ""),
        modules=grade.modules,
        milestones=grade.milestones,
        received=True,
    )
