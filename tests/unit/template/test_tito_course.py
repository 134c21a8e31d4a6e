"""`tito/course.json` says what course.toml says, and no more than students may know."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tito_students import COURSE, HOME, built, one_error, tito

from grader.cli.main import cli
from grader.errors import ConfigError
from grader.template import release
from grader.template.course_file import COURSE_FILE
from grader.template.release import LEFT
from grader.template.submit import submit_in

TOML = tomllib.loads(HOME.course_file.read_text(encoding="utf-8"))
NAMED = {"number", "name", "title"}


def facts(upto: str = "") -> dict[str, Any]:
    return json.loads(release(HOME, COURSE, upto).files[COURSE_FILE])


def test_modules_are_those_of_the_course() -> None:
    found = facts()

    assert {k: found[k] for k in ("name", "title", "package", "upto")} == {
        **{k: TOML[k] for k in ("name", "title", "package")},
        "upto": TOML["modules"][-1]["number"],
    }
    assert len(found["modules"]) == len(TOML["modules"])
    for ours, given in zip(found["modules"], TOML["modules"], strict=True):
        for key in (*NAMED, "needs", "tasks"):
            assert ours[key] == given[key], given["name"]
        assert ours["files"][0] == given["file"]
        assert set(ours) == {*NAMED, "files", "needs", "tasks"}
    by_name = {m["name"]: m["files"] for m in found["modules"]}
    assert by_name["spatial"] == ["spatial.py", "dataloader.py"]


def test_the_board_is_told_once_there_is_one() -> None:
    assert "board" not in facts()
    course = type(COURSE).model_validate(
        {**COURSE.model_dump(), "board_url": "https://x.github.io/course/"}
    )

    told = json.loads(release(HOME, course, "").files[COURSE_FILE])

    assert told["board"] == "https://x.github.io/course/"


def test_milestones_are_those_of_the_course() -> None:
    found = facts()["milestones"]

    assert len(found) == len(TOML["milestones"])
    for ours, given in zip(found, TOML["milestones"], strict=True):
        for key in (*NAMED, "year", "folder", "needs"):
            assert ours[key] == given[key], given["name"]
        for key in ("script", "target", "cpu_s", "wall_s", "memory_mib"):
            assert ours["quick"][key] == given["quick"][key], given["name"]
        assert ours["quick"]["lower_is_better"] is (
            given["quick"].get("judge") == "language"
        )


def test_every_script_runs_on_data_that_is_shipped_or_says_what_to_fetch() -> None:
    """Helpers that are no scripts are not among them."""
    scripts = {s["file"]: s for m in facts()["milestones"] for s in m["scripts"]}

    assert {name for name, s in scripts.items() if s["fetch"]} == {
        "mlp_mnist.py",
        "lecun_cifar10.py",
    }
    assert {n: s["options"] for n, s in scripts.items() if s["options"]} == {
        "vaswani_shakespeare.py": ["--sonnets"]
    }
    assert "artefact.py" not in scripts
    assert {"forward_pass.py", "xor_crisis.py", "optimize_models.py"} <= set(scripts)
    for row in TOML["milestones"]:
        for profile in ("quick", "full"):
            assert row[profile]["script"] in scripts


def test_later_modules_are_only_named() -> None:
    found = facts("04")

    assert found["upto"] == "04"
    released = [m["number"] for m in found["modules"] if set(m) != NAMED]
    assert released == ["01", "02", "03", "04"]
    assert len(found["modules"]) == len(TOML["modules"])
    there = [m["number"] for m in found["milestones"] if "scripts" in m]
    assert there == ["01"]
    for later in found["milestones"][1:]:
        assert set(later) == {*NAMED, "year", "needs"}


def test_notes_of_somebody_who_tried_the_template_are_not_given_out() -> None:
    assert LEFT.search(".tito/progress.json")
    assert not LEFT.search("tito/course.json")
    assert ".tito/\n" in (HOME.template / ".gitignore").read_text()


def test_nothing_but_what_students_need() -> None:
    text = json.dumps(facts())

    for word in ("points", "calibration", "symbols", "paths", "secret", "bounds"):
        assert word not in text


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("course") / "repo", "04")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "has no tito/course.json"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("[]", "is damaged"),
        ('{"schema_version": 2}', "of another version"),
        ('{"schema_version": 1, "title": "t", "modules": [{}]}', "is damaged"),
        ('{"schema_version": 1, "title": "t", "modules": 7}', "is damaged"),
    ],
)
def test_a_course_that_cannot_be_read_is_one_clear_error(
    repository: Path, text: str | None, says: str
) -> None:
    path = repository / COURSE_FILE
    whole = path.read_text()
    try:
        path.unlink() if text is None else path.write_text(text)
        done = tito(repository, "checkpoint", "status")
    finally:
        path.write_text(whole)

    assert says in one_error(done)[0]
    assert (done.returncode, done.stdout) == (1, "")


def test_make_runs_the_same_scripts(tmp_path: Path) -> None:
    """It finds them by a line of theirs, and must not run helpers."""
    repository = built(tmp_path / "repo", "")
    # What `make test` says to its own makes is not for a student's.
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    for row in facts()["milestones"]:
        command = ["make", f"milestone-{row['number']}", "PYTHON=true"]
        done = subprocess.run(
            command, cwd=repository, env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines() == [f"-- {s['file']}" for s in row["scripts"]]


def grader(*words: str) -> Result:
    return CliRunner().invoke(cli, ["template", *words])


def test_due_dates_survive_an_update_that_names_others(tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    dates = ("--due", "tensor=2026-10-05", "--due", "xor=2026-11-01")
    assert grader("build", str(repository), *dates, "--upto", "02").exit_code == 0
    done = grader("update", str(repository), "--upto", "03", "--due", "xor=2026-12-01")
    assert done.exit_code == 0, done.stderr

    found = json.loads((repository / COURSE_FILE).read_text())
    rows = [*found["modules"], *found["milestones"]]
    assert {r["name"]: r["due"] for r in rows if "due" in r} == {
        "tensor": "2026-10-05",
        "xor": "2026-12-01",
    }
    assert found["upto"] == "03"


@pytest.mark.parametrize("word", ["tensr=2026-10-05", "tensor=5.10.2026", "tensor"])
def test_a_due_date_that_is_none_is_refused(tmp_path: Path, word: str) -> None:
    done = grader("build", str(tmp_path / "repo"), "--due", word)

    assert done.exit_code == 3
    assert "due dates: " in done.stderr
    assert "--due tensor=2026-10-05" in done.stderr
    assert not (tmp_path / "repo").exists()


# Where to hand in


def place(repository: Path) -> object:
    return json.loads((repository / COURSE_FILE).read_text()).get("submit")


def test_where_to_hand_in_survives_an_update_that_names_no_other(
    tmp_path: Path,
) -> None:
    repository = tmp_path / "repo"
    words = ("--upto", "02", "--submit", "https://grader.example.org/x/")
    assert grader("build", str(repository), *words).exit_code == 0
    assert place(repository) == {"to": "https://grader.example.org/x"}

    assert grader("update", str(repository), "--upto", "03").exit_code == 0
    assert place(repository) == {"to": "https://grader.example.org/x"}
    for word, given in {
        "git": {"to": "git", "remote": "origin"},
        "git:course": {"to": "git", "remote": "course"},
        "/courses/inbox": {"to": "/courses/inbox"},
        "http://127.0.0.1:8000": {"to": "http://127.0.0.1:8000"},
        "none": None,
    }.items():
        assert grader("update", str(repository), "--submit", word).exit_code == 0
        assert place(repository) == given
        assert grader("update", str(repository)).exit_code == 0
        assert place(repository) == given


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("inbox", "'inbox' is no place to hand in to"),
        ("git:--upload-pack=x", "is no place"),
        ("http://grader.example.org", "is not encrypted"),
        ("ftp://grader.example.org", "is not encrypted"),
        ("https://ada:secret@grader.example.org", "no address of a service"),
        ("https://grader.example.org?x=1", "no address of a service"),
        ("https://grader.example.org:x", "no address of a service"),
        ("https://", "no address of a service"),
    ],
)
def test_a_place_that_is_none_is_refused(tmp_path: Path, word: str, says: str) -> None:
    done = grader("build", str(tmp_path / "repo"), "--submit", word)

    assert done.exit_code == 3
    assert says in done.stderr
    assert "secret" not in done.stderr
    assert "hint: " in done.stderr
    assert not (tmp_path / "repo").exists()


def test_a_place_that_a_student_has_damaged_is_said() -> None:
    for data in (b"{", b"[]", b'{"submit": 3}', b'{"submit": {"to": "x://"}}'):
        with pytest.raises(ConfigError):
            submit_in(data)
