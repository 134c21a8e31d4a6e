from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from store.arrivals import Clock

from grader import rounds
from grader.config import find_home, load_course
from grader.grading import GradeOptions
from grader.service import Settings, Site, create_app
from grader.service.spoken import Spoken
from grader.store import Store
from service.clients import Client, FixedBases, Place


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing in it; to make its tables takes longer than most tests."""
    folder = tmp_path_factory.mktemp("empty") / "store"
    Store.open(folder).close()
    return folder


@pytest.fixture
def site(
    tmp_path: Path, clock: Clock, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """A service that grades nothing; its rounds are one, and exam, a final one."""
    monkeypatch.setenv("GRADER_STATE", str(tmp_path / "state"))
    rounds.new_round(tmp_path / "state", "one", "feedback")
    rounds.new_round(tmp_path / "state", "exam", "final")
    home = find_home(Place.COURSE)
    shutil.copytree(empty, tmp_path / "store")
    store = Store.open(tmp_path / "store", now=clock)
    settings = Settings(
        grade=GradeOptions(round="one"),
        round="one",
        store=tmp_path / "store",
        per_hour=5,
        upload_bytes=1 << 20,
        free_bytes=0,
        secure=False,
    )
    course = load_course(home.course_file)
    bases = FixedBases(home, settings.grade)
    yield Site(settings, store, home, course, bases, Spoken(store), clock)
    store.close()


@pytest.fixture
def client(site: Site) -> Iterator[Client]:
    with Client(create_app(site), site) as made:
        yield made
