"""Handing in by a tag that is pushed: real repositories, and what can go wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from handing_in import kept, receipts, status, write
from pretend_service import pretend, says
from tito.git import Said
from tito_here import tito_here
from tito_students import one_error

from grader.intake import open_submission

TAG = re.compile(r"submit/\d{8}T\d{6}Z-[0-9a-f]{7}")
WORDS = ("submit", "--skip-tests", "--student", "ada", "--to", "git")


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use no configuration of this machine, as on a fresh one."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("HOME", str(tmp_path))


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def commit(project: Path, **files: str) -> str:
    write(project, **files)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "work")
    return git(project, "rev-parse", "HEAD").strip()


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    place = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(place)], check=True)
    return place


@pytest.fixture
def project(tmp_path: Path, remote: Path) -> Path:
    place = tmp_path / "project"
    subprocess.run(["git", "init", "--quiet", str(place)], check=True)
    git(place, "remote", "add", "origin", str(remote))
    (place / ".gitignore").write_text("ignored.py\n.tinytorch/*\n")
    commit(place, __init__="", tensor="x = 1\n")
    return place


def submit(project: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return tito_here(project, *WORDS, *more)


def tags(remote: Path) -> list[str]:
    return git(remote, "tag", "--list").split()


# Handed in


def test_the_commit_is_tagged_and_pushed_and_the_grader_takes_it(
    project: Path, remote: Path
) -> None:
    head = git(project, "rev-parse", "HEAD").strip()
    done = submit(project, "--round", "week-1")

    assert (done.returncode, done.stderr) == (0, "")
    (tag,) = tags(remote)
    assert TAG.fullmatch(tag)
    assert tag.endswith(head[:7])
    assert git(remote, "cat-file", "-t", tag).strip() == "tag"
    assert git(remote, "rev-parse", f"{tag}^{{commit}}").strip() == head
    (told,) = receipts(project)
    assert told["id"] == tag
    words = git(remote, "tag", "--list", "--format=%(contents)")
    assert f"student: ada\nround: week-1\ndigest: {told['digest']}" in words
    assert f"id       {tag}\n" in done.stdout
    assert "your course collects it from the remote" in done.stdout
    assert kept(project) == []
    taken = open_submission(f"git+file://{remote}@{tag}", student="ada")
    assert taken.digest == told["digest"]


def test_the_same_commit_again_is_said_and_has_one_tag(
    project: Path, remote: Path
) -> None:
    submit(project)
    again = submit(project)
    assert "exactly this was handed in before" in again.stdout
    assert (again.returncode, len(tags(remote))) == (0, 1)

    submit(project, "--round", "week-2")  # is something else
    assert (
        len(git(remote, "tag", "--list", "--format=%(contents)").split("week-2")) == 2
    )


def test_a_package_that_is_back_at_an_old_state_has_a_new_commit(
    project: Path, remote: Path
) -> None:
    submit(project)
    commit(project, tensor="x = 2\n")
    git(project, "revert", "--no-edit", "HEAD")
    done = submit(project)

    assert "handed in before" not in done.stdout
    assert len({tag.rpartition("-")[2] for tag in tags(remote)}) == 2


def test_the_course_names_the_remote(project: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(other)], check=True)
    git(project, "remote", "add", "course", str(other))
    (project / "tito").mkdir()
    facts = {"submit": {"to": "git", "remote": "course"}}
    (project / "tito" / "course.json").write_text(json.dumps(facts))
    assert tito_here(project, *WORDS[:-2]).returncode == 0
    assert len(tags(other)) == 1

    commit(project, tensor="x = 2\n")
    assert tito_here(project, *WORDS).returncode == 0  # --to git: the same
    assert len(tags(other)) == 2
    done = status(project)
    assert "how it is graded and told, your course decides" in done.stdout
    assert done.returncode == 4


def test_a_repository_inside_another_is_fine(remote: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    subprocess.run(["git", "init", "--quiet", str(outer)], check=True)
    git(outer, "remote", "add", "origin", str(remote))
    (outer / "homework").mkdir()
    write(outer / "homework", __init__="")
    git(outer, "add", "--all")
    git(outer, "commit", "--quiet", "--message", "work")

    assert submit(outer / "homework").returncode == 0
    assert len(tags(remote)) == 1


# What has to be put right first


def changed(project: Path) -> None:
    write(project, tensor="x = 2\n")


def added(project: Path) -> None:
    write(project, extra="x = 2\n")


def ignored(project: Path) -> None:
    write(project, ignored="x = 2\n")


def deleted(project: Path) -> None:
    (project / "tinytorch" / "tensor.py").unlink()


def unseen(project: Path) -> None:
    git(project, "update-index", "--assume-unchanged", "tinytorch/tensor.py")
    write(project, tensor="x = 2\n")


@pytest.mark.parametrize("edit", [changed, added, ignored, deleted, unseen])
def test_what_is_not_committed_is_not_handed_in(
    project: Path, remote: Path, edit: object
) -> None:
    edit(project)  # type: ignore[operator]
    done = submit(project)

    sentence, hint = one_error(done)
    assert re.fullmatch(r"not committed as they are now: tinytorch/\w+\.py", sentence)
    assert "git add tinytorch && git commit" in hint
    assert (done.returncode, tags(remote), kept(project)) == (1, [], [])


def test_lines_that_end_as_on_windows_are_no_change(
    project: Path, remote: Path
) -> None:
    git(project, "config", "core.autocrlf", "true")
    (project / "tinytorch" / "tensor.py").write_bytes(b"x = 1\r\n")

    assert submit(project).returncode == 0


def test_what_is_missing_is_said(project: Path, tmp_path: Path) -> None:
    plain = write(tmp_path / "plain", __init__="")
    assert "no git repository" in one_error(submit(plain))[0]
    subprocess.run(["git", "init", "--quiet", str(plain)], check=True)
    assert "no remote 'origin'" in one_error(submit(plain))[0]
    git(plain, "remote", "add", "origin", "/nowhere")
    assert "there is no commit yet" in one_error(submit(plain))[0]
    other = tito_here(project, *WORDS[:-1], "git:upstream")
    assert "no remote 'upstream'" in one_error(other)[0]


def test_a_commit_while_the_checks_run_stops_it(project: Path, remote: Path) -> None:
    tests = project / "tests"
    tests.mkdir()
    (tests / "test_02_tensor.py").write_text(
        "def test_2_1_a():\n    open('tinytorch/tensor.py', 'a').write('# more')\n"
    )
    done = tito_here(project, *(word for word in WORDS if word != "--skip-tests"))

    assert "not committed as they are now" in one_error(done)[0]
    assert (done.returncode, tags(remote)) == (1, [])


# A push that fails


def test_a_remote_that_refuses_leaves_the_tag_for_the_next_time(
    project: Path, remote: Path
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'no tags today' >&2\nexit 1\n")
    hook.chmod(0o755)
    done = submit(project)

    sentence, hint = one_error(done)
    assert "pre-receive hook declined" in sentence
    assert "may you push tags?" in hint
    (tag,) = tags(project)
    assert f"The tag {tag} stays here: the next `tito submit` pushes it" in hint
    assert (done.returncode, len(kept(project))) == (1, 1)

    hook.unlink()
    commit(project, tensor="x = 2\n")
    later = submit(project)
    assert (later.returncode, kept(project)) == (0, [])
    assert f": {tag}\n" in later.stdout
    assert len(tags(remote)) == len(receipts(project)) == 2
    assert tag in tags(remote)


def test_a_remote_that_is_away_keeps_it_and_it_is_pushed_alone(
    project: Path, remote: Path
) -> None:
    git(project, "remote", "set-url", "origin", "git://127.0.0.1:9/x.git")
    done = submit(project)
    sentence, hint = one_error(done)
    assert "unable to connect to 127.0.0.1" in sentence
    assert "git push origin submit/" in hint
    assert (done.returncode, len(kept(project)), len(tags(project))) == (3, 1, 1)

    commit(project, tensor="x = 2\n")  # not what was handed in
    git(project, "remote", "set-url", "origin", str(remote))
    later = tito_here(project, "submit", "--queued")
    assert (later.returncode, tags(remote), kept(project)) == (0, tags(project), [])


def test_a_remote_that_is_none_is_said(project: Path) -> None:
    git(project, "remote", "set-url", "origin", "/no/such/place.git")
    done = submit(project)

    assert "'/no/such/place.git' does not appear to be a git" in one_error(done)[0]
    assert "Is the remote right?" in one_error(done)[1]
    assert done.returncode == 1


def test_nobody_is_asked_for_a_password_and_none_is_shown(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program that would ask is called; it must not be."""
    monkeypatch.setenv("GIT_ASKPASS", "")
    with pretend() as service:
        service.moods = [says(b"", 401, "text/plain")] * 4
        host = service.url.removeprefix("http://")
        git(project, "remote", "set-url", "origin", f"http://{host}/x.git")
        start = time.monotonic()
        done = submit(project)

    sentence, hint = one_error(done)
    assert "could not be pushed to origin" in sentence
    assert done.returncode == 1, sentence
    assert "git push origin submit/" in hint
    assert time.monotonic() - start < 30
    shown = Said(1, "", "fatal: unable to access 'https://ada:secret@h/x.git/'").why
    assert shown == "unable to access 'https://h/x.git/'"
