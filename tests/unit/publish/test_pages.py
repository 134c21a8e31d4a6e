"""A branch as destination: one commit, nothing of before, nothing of anybody else's."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from grader.errors import ConfigError, DestinationError
from grader.publish.pages import Branch, Sent, Signed, branch_of, send

SIGNED = Signed("TinyTorch", datetime(2026, 11, 24, 12, tzinfo=UTC))
WHO = ("-c", "user.name=A", "-c", "user.email=a@example.edu")
Site = dict[PurePosixPath, bytes]


def site(**more: str) -> Site:
    pages = {"index.html": "<p>all", "SHA256SUMS": "sums", "entry/calm-owl.html": "owl"}
    pages |= {name.replace("__", "/") + ".html": text for name, text in more.items()}
    return {PurePosixPath(path): text.encode() for path, text in pages.items()}


def git(folder: Path, *command: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def nobodys_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    made = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(made)], check=True)
    return made


@pytest.fixture
def course(tmp_path: Path, remote: Path) -> Path:
    made = tmp_path / "course"
    subprocess.run(["git", "init", "-q", "-b", "main", str(made)], check=True)
    (made / "course.toml").write_text("name")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "The course")
    git(made, "remote", "add", "origin", str(remote))
    return made


@pytest.fixture
def branch(course: Path) -> Iterator[Branch]:
    with branch_of(course, "origin", "gh-pages") as opened:
        yield opened


def sent(course: Path, files: Site, *, dry: bool = False) -> Sent:
    with branch_of(course, "origin", "gh-pages") as opened:
        return send(opened, files, SIGNED, dry=dry)


def files_of(remote: Path, commit: str = "gh-pages") -> list[str]:
    return git(remote, "ls-tree", "-r", "--name-only", commit).splitlines()


def reachable(remote: Path) -> bytes:
    """Return every byte of every object that a branch of the remote leads to."""
    ids = git(remote, "rev-list", "--objects", "--all").splitlines()
    names = "\n".join(line.split()[0] for line in ids) + "\n"
    return subprocess.run(
        ["git", "cat-file", "--batch"],
        cwd=remote,
        input=names.encode(),
        capture_output=True,
        check=True,
    ).stdout


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_branch_is_the_site_and_one_commit_without_a_parent(
    course: Path, remote: Path
) -> None:
    done = sent(course, site())

    assert files_of(remote) == [
        *(".nojekyll", "SHA256SUMS", "entry/calm-owl.html", "index.html")
    ]
    assert git(remote, "rev-list", "--parents", "gh-pages") == done.commit
    facts = git(remote, "log", "-1", "--format=%an %ae %cn %aI %cI %s", "gh-pages")
    moment = "2026-11-24T12:00:00+00:00"
    assert facts == (
        f"TinyTorch leaderboard@localhost TinyTorch {moment} {moment} "
        "Leaderboard of TinyTorch"
    )


def test_the_course_s_repository_is_not_touched(course: Path) -> None:
    before = everything_in(course)

    sent(course, site())
    sent(course, site(entry__wise_fox="fox"))

    assert everything_in(course) == before


def test_what_is_withdrawn_is_in_no_object_that_can_be_reached(
    course: Path, remote: Path
) -> None:
    first = sent(course, site(entry__wise_fox="The Fox Herself"))
    assert b"Fox Herself" in reachable(remote)
    assert b"wise_fox" in reachable(remote)

    second = sent(course, site())

    assert b"Fox Herself" not in reachable(remote)
    assert b"wise_fox" not in reachable(remote)
    assert first.commit not in git(remote, "rev-list", "--all").splitlines()
    assert second.changes.removed == (PurePosixPath("entry/wise_fox.html"),)
    git(remote, "gc", "--quiet", "--prune=now")  # then it is gone altogether
    assert (
        subprocess.run(
            ["git", "cat-file", "-e", first.commit], cwd=remote, check=False
        ).returncode
        != 0
    )


def test_an_unchanged_site_is_not_sent(course: Path, remote: Path) -> None:
    first = sent(course, site())
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    again = sent(course, site())

    assert (again.commit, again.sent) == (first.commit, False)
    assert not any(again.changes)
    with pytest.raises(DestinationError, match="hook declined"):
        sent(course, site(entry__wise_fox="fox"))
    assert git(remote, "rev-parse", "gh-pages") == first.commit


def test_a_dry_run_tells_the_changes_and_makes_none(course: Path, remote: Path) -> None:
    new = sent(course, site(), dry=True)
    assert not new.sent
    assert len(new.changes.added) == 4
    assert git(remote, "for-each-ref") == ""

    sent(course, site(entry__wise_fox="fox"))
    files = site(entry__new_cat="cat") | {PurePosixPath("index.html"): b"<p>new"}
    found = sent(course, files, dry=True).changes

    assert [str(p) for p in found.added] == ["entry/new_cat.html"]
    assert [str(p) for p in found.changed] == ["index.html"]
    assert [str(p) for p in found.removed] == ["entry/wise_fox.html"]
    assert next(found.lines()) == "added entry/new_cat.html"
    assert found.summary() == "1 added, 1 changed, 1 removed"
    assert "entry/wise_fox.html" in files_of(remote)


def test_who_publishes_in_between_is_not_overwritten(
    branch: Branch, course: Path, remote: Path
) -> None:
    sent(course, site())
    before = branch.tip()
    other = sent(course, site(entry__wise_fox="fox"))

    mine = branch.commit(site(entry__new_cat="cat"), SIGNED)
    with pytest.raises(DestinationError, match="somebody else"):
        branch.push(mine, instead_of=before)
    with pytest.raises(DestinationError, match="somebody else"):
        branch.push(mine, instead_of="")

    assert git(remote, "rev-parse", "gh-pages") == other.commit


def test_a_branch_that_holds_something_else_stays(course: Path, remote: Path) -> None:
    git(course, "push", "-q", "origin", "main")
    before = git(remote, "rev-parse", "main")

    with (
        branch_of(course, "origin", "main") as opened,
        pytest.raises(DestinationError, match="no leaderboard"),
    ):
        send(opened, site(), SIGNED)

    assert git(remote, "rev-parse", "main") == before


def test_the_domain_that_the_owner_has_chosen_stays(
    course: Path, remote: Path, tmp_path: Path
) -> None:
    sent(course, site())
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "-b", "gh-pages", str(remote), str(clone))
    (clone / "CNAME").write_text("board.example.org\n")
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "Domain")
    git(clone, "push", "-q")

    done = sent(course, site())
    again = sent(course, site())

    assert git(remote, "show", "gh-pages:CNAME") == "board.example.org"
    assert git(remote, "rev-list", "gh-pages") == done.commit
    assert not again.sent


def test_hooks_signing_and_rewriting_of_this_machine_play_no_part(
    course: Path, remote: Path, tmp_path: Path
) -> None:
    plain = sent(course, site(), dry=True)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-update"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n")
        (hooks / name).chmod(stat.S_IRWXU)
    (tmp_path / "gitconfig").write_text(
        f"[core]\n hooksPath = {hooks}\n autocrlf = true\n"
        "[commit]\n gpgSign = true\n[push]\n gpgSign = true\n followTags = true\n"
        "[user]\n name = Somebody Private\n email = private@example.edu\n"
    )

    done = sent(course, site())

    assert done.commit == plain.commit
    assert b"rivate" not in reachable(remote)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("where", ["file", "environment"])
def test_how_a_remote_is_reached_comes_from_the_configuration(
    course: Path,
    remote: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    address = "https://example.invalid/board.git"
    git(course, "remote", "set-url", "origin", address)
    if where == "file":
        text = f'[url "{remote}"]\n insteadOf = {address}\n'
        (tmp_path / "gitconfig").write_text(text)
    else:  # as a workflow gives a token to git
        monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
        monkeypatch.setenv("GIT_CONFIG_KEY_0", f"url.{remote}.insteadOf")
        monkeypatch.setenv("GIT_CONFIG_VALUE_0", address)

    assert sent(course, site()).sent
    assert files_of(remote)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("/nowhere/at/all.git", "no such repository"),
        ("http://127.0.0.1/x.git", "'http' not allowed"),
        ("https://tt:secret@127.0.0.1:1/x.git", "cannot be reached"),
        ("ssh://git@127.0.0.1:1/x.git", "cannot be reached"),
    ],
)
def test_a_remote_that_is_not_there_is_told_without_credentials(
    course: Path, address: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(course, "remote", "set-url", "origin", address)
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(DestinationError) as caught:
        sent(course, site())

    assert says in caught.value.message
    assert caught.value.hint
    assert "secret" not in caught.value.message + caught.value.hint


def test_no_repository_no_remote_and_no_name_are_told(
    course: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()

    for folder, remote, name, says in (
        (alone, "origin", "gh-pages", "no git repository"),
        (course, "upstream", "gh-pages", "no remote 'upstream'"),
        (course, "--upload-pack=x", "gh-pages", "no name of a remote"),
        (course, "origin", "a..b", "no name of a branch"),
        (course, "origin", "--force", "no name of a branch"),
    ):
        with pytest.raises(ConfigError, match=says), branch_of(folder, remote, name):
            pass
