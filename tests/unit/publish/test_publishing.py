"""From the store to where the board is read: what goes, what stays, what stops it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from click.testing import CliRunner, Result
from compete.made import session
from projects.made import project
from reports.samples import good, perfect, report

from grader import publishing
from grader.cli.main import cli
from grader.config import load_course
from grader.errors import LeakError
from grader.publish.rules import competition_rules
from grader.roster import Person
from grader.rounds import course_secret, new_round
from grader.store import Store
from grader.store.access import Who, hash_of
from grader.store.events import Commented, ProjectApproved, TeamSet
from grader.store.jobs import Wanted
from publish.test_pages import files_of, git, nobodys_configuration, reachable, remote

__all__ = ["nobodys_configuration", "remote"]
ROOT = Path(__file__).parents[3]
ADA, BOB, EVE = "s1024-ada", "s2048-bob", "s4096-eve"
Grader = Callable[..., Result]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    monkeypatch.setenv("GRADER_STATE", str(folder))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return folder


@pytest.fixture
def store(state: Path) -> Store:
    """Return the store of two who are seen by an alias, and of one who is not."""
    moments = iter(range(1000))
    start = datetime(2026, 11, 1, tzinfo=UTC)
    made = Store.open(
        state / "store", now=lambda: start + timedelta(hours=next(moments))
    )
    for student, modules in ((ADA, good()), (BOB, perfect()), (EVE, perfect())):
        made.add_report(report(student, modules=modules, milestones=()))
    for student in (ADA, BOB):
        made.set_visibility(student, "alias", by="student")
    made.people.put(
        [
            Person(ADA, name="Ada Table", email="ada.table@example.edu"),
            Person(BOB, name="Bob Ndiaye", login="bndiaye", sis_id="20261124"),
            Person(EVE, name="Eve Okonkwo", email="eve@example.edu"),
        ]
    )
    return made


@pytest.fixture
def course(tmp_path: Path, remote: Path, store: Store) -> Path:
    made = tmp_path / "course"
    subprocess.run(["git", "init", "-q", "-b", "main", str(made)], check=True)
    text = (ROOT / "course.toml").read_text(encoding="utf8")
    text = text.replace("minimum_group = 5", "minimum_group = 1")
    (made / "course.toml").write_text(text, encoding="utf8")
    (made / "leaderboard").symlink_to(ROOT / "leaderboard")
    git(made, "remote", "add", "origin", str(remote))
    return made


@pytest.fixture
def grader(course: Path) -> Grader:
    def run(*words: object) -> Result:
        given = [*map(str, words), "--course", str(course)]
        return CliRunner().invoke(cli, given)

    return run


def board_of(remote: Path) -> list[dict[str, object]]:
    text = git(remote, "show", "gh-pages:data/v1/leaderboard.json")
    boards: list[dict[str, object]] = json.loads(text)["boards"]
    return boards


def test_who_withdraws_is_gone_with_the_next_publication(
    grader: Grader, remote: Path, store: Store
) -> None:
    assert grader("publish", "--to", "pages").exit_code == 0
    (board,) = board_of(remote)
    entries = {e["slug"]: e["name"] for e in board["entries"]}  # type: ignore[attr-defined]
    pages = {f"entry/{slug}.html" for slug in entries}
    assert len(entries) == 2
    assert pages <= set(files_of(remote))

    store.set_visibility(ADA, "hidden", by="student")
    stale = grader("publish", "--check", "--to", "pages")
    done = grader("publish", "--to", "pages")

    assert stale.exit_code == 10
    assert "removed entry/" in stale.stdout
    assert done.exit_code == 0
    (slug,) = [s for s in entries if f"entry/{s}.html" not in files_of(remote)]
    everything = reachable(remote)
    assert slug.encode() not in everything
    assert entries[slug].encode() not in everything
    assert [e["slug"] for e in board_of(remote)[0]["entries"]] == [  # type: ignore[attr-defined]
        s for s in entries if s != slug
    ]
    now = grader("publish", "--check", "--to", "pages")
    assert (now.exit_code, now.stdout) == (0, "")


def test_staff_are_told_the_alias_that_the_board_shows(
    grader: Grader, remote: Path, store: Store
) -> None:
    done = grader("visibility", EVE, "alias", "--by", "A. Teacher")
    before = {e.student for e in store.export().events}
    grader("publish", "--to", "pages")

    names = {e["name"] for e in board_of(remote)[0]["entries"]}  # type: ignore[attr-defined]
    told = re.findall(r"the alias is '([a-z ]+)'", done.stderr)
    assert told[0] in names
    assert len(names) == len(before) == 3
    assert (
        "alias is"
        not in grader("visibility", EVE, "hidden", "--by", "A. Teacher").stderr
    )


def test_an_unchanged_store_publishes_nothing_and_has_one_commit(
    grader: Grader, remote: Path, store: Store
) -> None:
    first = grader("publish", "--to", "pages")
    again = grader("publish", "--to", "pages")

    assert "published: " in first.stderr
    assert "unchanged" in again.stderr
    assert first.stdout == again.stdout
    assert git(remote, "rev-list", "gh-pages") == first.stdout.strip()
    assert git(remote, "log", "-1", "--format=%aI", "gh-pages").startswith(
        f"{store.export().events[-1].at:%Y-%m-%dT%H:%M:%S}"
    )


def test_a_folder_is_checked_and_tried_as_a_branch_is(
    grader: Grader, tmp_path: Path
) -> None:
    target = tmp_path / "site"

    tried = grader("publish", "--dry-run", "--to", target)
    assert "added index.html" in tried.stdout
    assert not target.exists()
    assert grader("publish", "--check", "--to", target).exit_code == 10
    assert grader("publish", "--to", target).stdout == f"{target}/index.html\n"
    assert grader("publish", "--check", "--to", target).exit_code == 0
    (target / "index.html").write_text("forged")
    (target / "more.html").write_text("forged")
    found = grader("publish", "--check", "--to", target)

    assert found.exit_code == 10
    assert found.stdout == "changed index.html\nremoved more.html\n"
    assert "error[outdated]" in found.stderr


def test_the_time_of_a_site_can_be_given(
    grader: Grader, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    grader("publish", "--to", "pages")

    assert git(remote, "log", "-1", "--format=%at %ct", "gh-pages") == " ".join(
        ["1000000000"] * 2
    )
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "soon")
    wrong = grader("publish", "--to", "pages")
    assert (wrong.exit_code, "SOURCE_DATE_EPOCH is 'soon'" in wrong.stderr) == (3, True)


@pytest.mark.parametrize("to", ["pages", "folder"])
def test_on_a_leak_nothing_at_the_destination_changes(
    grader: Grader, remote: Path, store: Store, tmp_path: Path, to: str
) -> None:
    target = "pages" if to == "pages" else tmp_path / "site"
    before = grader("publish", "--to", target)
    assert before.exit_code == 0
    store.set_visibility(EVE, "named", by="student", name="ada.table@example.edu")

    done = grader("publish", "--to", target)

    assert done.exit_code == 8
    assert "error[leak]" in done.stderr
    assert ": e-mail address (ad..., 21 characters)" in done.stderr
    assert "ada.table@example.edu" not in done.output
    store.set_visibility(EVE, "hidden", by="student")
    if to == "pages":
        assert git(remote, "rev-parse", "gh-pages") == before.stdout.strip()
    else:
        assert "example" not in (tmp_path / "site/index.html").read_text()


def plant(monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    """Let every build have a fault: a text that stands in its last file."""
    build = publishing.build

    def faulty(*given: Any) -> dict[PurePosixPath, bytes]:
        files = build(*given)
        path = max(files)
        return {**files, path: files[path] + text}

    monkeypatch.setattr(publishing, "build", faulty)


def test_everything_of_roster_store_and_secrets_is_searched_for(
    course: Path, store: Store, state: Path
) -> None:
    label = "/srv/inbox/eve.tar.gz"
    store.record("team-rocket", TeamSet(members=(BOB, EVE), by="staff"))
    store.record(EVE, Commented(round="r", text="A word about her marks", by="staff"))
    store.jobs.want([Wanted(key=f"sha256:{'0' * 64}", student=EVE, label=label)])
    token = store.access.issue("token", Who("student", ADA))
    week = new_round(state, "week-1", "feedback")

    for text, kind in (
        ("bndiaye", "login"),
        ("20261124", "SIS id"),
        ("Ndiaye, Bob", "name"),
        ("bob_ndiaye", "name"),
        ("eve@example.edu", "e-mail address"),
        (EVE, "student id"),
        ("okonkwo", "part of a name"),
        (label, "label of a submission"),
        ("a word about her marks", "note of staff"),
        ("team-rocket", "team"),
        (hash_of(token), "hash of a token"),
        (course_secret(state).hex(), "course secret"),
        (week.secret_hex.upper(), "round secret"),
    ):
        page = {PurePosixPath("rules.html"): f"<!-- {text} -->".encode()}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(publishing, "build", lambda *_, page=page: page)
            with pytest.raises(LeakError) as caught:
                publishing.prepare(publishing.Source(course))
        assert f"rules.html: {kind} (" in caught.value.message
        assert text.lower() not in caught.value.message.lower()


def test_names_that_the_site_has_are_told_and_do_not_stop_it(
    grader: Grader, tmp_path: Path
) -> None:
    done = grader("publish", "--to", tmp_path / "site")

    assert done.exit_code == 0
    told = "not looked for: 1 x part of a name; the site's own text has it"
    assert told in done.stderr.splitlines()


def test_a_word_of_the_course_is_public_once_it_is_said(
    grader: Grader, course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch, b"Okonkwo")
    stopped = grader("publish", "--to", course / "site")
    file = course / "course.toml"
    text = file.read_text(encoding="utf8")
    file.write_text(f'public_words = ["Okonkwo"]\n{text}', encoding="utf8")

    assert stopped.exit_code == 8
    assert "public_words in course.toml" in stopped.stderr
    assert grader("publish", "--to", course / "site").exit_code == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--check", "--dry-run"), "say the same"),
        (("--branch", "x"), "`--branch` goes with `--to pages` alone"),
        (("--to", "x", "--remote", "y"), "`--remote` goes with `--to pages` alone"),
    ],
)
def test_what_makes_no_sense_is_refused(
    grader: Grader, words: tuple[str, ...], says: str
) -> None:
    done = grader("publish", *words)

    assert done.exit_code == 2
    assert says in done.stderr


# Boards


def test_a_board_is_frozen_and_revealed_once(grader: Grader, store: Store) -> None:
    (name,) = {r.summary.round for r in store.export().results}

    def status() -> dict[str, tuple[bool, str]]:
        told = json.loads(grader("board", "status", "--format", "json").stdout)
        return {one["board"]: (one["frozen"], one["by"]) for one in told}

    assert status() == {name: (False, ""), "tinymlperf": (False, "")}
    assert grader("board", "freeze", name, "--by", "A. Teacher").exit_code == 0
    assert status()[name] == (True, "A. Teacher")
    twice = grader("board", "freeze", name, "--by", "A. Teacher")
    assert (twice.exit_code, "is frozen since" in twice.stderr) == (2, True)
    assert grader("board", "reveal", name, "--by", "B. Teacher").exit_code == 0
    assert status()[name] == (False, "B. Teacher")
    assert grader("board", "reveal", name, "--by", "B. Teacher").exit_code == 2
    assert grader("board", "freeze", "wek-1", "--by", "A. Teacher").exit_code == 2
    assert "frozen by A. Teacher" in grader("history").stdout
    table = grader("board", "status").stdout
    assert "tinymlperf" in table


def test_a_frozen_board_shows_what_came_since_once_it_is_revealed(
    grader: Grader, store: Store, state: Path, tmp_path: Path
) -> None:
    (name,) = {r.summary.round for r in store.export().results}

    def rows() -> int:
        assert grader("publish", "--to", tmp_path / "site").exit_code == 0
        text = (tmp_path / "site/data/v1/leaderboard.json").read_text()
        return len(json.loads(text)["boards"][0]["entries"])

    assert rows() == 2
    grader("board", "freeze", name, "--by", "A. Teacher")
    by_the_clock = Store.open(state / "store")
    by_the_clock.add_report(report("s8192-zoe", modules=good(), milestones=()))
    by_the_clock.set_visibility("s8192-zoe", "alias", by="student")
    assert rows() == 2
    grader("board", "reveal", name, "--by", "A. Teacher")
    assert rows() == 3


def test_a_round_without_results_can_be_frozen(grader: Grader, state: Path) -> None:
    new_round(state, "week-9", "final")

    assert grader("board", "freeze", "week-9", "--by", "A. Teacher").exit_code == 0


def test_a_result_is_withdrawn_by_its_digest_and_the_reason_is_not_public(
    grader: Grader, store: Store, tmp_path: Path
) -> None:
    first = store.export().results[0].digest
    reason = "the wrong package was graded"

    def withdraw(digest: str) -> Result:
        words = ("--by", "A. Teacher", "--reason", reason)
        return grader("withdraw", digest, *words)

    assert withdraw("sha256:12345").exit_code == 2
    assert withdraw("0" * 12).exit_code == 2
    assert withdraw(first.removeprefix("sha256:")[:12]).exit_code == 0
    assert withdraw(first).exit_code == 2
    assert grader("publish", "--to", tmp_path / "site").exit_code == 0
    text = (tmp_path / "site/data/v1/leaderboard.json").read_text()
    assert len(json.loads(text)["boards"][0]["entries"]) == 1


def test_sessions_are_on_the_board_by_the_rules_of_the_course(
    store: Store, grader: Grader, tmp_path: Path
) -> None:
    for workload in ("mlp", "cnn"):
        store.sessions.add(ADA, session(workload=workload))
    alone = session(
        workload="mlp",
        digests=session().digests.model_copy(
            update={"submission": "sha256:" + "5" * 64}
        ),
    )
    store.sessions.add(BOB, alone)

    done = grader("publish", "--to", tmp_path / "site")

    assert done.exit_code == 0, done.output
    data = json.loads((tmp_path / "site/data/v1/competition.json").read_bytes())
    (board,) = (b for b in data["boards"] if b["event"] == "latency")
    whole, half = sorted(board["entries"], key=lambda e: len(e["missing"]))
    assert {w["workload"] for w in whole["workloads"]} == {"mlp", "cnn"}
    assert [gate["name"] for gate in whole["gates"]] == ["checks", "outputs"]
    assert "speed: cnn" in half["missing"]
    assert half["rank_number"] is None


def test_rules_are_those_of_the_course() -> None:
    course = load_course(ROOT / "course.toml")
    training = competition_rules(course).by_name["training"]

    assert training.workloads == {"mlp": 1.0}
    assert training.floors == {"mlp": 0.95}
    assert "optimizers" in training.required


def test_an_approved_project_is_in_the_gallery_and_no_other(
    store: Store, grader: Grader, tmp_path: Path
) -> None:
    shown = store.projects.add(ADA, project())
    approval = ProjectApproved(approved=True, by="A. Teacher", reason="read")
    store.projects.add(BOB, project(course="other"))
    grader("publish", "--to", tmp_path / "site")
    store.projects.approve(shown, approval)

    done = grader("publish", "--to", tmp_path / "site")

    assert done.exit_code == 0, done.output
    for page in (tmp_path / "site" / "entry").glob("*.html"):
        assert "../projects/index.html" in page.read_text("utf8")  # not as it was kept
    data = json.loads((tmp_path / "site/data/v1/projects.json").read_bytes())
    (card,) = data["cards"]
    page = (tmp_path / f"site/projects/{card['slug']}.html").read_text("utf8")
    assert card["title"] in page
    index = (tmp_path / "site/projects/index.html").read_text("utf8")
    assert f"{card['slug']}.html" in index
    assert "projects/index.html" in (tmp_path / "site/index.html").read_text("utf8")


def test_without_an_approved_project_there_is_no_gallery(
    store: Store, grader: Grader, tmp_path: Path
) -> None:
    store.projects.add(ADA, project())

    grader("publish", "--to", tmp_path / "site")

    assert not (tmp_path / "site/projects").exists()
    assert "projects/" not in (tmp_path / "site/index.html").read_text("utf8")
