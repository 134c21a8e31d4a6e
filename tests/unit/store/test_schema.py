from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from reports.samples import STUDENTS, report

from grader.errors import StoreError
from grader.models.summary import summary_of
from grader.store import Store, documents, summaries
from grader.store.schema import HEAD, STEPS
from grader.store.tables import metadata

# What version 0.1.0 made, to the letter.
FIRST = """
CREATE TABLE events (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, at VARCHAR(32) NOT NULL,
    kind VARCHAR(16) NOT NULL, student VARCHAR(256) NOT NULL, document VARCHAR(71),
    payload TEXT NOT NULL);
CREATE INDEX one_graded_event_a_document ON events (kind, document);
CREATE TABLE jobs (
    added INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, "key" VARCHAR(71) NOT NULL,
    label TEXT NOT NULL, student VARCHAR(256) NOT NULL, state VARCHAR(16) NOT NULL,
    owner VARCHAR(128) NOT NULL, until VARCHAR(32) NOT NULL, attempts INTEGER NOT NULL,
    document VARCHAR(71), message TEXT NOT NULL, UNIQUE ("key"));
CREATE TABLE schema (version INTEGER);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
INSERT INTO schema VALUES (1);
INSERT INTO jobs VALUES
    (1, 'sha256:1', 'a', 's', 'graded', 'host:1:x', '', 0, NULL, '');
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store as the first version left it, with one result."""
    folder = tmp_path / "store"
    digest = documents.write(folder, report())
    with closing(sqlite3.connect(folder / "events.db")) as raw:
        raw.executescript(FIRST)
        raw.execute(
            "INSERT INTO events (at, kind, student, document, payload) VALUES "
            "('2026-09-14T09:00:00+00:00', 'graded', ?, ?, '{\"kind\": \"graded\"}')",
            (STUDENTS[0], digest),
        )
        raw.commit()
    return folder


def test_a_store_of_the_first_version_is_brought_up_and_loses_nothing(
    old: Path,
) -> None:
    store = Store.open(old)

    (result,) = store.export().results
    assert result.summary == summary_of(report())
    assert store.reports()[0].report == report()
    assert [job.label for job in store.jobs.rows(["sha256:1"])] == ["a"]
    store.close()


def test_a_store_that_was_brought_up_stays_append_only(old: Path) -> None:
    Store.open(old).close()

    with (
        closing(sqlite3.connect(old / "events.db")) as raw,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        raw.execute("DELETE FROM events")


def test_the_steps_make_the_tables_that_the_code_defines(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'events.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, metadata)
    engine.dispose()

    assert differences == []


def test_head_is_the_last_step() -> None:
    assert ScriptDirectory(str(STEPS)).get_heads() == [HEAD]


def test_a_table_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "events.db")) as raw:
        raw.execute("CREATE TABLE events (what TEXT)")

    with pytest.raises(StoreError, match="schema unknown"):
        Store.open(tmp_path)


def test_a_step_that_fails_leaves_the_store_as_it_was(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(old / "events.db")) as raw:
        raw.execute("CREATE VIEW summaries AS SELECT 1")  # in the way of the step

    with pytest.raises(StoreError):
        Store.open(old)

    with closing(sqlite3.connect(old / "events.db")) as raw:
        raw.execute("DROP VIEW summaries")
        names = {row[0] for row in raw.execute("SELECT name FROM sqlite_master")}
    assert "alembic_version" not in names
    assert len(Store.open(old).reports()) == 1


def test_a_summary_of_another_version_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path)
    store.add_report(report())
    with closing(sqlite3.connect(tmp_path / "events.db")) as raw:
        raw.execute("UPDATE summaries SET data = '{}'")
        raw.commit()
    monkeypatch.setattr(summaries, "VERSION", summaries.VERSION + 1)

    assert store.export().results[0].summary == summary_of(report())
    store.close()


def test_the_class_is_read_without_its_documents(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    digest = store.add_report(report())
    documents.path_of(tmp_path, digest).unlink()

    assert store.export().results[0].digest == digest
    store.close()
