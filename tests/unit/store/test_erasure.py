"""One person is erased, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from reports.samples import good, report

from grader.errors import UsageError
from grader.models.submission import SourceFile, Submission
from grader.store import Store, documents, erasure
from grader.store.events import Commented, TeamSet
from grader.store.jobs import Wanted


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store")
    yield opened
    opened.close()


def kept(store: Store, folder: Path) -> str:
    """Fill the store; return the digest of the person's result."""
    files = (SourceFile(path="tinytorch/a.py", data=b"x = 1\n"),)
    graded = report("ann", modules=good())
    digest = graded.verdict.submission
    source = Submission(label="l", student="ann", digest=digest, files=files)
    store.keep_source(source, "tinytorch")
    store.add_report(report("ben", modules=good(), minutes=1, milestones=()))
    store.record("ann", Commented(round="one", text="well done", by="me"))
    store.record("team-1", TeamSet(members=("ann", "ben"), by="me"))
    store.jobs.want([Wanted("sha256:1", "ann/repo", "ann")])
    return store.add_report(graded)


def test_results_decisions_and_work_of_the_person_go(
    store: Store, tmp_path: Path
) -> None:
    document = kept(store, tmp_path)

    gone = store.forget("ann", by="me", reason="by request")

    assert gone.documents == {document}
    assert {r.report.student for r in store.reports()} == {"ben"}
    assert store.jobs.rows(["sha256:1"]) == []
    everything = "".join(e.model_dump_json() for e in store.events())
    assert "ann" not in everything.replace("channel", "")
    assert b"ann" not in (tmp_path / "store" / "events.db").read_bytes()
    assert not documents.path_of(tmp_path / "store", document).exists()


def test_a_team_goes_on_without_the_person(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)

    store.forget("ann", by="me", reason="by request")

    (team,) = [e.payload for e in store.events() if isinstance(e.payload, TeamSet)]
    assert team.members == ("ben",)


def test_files_that_somebody_else_handed_in_too_stay(
    store: Store, tmp_path: Path
) -> None:
    kept(store, tmp_path)
    shared = report("cem", modules=good(), minutes=3)
    digest = report("ann", modules=good()).verdict.submission
    verdict = dict(shared.verdict) | {"submission": digest}
    again = dict(shared) | {"verdict": type(shared.verdict).model_validate(verdict)}
    store.add_report(type(shared).model_validate(again))

    gone = store.forget("ann", by="me", reason="by request")

    assert gone.sources == frozenset()
    assert store.source(digest) is not None


def test_events_are_append_only_afterwards(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)
    store.forget("ann", by="me", reason="by request")

    with pytest.raises(Exception, match="append-only"), store._engine.begin() as raw:
        raw.exec_driver_sql("DELETE FROM events")


def test_an_erasure_that_was_cut_off_is_ended_by_the_next(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = kept(store, tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr("grader.store.store.erase_files", lambda *_: None)
        store.forget("ann", by="me", reason="by request")
    assert documents.path_of(tmp_path / "store", document).exists()

    store.forget("ann", by="me", reason="by request")

    assert not documents.path_of(tmp_path / "store", document).exists()


def cut_off(connection: sa.Connection, student: str, kept: erasure.Kept) -> None:
    erasure.erase(connection, student, kept)
    raise KeyboardInterrupt


def test_a_failure_in_the_middle_leaves_everything(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(store, tmp_path)
    before = store.export()

    with monkeypatch.context() as broken:
        broken.setattr("grader.store.store.erase", cut_off)
        with pytest.raises(KeyboardInterrupt):
            store.forget("ann", by="me", reason="by request")

    assert store.export() == before
    assert len(store.reports()) == 2


def test_who_is_being_graded_is_not_erased(store: Store, tmp_path: Path) -> None:
    kept(store, tmp_path)
    store.jobs.lease(["sha256:1"], "worker")

    with pytest.raises(UsageError, match="is being graded"):
        store.forget("ann", by="me", reason="by request")
    assert len(store.reports()) == 2


def test_who_is_not_known_is_said_to_be(store: Store) -> None:
    with pytest.raises(UsageError, match="nothing is kept"):
        store.forget("eve", by="me", reason="by request")
