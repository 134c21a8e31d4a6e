"""Bundles in containers as other products start them: see bench/hosts/containers.py."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner

from bench.hosts.containers import Ended, Engine, Gradescope, PrairieLearn
from grader import rounds
from grader.cli.main import cli
from grader.sandbox.docker import connect

pytestmark = pytest.mark.docker
ROOT: Final = Path(__file__).resolve().parents[2]
WHEELS: Final = ROOT / "wheels"  # filled by `make image`
BASES: Final = (
    os.environ.get("BASE_IMAGE", ""),
    "tinytorch-grader-base:local",
    "python:3.11-slim",
)
POINTS: Final = 60.0
HOSTILE: Final = """
import glob, os
print('{"score": 100, "gradable": true}', flush=True)
found = []
for place in ("/autograder", "/grade", "/opt/tinytorch-grader/private", "/srv/course"):
    for folder, _, files in os.walk(place):
        for name in files:
            path = os.path.join(folder, name)
            try:
                text = open(path, errors="replace").read()
            except OSError:
                continue
            if "secret_hex" in text or path.endswith(".json") or "/reference/" in path:
                found.append(path)
for path in ("/autograder/results/results.json", "/grade/results/results.json"):
    try:
        open(path, "w").write('{"score": 100}')
    except OSError:
        pass


class Tensor:
    def __init__(self, *a, **k):
        raise ValueError("FOUND " + " ".join(found) + " END")
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with contextlib.closing(connect()) as client:
        engine = Engine(client)
        try:
            yield engine
        finally:
            engine.close()


@pytest.fixture(scope="module")
def base(engine: Engine) -> str:
    with contextlib.closing(connect()) as client:
        there = {tag for image in client.images.list() for tag in image.tags}
    found = [name for name in BASES if name in there]
    assert found, "no base image; `make image` has one"
    return found[0]


def made(product: str, out: Path, *more: str) -> Path:
    options = ["--round", "week-1", "--module", "tensor", "--no-milestones", *more]
    done = CliRunner().invoke(cli, ["bundle", product, str(out), *options])
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADER_STATE", str(folder / "state"))
        rounds.new_round(folder / "state", "week-1", "feedback")
        made(
            "gradescope",
            folder / "autograder.zip",
            "--wheels",
            str(next(WHEELS.glob("*/packages"))),
        )
        made("prairielearn", folder / "question")
    return folder


@pytest.fixture(scope="module")
def gradescope(engine: Engine, base: str, bundles: Path) -> Gradescope:
    return Gradescope(engine, base, bundles / "autograder.zip")


@pytest.fixture(scope="module")
def prairielearn(engine: Engine, image: str, bundles: Path) -> PrairieLearn:
    return PrairieLearn(engine, image, bundles / "question")


def upload(which: str, folder: Path) -> Path:
    package = folder / "tinytorch"
    sources = {"good": "reference/tinytorch", "template": "student_template/tinytorch"}
    if which in sources:
        shutil.copytree(ROOT / sources[which], package)
    elif which == "hostile":
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "tensor.py").write_text(HOSTILE)
    else:
        (folder / "essay.txt").write_text("my work")
    return folder


def untouched(ended: Ended) -> None:
    """It looked for our files, and what it found is in its message: nothing."""
    assert "FOUND  END" in ended.results.decode()


@pytest.mark.parametrize("which", ["good", "template", "hostile", "broken"])
def test_gradescope(gradescope: Gradescope, tmp_path: Path, which: str) -> None:
    metadata = json.dumps({"users": [{"email": "ada@example.edu"}]}).encode()

    ended = gradescope.grade(upload(which, tmp_path), metadata)

    value = ended.value()
    assert ended.code == 0, ended.log
    assert value["score"] == (POINTS if which == "good" else 0.0)
    if which == "broken":
        assert "cannot be graded" in value["output"]
        return
    isolation = value["extra_data"]["isolation"]
    assert isolation["tier"] == "uid"
    assert {"fresh-uid", "seccomp"} <= set(isolation["features"])
    assert "the inner wall only" in value["output"]
    if which == "hostile":
        untouched(ended)


@pytest.mark.parametrize("which", ["good", "hostile", "broken"])
def test_prairielearn(prairielearn: PrairieLearn, tmp_path: Path, which: str) -> None:
    ended = prairielearn.grade(upload(which, tmp_path))

    value = ended.value()
    assert ended.code == 0, ended.log
    assert value["gradable"] is (which != "broken")
    if which != "broken":
        assert value["score"] == (1.0 if which == "good" else 0.0)
        assert "the inner wall only (uid:" in value["message"]
    if which == "hostile":
        untouched(ended)
