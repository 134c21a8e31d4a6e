"""One person is erased, and nobody else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from compete.made import session as made
from reports.samples import good, report

from grader.errors import UsageError
from grader.models.submission import SourceFile, Submission
from grader.roster import Person
from grader.store import Store, documents, erasure
from grader.store.access import Who
from grader.store.events import Commented, TeamSet
from grader.store.jobs import Wanted
from grader.store.received import Received


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


def received(store: Store, student: str, sender: str, data: bytes = b"") -> str:
    """Take in a submission of `student`, and keep its files."""
    files = (SourceFile(path="tinytorch/b.py", data=data),)
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    store.keep_source(Submission(label="", digest=digest, files=files), "tinytorch")
    new = Received(
        id=f"s-{student}-{len(data)}",
        student=student,
        sender=sender,
        round="one",
        digest=digest,
        received_at=datetime(2026, 9, 14, tzinfo=UTC),
        key=f"sha256:{student}{len(data)}",
        size_bytes=9,
    )
    store.inbox.receive(new, "label", per_hour=99)
    return digest


def test_what_the_service_knows_of_the_person_goes(
    store: Store, tmp_path: Path
) -> None:
    store.people.put([Person("ann", email="ann@example.edu"), Person("ben")])
    token = store.access.issue("token", Who("student", "ann"))
    staff = store.access.issue("token", Who("staff", "ann"))
    digest = received(store, "ann", "ann")
    assert not store.kept_of("ann").nothing

    gone = store.forget("ann", by="me", reason="by request")

    assert (gone.people, gone.credentials, gone.received) == (1, 1, 1)
    assert store.access.find("token", token) is None
    assert store.access.find("token", staff) is not None  # another person
    assert list(store.people.all()) == ["ben"]
    assert store.inbox.standing(students=["ann"]) == []
    assert store.source(digest) is None
    assert b"ann@example" not in (tmp_path / "store" / "events.db").read_bytes()


def test_what_somebody_else_handed_in_too_and_waits_stays(store: Store) -> None:
    digest = received(store, "ann", "ann")
    received(store, "ben", "ben")

    store.forget("ann", by="me", reason="by request")

    assert store.source(digest) is not None


def test_what_was_sent_for_a_team_is_the_teams(store: Store) -> None:
    store.record("red", TeamSet(members=("ann", "ben"), by="me"))
    digest = received(store, "red", "ann")

    gone = store.forget("ann", by="me", reason="by request")

    assert gone.received == 1
    (standing,) = store.inbox.standing(students=["red"])
    assert standing.received.sender == ""
    assert store.source(digest) is not None


def test_documents_that_name_nobody_go_with_the_next_look(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.sessions.add("ann", made())
    path = documents.path_of(tmp_path / "store", digest, "sessions")
    with monkeypatch.context() as broken:
        broken.setattr("grader.store.store.erase_files", broken_off)
        with pytest.raises(InterruptedError):
            store.forget("ann", by="me", reason="by request")
    assert path.exists()

    assert store.end_erasures() == 1

    assert not path.exists()
    assert store.end_erasures() == 0


def test_what_was_never_erased_is_not_taken_for_a_rest(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = store.sessions.add("ann", made())
    with monkeypatch.context() as broken:
        broken.setattr("grader.store.store.erase", broken_off)
        with pytest.raises(InterruptedError):
            store.forget("ann", by="me", reason="by request")

    assert store.end_erasures() == 0

    assert documents.path_of(tmp_path / "store", digest, "sessions").exists()
    assert store.sessions.read(digest) == made()


def broken_off(*_: object) -> None:
    raise InterruptedError
