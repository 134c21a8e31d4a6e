"""Submissions found in folders, archives, cloned trees, rosters and patterns."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.batch import Entry, find_entries
from grader.errors import ConfigError


def submission(folder: Path) -> Path:
    (folder / "tinytorch").mkdir(parents=True)
    return folder


def found(*sources: Path | str) -> dict[str, str]:
    return {e.student: e.source for e in find_entries(map(str, sources), "tinytorch")}


def test_a_folder_of_folders_and_archives(tmp_path: Path) -> None:
    submission(tmp_path / "ann")
    (tmp_path / "bob.tar.gz").write_bytes(b"")
    (tmp_path / "cem").mkdir()  # empty: intake says what is missing
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / ".git").mkdir()

    assert found(tmp_path) == {
        "ann": str(tmp_path / "ann"),
        "bob": str(tmp_path / "bob.tar.gz"),
        "cem": str(tmp_path / "cem"),
    }


def test_one_submission_is_a_batch_too(tmp_path: Path) -> None:
    assert list(found(submission(tmp_path / "ann"))) == ["ann"]


def test_a_tree_of_gh_classroom_clone(tmp_path: Path) -> None:
    for name in ("ann", "bob-smith"):
        submission(tmp_path / "tensors-submissions" / f"tensors-{name}")

    assert list(found(tmp_path)) == ["ann", "bob-smith"]


def test_a_cloned_tree_may_be_named_itself(tmp_path: Path) -> None:
    tree = tmp_path / "tensors-submissions"
    submission(tree / "tensors-ann")
    (tree / "bob.zip").write_bytes(b"")  # sent in by mail, and put beside the clones

    assert list(found(tree)) == ["bob", "ann"]


def test_a_tree_of_classroom_50(tmp_path: Path) -> None:
    tree = tmp_path / "cs1-tensors_submissions_2026_11_02_T_23_59_59"
    for name in ("ann", "bob-smith"):
        submission(tree / f"cs1-tensors-{name}")
        (tree / f"cs1-tensors-{name}" / "result.json").write_text("{}")
    (tree / "scores.csv").write_text("username,score\n")

    assert list(found(tmp_path)) == list(found(tree)) == ["ann", "bob-smith"]


def test_a_roster_names_students_and_sources(tmp_path: Path) -> None:
    submission(tmp_path / "work" / "a")
    roster = tmp_path / "roster.csv"
    address = "git+https://example.org/bob/tinytorch@0123abc"
    roster.write_text(f"student,source\nann,work/a\nbob,{address}\n", encoding="utf8")

    assert found(roster) == {"ann": str(tmp_path / "work" / "a"), "bob": address}


def test_a_roster_may_tell_when_a_submission_came(tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    text = "student,source,submitted_at\nann,a,2026-12-01T10:00+01:00\nbob,b,\n"
    roster.write_text(text, encoding="utf8")

    ann, bob = find_entries([str(roster)], "tinytorch")

    assert ann.submitted_at == datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert bob.submitted_at is None


def test_a_pattern(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        submission(tmp_path / f"hw-{name}" / "repo" / name)

    assert sorted(found(f"{tmp_path}/hw-*/repo/*")) == ["ann", "bob"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("student,source\nann,\n", "line 2: no student or no source"),
        ("name,where\nann,x\n", "line 2: no student or no source"),
        ("student,source\nann,x\nann,y\n", "'ann' is in the batch twice"),
        ('student,source\nann,"x\n', "is no CSV file"),
        ("student,source\n\udcff,x\n", "is no CSV file"),
        (
            "student,source,submitted_at\nann,x,2026-12-01T10:00+01:00\nbob,y,noon\n",
            "line 3, column submitted_at: 'noon' is no time",
        ),
        (
            "student,source,submitted_at\nann,x,2026-12-01T10:00\n",
            "line 2, column submitted_at: .* does not say its offset",
        ),
    ],
)
def test_a_wrong_roster_is_named(text: str, message: str, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_bytes(text.encode("utf8", "surrogateescape"))

    with pytest.raises(ConfigError, match=message):
        find_entries([str(roster)], "tinytorch")


@pytest.mark.parametrize("source", ["missing", "nothing-*"])
def test_a_source_that_is_not_there(source: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing"):
        find_entries([str(tmp_path / source)], "tinytorch")


def test_an_empty_folder_holds_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no submission in"):
        find_entries([str(tmp_path)], "tinytorch")


def test_entries_are_values() -> None:
    assert Entry("ann", "x") == Entry("ann", "x")
