from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from reports.samples import STUDENTS, report

from grader.errors import StoreError, UsageError
from grader.store import Export, Store, VisibilitySet, Withdrawn, has_inconclusive
from grader.store.documents import path_of


class Clock:
    """Ticks one minute a reading."""

    def __init__(self) -> None:
        self.time = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(minutes=1)
        return self.time


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = Store.open(folder, now=Clock())
    yield opened
    opened.close()


def test_a_report_comes_back_as_it_was_stored(store: Store) -> None:
    graded = report()

    digest = store.add_report(graded)

    (stored,) = store.reports()
    assert stored.digest == digest
    assert stored.report == graded


def test_storing_the_same_report_again_changes_nothing(store: Store) -> None:
    first, second = store.add_report(report()), store.add_report(report())

    assert first == second
    assert len(store.events()) == len(store.reports()) == 1


def test_document_lies_under_its_digest(store: Store, folder: Path) -> None:
    digest = store.add_report(report())

    name = digest.removeprefix("sha256:")
    assert (folder / "results" / name[:2] / f"{name}.json").is_file()
    assert not list(folder.rglob(".new-*"))


def test_events_keep_order_time_and_payload(store: Store) -> None:
    digest = store.add_report(report(STUDENTS[0]))
    store.set_visibility(STUDENTS[0], "alias", by="student")
    store.withdraw(digest, by="staff", reason="wrong data set")

    events = store.events()

    assert [e.id for e in events] == [1, 2, 3]
    assert [e.payload.kind for e in events] == ["graded", "visibility", "withdrawn"]
    assert events[0].at == datetime(2026, 9, 14, 9, 1, tzinfo=UTC)
    assert events[1].payload == VisibilitySet(visibility="alias", by="student")
    assert events[2].payload == Withdrawn(by="staff", reason="wrong data set")
    assert events[2].student == STUDENTS[0]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE events SET student = 'x'", "DELETE FROM events"],
    ids=["update", "delete"],
)
def test_events_are_append_only(store: Store, folder: Path, statement: str) -> None:
    store.add_report(report())

    with (
        closing(sqlite3.connect(folder / "events.db")) as raw,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        raw.execute(statement)
    assert store.events()[0].student == STUDENTS[0]


def test_a_damaged_document_is_noticed(store: Store, folder: Path) -> None:
    path = path_of(folder, store.add_report(report()))
    path.write_bytes(path.read_bytes().replace(b'"earned":5.0', b'"earned":9.0', 1))

    with pytest.raises(StoreError, match="damaged") as caught:
        store.reports()
    assert "backup" in caught.value.hint


def test_a_missing_document_is_noticed(store: Store, folder: Path) -> None:
    path_of(folder, store.add_report(report())).unlink()

    with pytest.raises(StoreError, match="cannot be read"):
        store.reports()


def test_a_newer_schema_is_refused(store: Store, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "events.db")) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9000'")
        raw.commit()

    with pytest.raises(StoreError, match="schema 9000") as caught:
        Store.open(folder)
    assert "newer" in caught.value.hint


def test_an_unknown_event_is_refused(store: Store, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "events.db")) as raw:
        raw.execute(
            "INSERT INTO events (at, kind, student, payload) VALUES "
            "('2026-09-14T09:00:00+00:00', 'merged', 's', '{\"kind\": \"merged\"}')"
        )
        raw.commit()

    with pytest.raises(StoreError, match="event") as caught:
        store.events()
    assert "upgrade" in caught.value.hint


def test_a_file_that_is_no_database_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / "events.db").write_bytes(b"not a database, but long enough" * 100)

    with pytest.raises(StoreError, match="cannot be used"):
        Store.open(folder)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("")

    with pytest.raises(StoreError, match="no store can be made"):
        Store.open(tmp_path / "store")


@pytest.mark.parametrize(
    ("visibility", "name"), [("named", ""), ("named", " "), ("alias", "Ada")]
)
def test_a_name_goes_with_named_alone(store: Store, visibility: str, name: str) -> None:
    with pytest.raises(UsageError):
        store.set_visibility(STUDENTS[0], visibility, by="x", name=name)  # type: ignore[arg-type]
    assert store.events() == ()


def test_withdrawing_what_is_not_stored_is_refused(store: Store) -> None:
    with pytest.raises(UsageError):
        store.withdraw("sha256:" + "0" * 64, by="staff", reason="none")


def test_opening_again_finds_everything(store: Store, folder: Path) -> None:
    store.add_report(report())
    again = Store.open(folder)

    assert again.export() == store.export()
    again.close()


def test_export_survives_json(store: Store) -> None:
    store.add_report(report(STUDENTS[0]))
    store.add_report(report(STUDENTS[1]))
    store.set_visibility(STUDENTS[1], "named", by="student", name="Grace Hopper")

    export = store.export()

    assert Export.model_validate_json(export.model_dump_json()) == export


def test_the_sample_with_an_inconclusive_check_is_seen_as_such() -> None:
    assert has_inconclusive(report())
    assert not has_inconclusive(report(modules=(), milestones=()))


def _add(folder: Path, minutes: int) -> None:
    opened = Store.open(folder)
    opened.add_report(report(minutes=minutes))
    opened.add_report(report(minutes=0))
    opened.close()


def test_several_processes_on_a_new_store_lose_and_double_nothing(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add, args=(folder, n)) for n in range(1, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    assert [worker.exitcode for worker in workers] == [0] * 4
    store = Store.open(folder)
    assert len(store.reports()) == len(store.events()) == 5
    store.close()
