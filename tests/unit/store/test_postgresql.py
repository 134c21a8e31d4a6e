"""The store on a real PostgreSQL server, as several coordinators share it."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from reports.samples import STUDENTS, good, report

from grader.errors import StoreError
from grader.roster import Person
from grader.store import Store
from grader.store.access import Who
from grader.store.jobs import Wanted
from store.arrivals import sent

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server(postgresql_server: Path) -> Iterator[str]:
    """An address of a server of our own, without a network."""
    # Not below pytest's folder, which other users may not enter.
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        yield from _running(postgresql_server, Path(name))


def _running(there: Path, folder: Path) -> Iterator[str]:
    data = folder / "data"
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        nobody = pwd.getpwnam("nobody")
        as_user = [
            *("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}"),
            "--clear-groups",
        ]
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, capture_output=True, cwd="/")

    run(str(there / "initdb"), "-D", str(data), "-U", "grader", "-A", "trust")
    options = f"-c listen_addresses= -c unix_socket_directories={folder}"
    start = ("-D", str(data), "-l", str(folder / "log"), "-w", "-o", options)
    run(str(there / "pg_ctl"), *start, "start")
    try:
        yield f"postgresql+psycopg://grader@/postgres?host={folder}"
    finally:
        run(str(there / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


@pytest.fixture
def stores(server: str, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two graders with one store, and nothing in it."""
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    engine.dispose()
    opened = [Store.open(tmp_path / "store", url=server) for _ in range(2)]
    yield opened[0], opened[1]
    for store in opened:
        store.close()


def test_two_graders_open_a_new_store_at_once(
    stores: tuple[Store, Store], server: str, tmp_path: Path
) -> None:
    engine = sa.create_engine(server)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    engine.dispose()
    failed: list[Exception] = []

    def open_it() -> None:
        try:
            Store.open(tmp_path / "store", url=server).close()
        except StoreError as exc:
            failed.append(exc)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


def test_results_are_shared_and_append_only(
    stores: tuple[Store, Store], server: str
) -> None:
    one, other = stores
    digest = one.add_report(report(STUDENTS[0], modules=good()))
    assert one.add_report(report(STUDENTS[0], modules=good())) == digest

    assert [r.digest for r in other.reports()] == [digest]
    engine = sa.create_engine(server)
    for change in ("UPDATE events SET student = ''", "DELETE FROM events"):
        with (
            pytest.raises(sa.exc.DatabaseError, match="append-only"),
            engine.begin() as connection,
        ):
            connection.execute(sa.text(change))
    with (
        pytest.raises(sa.exc.DatabaseError, match="append-only"),
        engine.begin() as connection,
    ):
        connection.execute(sa.text("TRUNCATE events"))
    engine.dispose()


def test_two_coordinators_grade_nothing_twice(stores: tuple[Store, Store]) -> None:
    wanted = [Wanted(f"sha256:{i}", f"work/{i}", f"student {i}") for i in range(40)]
    keys = [w.key for w in wanted]
    taken: list[str] = []

    def work(store: Store, owner: str) -> None:
        store.jobs.want(wanted)
        while (job := store.jobs.lease(keys, owner)) is not None:
            taken.append(job.key)
            assert store.jobs.accept(job.key, owner, report(job.student))

    threads = [
        threading.Thread(target=work, args=(store, f"{i}-{n}"))
        for i, store in enumerate(stores)
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(taken) == sorted(keys)
    assert len(stores[0].events()) == 40
    assert {job.state for job in stores[1].jobs.rows(keys)} == {"unclear"}


def test_one_person_is_erased_and_events_stay_append_only(
    stores: tuple[Store, Store],
) -> None:
    store = stores[0]
    store.add_report(report(STUDENTS[0], modules=good()))
    store.add_report(report(STUDENTS[1], modules=good()))

    store.forget(STUDENTS[0], by="me", reason="by request")

    assert {r.report.student for r in stores[1].reports()} == {STUDENTS[1]}
    with (
        pytest.raises(sa.exc.DatabaseError, match="append-only"),
        store._engine.begin() as connection,
    ):
        connection.execute(sa.text("DELETE FROM events"))


def test_a_submission_that_comes_twice_at_once_is_taken_in_once(
    stores: tuple[Store, Store],
) -> None:
    told: list[tuple[str, bool]] = []

    def send(store: Store, number: int) -> None:
        new = sent("ann", id_=f"s-{number}")
        told.append(store.inbox.receive(new, "label", per_hour=1))

    threads = [
        threading.Thread(target=send, args=(store, 3 * i + n))
        for i, store in enumerate(stores)
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id_ for id_, _ in told}) == 1
    assert sum(new for _, new in told) == 1
    assert len(stores[0].events()) == 1
    job = stores[1].jobs.lease_received("worker")
    assert job is not None
    assert job.student == "ann"
    assert stores[0].jobs.lease_received("other") is None


def test_people_and_what_lets_them_in(stores: tuple[Store, Store]) -> None:
    one, other = stores
    assert one.people.put([Person("ann", name="Ann")]).new == ("ann",)
    token = one.access.issue("token", Who("student", "ann"))

    found = other.access.find("token", token)

    assert found is not None
    assert found.who.name == "ann"
    assert other.people.get("ann") == Person("ann", name="Ann")
    one.forget("ann", by="me", reason="by request")
    assert other.access.find("token", token) is None
