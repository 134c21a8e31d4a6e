"""Times of handing in that a roster tells become events, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from grader.batch import Entry, digests_of, tell_times
from grader.intake import open_submission
from grader.store import Store
from grader.store.events import Submitted

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def ann(tmp_path: Path) -> Entry:
    package = tmp_path / "ann" / "tinytorch"
    package.mkdir(parents=True)
    (package / "setup.py").write_text("pass\n", encoding="utf8")
    (package / "__init__.py").write_text("", encoding="utf8")
    return Entry("ann", str(tmp_path / "ann"), NOON)


def times(store: Store) -> list[tuple[str, Submitted]]:
    events = store.events()
    return [(e.student, e.payload) for e in events if isinstance(e.payload, Submitted)]


def test_a_time_is_told_of_what_is_handed_in_and_once(
    ann: Entry, tmp_path: Path
) -> None:
    store = Store.open(tmp_path / "store")
    digests = digests_of([ann], "tinytorch")

    counts = [tell_times(store, "one", [ann], digests) for _ in range(2)]

    assert counts == [1, 0]
    submission = open_submission(ann.source).digest
    told = Submitted(round="one", submission=submission, at=NOON, told_by="roster")
    assert times(store) == [("ann", told)]
    store.close()


def test_a_roster_may_be_corrected(ann: Entry, tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store")
    digests = digests_of([ann], "tinytorch")
    earlier = Entry("ann", ann.source, NOON - timedelta(hours=1))

    for entry in (ann, earlier):
        tell_times(store, "one", [entry], digests)

    assert [said.at for _, said in times(store)] == [NOON, NOON - timedelta(hours=1)]
    store.close()


def test_nothing_is_fetched_or_told_of_what_cannot_be_read(
    ann: Entry, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    entries = [
        Entry("bob", "git+https://example.invalid/bob/tinytorch@0123abc", NOON),
        Entry("cem", str(tmp_path / "empty"), NOON),
        Entry("dan", ann.source),  # nobody told when
    ]

    assert digests_of(entries, "tinytorch") == {}
