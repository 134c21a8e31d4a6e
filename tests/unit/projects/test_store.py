"""Projects in the store: kept once, approved, forgotten."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.errors import StoreError, UsageError
from grader.models.project import ClaimMissed
from grader.store import Store
from grader.store.events import ProjectApproved, ProjectRun
from projects.made import project

YES = ProjectApproved(approved=True, by="A. Teacher")


def test_a_project_comes_back_as_it_was_and_is_stored_once(tmp_path: Path) -> None:
    store, made = Store.open(tmp_path), project(ClaimMissed(by=0.2))

    first, again = store.projects.add("ada", made), store.projects.add("ada", made)

    assert first == again
    assert store.projects.read(first) == made
    (event,) = store.export().events
    assert event.payload == ProjectRun(
        title=made.capstone.title, state="not reproduced"
    )
    assert (event.student, event.document) == ("ada", first)


def test_a_damaged_project_is_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    kept = store.projects.add("ada", project())
    (path,) = tmp_path.glob("projects/??/*.json")
    path.write_bytes(path.read_bytes().replace(b"0.92", b"0.99"))

    with pytest.raises(StoreError, match="another digest"):
        store.projects.read(kept)


def test_a_project_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        Store.open(tmp_path).projects.read("sha256:" + "0" * 64)


def test_approval_is_kept_with_the_project_it_is_of(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    kept = store.projects.add("ada", project())

    assert store.projects.approve(kept[7:15], YES) == kept

    last = store.events()[-1]
    assert (last.student, last.document, last.payload) == ("ada", kept, YES)


def test_a_beginning_that_names_no_project_or_two_is_refused(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for number in range(17):  # so that two begin with the same of sixteen digits
        store.projects.add("ada", project(round=f"week-{number}"))
    names = [str(e.document)[7] for e in store.events()]
    shared = next(digit for digit in names if names.count(digit) > 1)

    for wanted, said in (("zz", "no project"), ("", "no project"), (shared, "more")):
        with pytest.raises(UsageError, match=said):
            store.projects.approve(wanted, YES)
    assert len(store.events()) == 17


def test_forgetting_a_person_forgets_their_projects(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    kept = store.projects.add("ada", project())
    store.projects.approve(kept, YES)
    other = store.projects.add("bob", project(round="week-2"))

    store.forget("ada", by="A. Teacher", reason="asked")

    assert [e.student for e in store.events()] == ["bob", ""]
    assert len(list(tmp_path.glob("projects/??/*.json"))) == 1
    assert store.projects.read(other).round == "week-2"
