"""A service that runs on loopback with something of everything in it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from unittest import mock

import uvicorn
from reports.samples import everything, good, perceptron, perfect, report, xor
from service.clients import FixedBases, Place
from store.arrivals import sent

from grader import rounds
from grader.config import find_home, load_course
from grader.grading import GradeOptions
from grader.models.outcome import Blocked
from grader.models.report import GradeReport, Measurements, ModuleResult, Verdict
from grader.roster import Person
from grader.service import Settings, Site, create_app
from grader.service.mail import Post
from grader.service.pages import ROUTERS
from grader.service.spoken import Spoken
from grader.store import Store
from grader.store.access import Who
from grader.store.events import Commented, PolicySet, RegradeSet
from grader.store.jobs import Wanted
from grader.store.received import Received

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAMES: Final = {
    "ada": "Ada Lovelace",
    "grace": "Grace Hopper",
    "emmy": "Emmy Noether",
    "alan": "Alan Turing",
    "kurt": "Kurt G\u00f6del",
    "mary": "Mary Cartwright",
}
STONES: Final = (perceptron(), xor(Blocked(by=("autograd",))))


@dataclass
class Running:
    """Where the service is, and who may come in."""

    address: str
    site: Site

    def session(self, name: str, role: str = "student") -> str:
        """Return the cookie of somebody who is signed in."""
        return self.site.store.access.issue("session", Who(role, name))  # type: ignore[arg-type]


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Run a service for the length of a block."""
    with mock.patch.dict(os.environ, {"GRADER_STATE": str(folder / "state")}):
        site = _site(folder)
    _fill(site)
    server = uvicorn.Server(
        uvicorn.Config(create_app(site, ROUTERS), port=0, log_config=None, ws="none")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the service did not start"
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Running(f"http://127.0.0.1:{port}", site)
    finally:
        server.should_exit = True
        thread.join(20)
        site.store.close()


def _site(folder: Path) -> Site:
    rounds.new_round(folder / "state", "one", "feedback")
    home = find_home(Place.COURSE)
    store = Store.open(folder / "store", now=lambda: NOW)
    settings = Settings(
        grade=GradeOptions(round="one"),
        round="one",
        store=folder / "store",
        secure=False,
        address="https://grader.example.org",
        post=Post("127.0.0.1", 9, "grader@school.example", tls=False),
    )
    bases = FixedBases(home, settings.grade)
    course = load_course(home.course_file)
    return Site(settings, store, home, course, bases, Spoken(store), lambda: NOW)


def _fill(site: Site) -> None:
    store = site.store
    store.people.put(
        [Person(s, n, email=f"{s}@example.edu", section="A") for s, n in NAMES.items()]
    )
    due = NOW - timedelta(days=1)
    policy = PolicySet(round="one", due_at=due, per_day=0.1, keep="best", by="T")
    store.record("", policy)
    _graded(site, "ada", 1, good(), days=3)
    _graded(site, "ada", 2, everything(), days=0)
    store.record("ada", Commented(round="one", text="Come to the lab.", by="T"))
    _graded(site, "grace", 1, perfect(), days=2)
    _graded(site, "emmy", 1, everything(), days=2)
    received = _came(site, "alan", 1, days=1)
    assert store.jobs.lease([received.key], "w")
    store.jobs.fail(received.key, "w", "the Docker engine does not answer")
    received = _came(site, "kurt", 1, days=1)
    assert store.jobs.lease([received.key], "w")
    store.jobs.refuse(received.key, "w", "there is no folder tinytorch/ in it")
    _came(site, "mary", 1, days=1)
    _came(site, "ada", 3, days=0)
    _planned(site)


def _came(site: Site, student: str, number: int, *, days: float) -> Received:
    id_ = f"s-{student.upper()}{'ABCDEF'[number]}".ljust(14, "A")
    at = NOW - timedelta(days=days, minutes=-number)
    made = sent(student, number, id_=id_, at=at)
    site.store.inbox.receive(made, id_, 20)
    return made


def _graded(
    site: Site,
    student: str,
    number: int,
    modules: tuple[ModuleResult, ...],
    *,
    days: float,
) -> None:
    received = _came(site, student, number, days=days)
    assert site.store.jobs.lease([received.key], "w")
    made = _report(student, modules, received.digest, received.received_at)
    assert site.store.jobs.accept(received.key, "w", made)


def _report(
    student: str, modules: tuple[ModuleResult, ...], digest: str, at: datetime
) -> GradeReport:
    made = report(student, modules=modules, milestones=STONES)
    told = {"submission": digest, "round": "one"}
    verdict = Verdict(**{**dict(made.verdict), **told})
    measured = Measurements(**{**dict(made.measurements), "started_at": at})
    changed = {"verdict": verdict, "measurements": measured}
    return GradeReport(**{**dict(made), **changed})


def _planned(site: Site) -> None:
    """Plan a regrade of Grace's, who would lose by it."""
    said = RegradeSet(
        name="fix-tensor", state="planned", round="one", by="T", reason="a hint"
    )
    site.store.record("", said)
    site.store.jobs.want([Wanted("sha256:job", "kept", "grace", "fix-tensor")])
    assert site.store.jobs.lease(["sha256:job"], "w")
    digest = sent("grace", 1).digest
    made = _report("grace", good(), digest, NOW)
    assert site.store.jobs.accept("sha256:job", "w", made)
