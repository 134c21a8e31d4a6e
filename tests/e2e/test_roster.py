"""`grader roster`: people, and tokens that are told once."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from grader_command import Grader

from grader.store import Store
from grader.store.access import Who

CLASS = "student,name,email\nann,Ann Lee,ann@example.edu\nben,=Ben,ben@example.edu\n"


@pytest.fixture
def grader(tmp_path: Path) -> Grader:
    return Grader(tmp_path / "state")


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "class.csv"
    path.write_text(CLASS, encoding="utf8")
    return path


def tokens_in(path: Path) -> dict[str, str]:
    with path.open(encoding="utf8", newline="") as file:
        return {row["student"]: row["token"] for row in csv.DictReader(file)}


def lets_in(grader: Grader, token: str) -> Who | None:
    store = Store.open(grader.state / "store")
    found = store.access.find("token", token)
    store.close()
    return found.who if found and found.ended_at is None else None


def listed(grader: Grader) -> dict[str, Any]:
    rows = json.loads(grader.here("roster", "list", "--format", "json").out)
    return {row["name"]: row for row in rows}


def test_tokens_are_written_once_for_us_alone(
    grader: Grader, roster: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tokens.csv"

    done = grader.here("roster", "import", roster, "--tokens", out)

    assert done.code == 0, done.err
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    tokens = tokens_in(out)
    assert lets_in(grader, tokens["ann"]) == Who("student", "ann")
    assert tokens["ann"] not in done.out + done.err
    assert "'=Ben" in out.read_text(encoding="utf8")  # no formula
    rows = listed(grader)
    assert (rows["ann"]["token"], rows["ann"]["expires_at"]) == ("valid", None)


def test_importing_again_keeps_tokens_and_adds_people(
    grader: Grader, roster: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "1.csv", tmp_path / "2.csv"
    grader.here("roster", "import", roster, "--tokens", first)
    roster.write_text("student,name\nann,Ann B.\ncem,Cem\n", encoding="utf8")

    done = grader.here("roster", "import", roster, "--tokens", second, "--expires", "9")

    assert "2 people: 1 new, 1 changed" in done.err
    assert "still let in: ben" in done.err
    assert list(tokens_in(second)) == ["cem"]
    assert lets_in(grader, tokens_in(first)["ann"]) == Who("student", "ann")
    rows = listed(grader)
    assert rows["ann"]["full_name"] == "Ann B."
    assert rows["cem"]["expires_at"] is not None
    third = grader.here("roster", "import", roster, "--tokens", tmp_path / "3.csv")
    assert "everybody has a valid token" in third.err
    assert not (tmp_path / "3.csv").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nAnn\n", "no column `student`"),
        ("student\nann\nann\n", "stands twice"),
        ("student\n../etc\n", "no student id"),
        ("student\n" + "a" * 65 + "\n", "no student id"),
        ("student\n", "the roster is empty"),
    ],
)
def test_a_roster_that_is_wrong_changes_nothing(
    grader: Grader, roster: Path, tmp_path: Path, text: str, said: str
) -> None:
    roster.write_text(text, encoding="utf8")

    done = grader.here("roster", "import", roster, "--tokens", tmp_path / "t.csv")

    assert done.code == 3
    assert said in done.err
    assert listed(grader) == {}


def test_a_file_of_tokens_is_never_written_over(
    grader: Grader, roster: Path, tmp_path: Path
) -> None:
    out = tmp_path / "tokens.csv"
    out.write_text("precious", encoding="utf8")

    done = grader.here("roster", "import", roster, "--tokens", out)

    assert done.code == 3
    assert out.read_text(encoding="utf8") == "precious"
    assert listed(grader) == {}


def test_a_new_token_ends_the_old_one_unless_told(grader: Grader, roster: Path) -> None:
    grader.here("roster", "import", roster)
    first = grader.here("roster", "token", "ann").out.strip()

    second = grader.here("roster", "token", "ann").out.strip()
    third = grader.here("roster", "token", "ann", "--also").out.strip()

    assert lets_in(grader, first) is None
    assert lets_in(grader, second) == lets_in(grader, third) == Who("student", "ann")
    assert grader.here("roster", "revoke", "ann").code == 0
    assert lets_in(grader, second) is lets_in(grader, third) is None
    rows = listed(grader)
    assert [rows[name]["token"] for name in ("ann", "ben")] == ["ended", None]
    again = grader.here("roster", "revoke", "ann")
    assert (again.code, "nothing lets 'ann' in" in again.err) == (2, True)


def test_staff_have_tokens_of_their_own(grader: Grader, roster: Path) -> None:
    grader.here("roster", "import", roster)

    token = grader.here("roster", "token", "--staff", "ann").out.strip()

    assert lets_in(grader, token) == Who("staff", "ann")
    assert "revoked" not in grader.here("roster", "list").out
    assert grader.here("roster", "revoke", "--staff", "ann").code == 0
    assert lets_in(grader, token) is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["token", "eve"], "no student 'eve'"),
        (["link", "eve"], "no student 'eve'"),
        (["token"], "whose?"),
        (["token", "ann", "--staff", "ann"], "whose?"),
        (["revoke"], "whose?"),
    ],
)
def test_who_is_not_in_the_roster_gets_nothing(
    grader: Grader, roster: Path, arguments: list[str], said: str
) -> None:
    grader.here("roster", "import", roster)

    done = grader.here("roster", *arguments)

    assert done.code == 2
    assert said in done.err
    assert done.out == ""


def test_a_link_is_printed_as_an_address(grader: Grader, roster: Path) -> None:
    grader.here("roster", "import", roster)

    plain = grader.here("roster", "link", "ann")
    address = grader.here("roster", "link", "ann", "--site", "https://g.example.org/")

    assert plain.out.startswith("tl_")
    assert address.out.startswith("https://g.example.org/sign-in?link=tl_")


def test_forgetting_takes_the_roster_and_the_tokens(
    grader: Grader, roster: Path
) -> None:
    grader.here("roster", "import", roster)
    token = grader.here("roster", "token", "ann").out.strip()

    asked = ["forget", "ann", "--by", "me", "--reason", "by request", "--yes"]
    done = grader.here(*asked)

    assert done.code == 0, done.err
    assert "1 tokens, links and sessions, 1 line in the roster" in done.err
    assert lets_in(grader, token) is None
    assert list(listed(grader)) == ["ben"]
