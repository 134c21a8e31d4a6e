"""The workflow that a course copies to publish its board."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from workflows.students import HOME
from workflows.test_workflow_files import BIN, PINNED

FILE = HOME.folder / "deploy" / "publish.yml"
TOKEN = "ghs_" + "x" * 36


def job() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found["jobs"]["board"] | {"whole": found}


def step(name: str) -> dict[str, Any]:
    return next(s for s in job()["steps"] if s.get("name") == name)


def ran(
    name: str, folder: Path, **variables: str
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run a step with programs that only tell how they were called."""
    tools = folder / "bin"
    tools.mkdir()
    told = folder / "told.json"
    for tool in ("grader", "curl"):
        (tools / tool).write_text(
            "#!/usr/bin/env python3\nimport json, os, sys\n"
            "given = '' if 'grader' in sys.argv[0] else sys.stdin.read()\n"
            "told = [sys.argv[1:], dict(os.environ), given]\n"
            f"json.dump(told, open({str(told)!r}, 'w'))\n"
        )
        (tools / tool).chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step(name)["run"]],
        env={"PATH": f"{tools}:{os.environ['PATH']}", "TOKEN": TOKEN, **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    words: list[Any] = json.loads(told.read_text()) if told.exists() else [[], {}, ""]
    return done, {"words": words[0], "env": words[1], "stdin": words[2]}


@pytest.mark.parametrize(
    "program",
    [("actionlint", "-no-color"), ("zizmor", "--offline", "--no-progress")],
    ids=lambda program: program[0],
)
def test_the_linters_find_nothing(program: tuple[str, ...], tmp_path: Path) -> None:
    place = tmp_path / ".github" / "workflows" / "publish.yml"
    place.parent.mkdir(parents=True)
    place.write_bytes(FILE.read_bytes())

    done = subprocess.run(
        [BIN / program[0], *program[1:], str(place)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_it_may_do_what_it_has_to_and_nothing_else() -> None:
    found = job()

    assert found["whole"]["permissions"] == {}
    assert found["permissions"] == {"contents": "write", "pages": "write"}
    assert found["whole"]["concurrency"]["cancel-in-progress"] is False
    assert found["timeout-minutes"] <= 60
    assert "self-hosted" in found["runs-on"]
    # `on` is read as a boolean by YAML; nobody else's push or pull request starts it.
    assert set(found["whole"][True]) == {"schedule", "workflow_dispatch"}
    for one in found["steps"]:
        assert "uses" not in one or PINNED.fullmatch(one["uses"])
        assert "${{" not in one.get("run", "")
        assert one.get("with", {"persist-credentials": False}) == {
            "persist-credentials": False
        }


def test_the_token_reaches_git_and_no_argument(tmp_path: Path) -> None:
    (tmp_path / "state" / "store").mkdir(parents=True)

    done, told = ran(
        "Publish",
        tmp_path,
        GRADER="grader",
        GRADER_STATE=str(tmp_path / "state"),
        SERVER="https://github.com",
    )

    assert done.returncode == 0, done.stderr
    assert told["words"] == ["publish", "--to", "pages"]
    assert told["env"]["GIT_CONFIG_COUNT"] == "1"
    assert told["env"]["GIT_CONFIG_KEY_0"] == "http.https://github.com/.extraheader"
    kind, basic = told["env"]["GIT_CONFIG_VALUE_0"].rsplit(" ", 1)
    assert kind == "AUTHORIZATION: basic"
    assert base64.b64decode(basic).decode() == f"x-access-token:{TOKEN}"
    assert done.stdout == f"::add-mask::{basic}\n"
    assert "TOKEN" not in told["env"]


def test_without_a_store_nothing_is_published(tmp_path: Path) -> None:
    done, told = ran("Publish", tmp_path, GRADER="grader", GRADER_STATE="", SERVER="x")

    assert done.returncode == 2
    assert "GRADER_STATE" in done.stdout
    assert told["words"] == []


def test_the_build_is_asked_for_with_the_token_on_standard_input(
    tmp_path: Path,
) -> None:
    api = "https://api.github.com/repos/o/r/pages/builds"

    done, told = ran("Ask for a build", tmp_path, API=api)

    assert done.returncode == 0, done.stderr
    assert told["words"][-1] == api
    assert TOKEN not in " ".join(told["words"])
    assert told["stdin"] == f'header = "Authorization: Bearer {TOKEN}"\n'
