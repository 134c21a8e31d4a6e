"""Sessions of the competition in the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from compete.made import session

from grader.compete.documents import digest
from grader.errors import StoreError, UsageError
from grader.store import Store
from grader.store.events import Measured


def test_a_session_comes_back_as_it_was_and_is_stored_once(tmp_path: Path) -> None:
    store, made = Store.open(tmp_path), session()

    first, again = store.sessions.add("ada", made), store.sessions.add("ada", made)

    assert first == again
    assert store.sessions.read(first) == made
    (event,) = store.export().events
    assert isinstance(event.payload, Measured)
    assert (event.student, event.document) == ("ada", first)
    assert event.payload.workload == made.workload
    assert event.payload.counts


def test_a_damaged_session_is_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    kept = store.sessions.add("ada", session())
    (path,) = tmp_path.glob("sessions/??/*.json")
    path.write_bytes(path.read_bytes().replace(b'"attempt":1', b'"attempt":2'))

    with pytest.raises(StoreError, match="another digest"):
        store.sessions.read(kept)


def test_a_session_that_is_not_there_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        Store.open(tmp_path).sessions.read(digest(b"nothing"))


@pytest.mark.parametrize(("kind", "opponent"), [("entry", "bo"), ("head-to-head", "")])
def test_an_opponent_goes_with_a_head_to_head_and_with_nothing_else(
    tmp_path: Path, kind: str, opponent: str
) -> None:
    with pytest.raises(UsageError, match="opponent"):
        Store.open(tmp_path).sessions.add("ada", session(kind=kind), opponent=opponent)


def test_forgetting_removes_own_sessions_and_the_name_in_others(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    own = store.sessions.add("holder", session())
    duel = session(kind="head-to-head")
    theirs = store.sessions.add("challenger", duel, opponent="holder")

    store.forget("holder", by="staff", reason="asked")

    assert not list(tmp_path.glob(f"sessions/??/{own.removeprefix('sha256:')}.json"))
    assert store.sessions.read(theirs) == duel
    assert "holder" not in str([e.payload for e in store.export().events])
