"""Labels: what `make image` writes, and what a grading makes of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docker.errors
import pytest
from click.testing import CliRunner

import grader
from grader.api import machine
from grader.cli.main import cli
from grader.config import Home
from grader.errors import ConfigError, SandboxUnavailableError
from grader.image.contents import PARTS, Contents, Part, contents_of
from grader.image.fresh import require_current
from grader.image.inspection import ImageReport, Label, compare
from grader.image.labels import PREFIX, Build, contents_in, labels_for

ROOT = Path(__file__).resolve().parents[3]
HOME = Home(ROOT)
SHA = "sha256:" + "a" * 64


class Engine:
    """As much of a Docker client as a look at an image needs."""

    def __init__(self, labels: dict[str, str] | None) -> None:
        self.labels = labels
        self.images = self

    def get(self, name: str) -> Engine:
        if self.labels is None:
            raise docker.errors.ImageNotFound(name)
        return self


def require(labels: dict[str, str] | None) -> None:
    engine: Any = Engine(labels)
    require_current("tinytorch-grader:x", engine, HOME)


@pytest.fixture(scope="module")
def labels() -> dict[str, str]:
    return labels_for(HOME, Build())


# Written.


def test_the_staff_image_names_every_part(labels: dict[str, str]) -> None:
    assert contents_in(labels) == contents_of(HOME)
    assert labels["org.opencontainers.image.version"] == grader.__version__
    lock = (ROOT / "requirements.lock").read_text(encoding="utf8")
    assert f"\nnumpy=={labels[f'{PREFIX}numpy']} " in lock


def test_the_engine_image_names_no_part_of_the_course() -> None:
    labels = labels_for(HOME, Build(target="engine"))

    engine = contents_of(HOME).engine
    assert contents_in(labels) == Contents(engine=engine)
    assert labels[f"{PREFIX}target"] == "engine"


def test_what_is_not_known_gets_no_label(labels: dict[str, str]) -> None:
    known = labels_for(HOME, Build(revision="abc", source="https://example.edu/g"))

    assert set(known) - set(labels) == {
        "org.opencontainers.image.revision",
        "org.opencontainers.image.source",
    }
    assert all(labels.values())


def test_they_are_computed_in_a_checkout_alone(tmp_path: Path) -> None:
    for name in ("course.toml", "milestones", "reference", "grader"):
        (tmp_path / name).symlink_to(ROOT / name)

    with pytest.raises(ConfigError) as caught:
        labels_for(Home(tmp_path), Build())
    assert caught.value.hint == "images are built in the checkout"

    (tmp_path / "requirements.lock").write_text("click==8.2\n", encoding="utf8")
    with pytest.raises(ConfigError, match="pins no numpy"):
        labels_for(Home(tmp_path), Build())


def test_the_command_prints_what_docker_takes(labels: dict[str, str]) -> None:
    done = CliRunner().invoke(cli, ["image", "labels", "--course", str(ROOT)])

    assert done.exit_code == 0, done.stderr
    lines = done.stdout.splitlines()
    assert dict(line.split("=", 1) for line in lines) == labels
    # A shell takes a line as one option.
    assert not any(char.isspace() for line in lines for char in line)


# Read before a grading.


def test_an_image_of_this_checkout_is_taken(labels: dict[str, str]) -> None:
    require(labels)


@pytest.mark.parametrize("part", PARTS)
def test_an_image_with_another_part_is_refused(
    labels: dict[str, str], part: Part
) -> None:
    with pytest.raises(ConfigError) as caught:
        require(labels | {PREFIX + part: SHA})

    message = f"the image 'tinytorch-grader:x' has another {part} than this host"
    assert caught.value.message == message
    assert caught.value.hint == "build it anew: make image IMAGE=tinytorch-grader:x"
    assert caught.value.exit_code == 3


def test_an_image_without_a_course_is_refused() -> None:
    labels = labels_for(HOME, Build(target="engine"))

    with pytest.raises(ConfigError, match="another suites and reference and course"):
        require(labels)


def test_an_image_that_says_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not say what it holds"):
        require({"org.opencontainers.image.title": "debian"})


def test_a_missing_image_is_no_wall() -> None:
    with pytest.raises(SandboxUnavailableError, match="has no image"):
        require(None)


# Inspected.

HERE = Contents(engine=SHA, suites=SHA, reference=SHA, course=SHA, milestones=SHA)
OTHER = "sha256:" + "b" * 64


def standing(part: Part, label: Contents, inside: Contents | None) -> str:
    return next(
        row.standing for row in compare(label, inside, HERE) if row.part == part
    )


def changed(digest: str) -> Contents:
    return Contents.model_validate(dict(HERE) | {"suites": digest})


def test_verdict_on_a_part() -> None:
    assert standing("suites", HERE, HERE) == "same"
    assert standing("suites", HERE, None) == "same"
    assert standing("suites", changed(OTHER), changed(OTHER)) == "differs"
    assert standing("suites", changed(OTHER), None) == "differs"
    assert standing("suites", HERE, changed(OTHER)) == "mislabelled"
    assert standing("suites", changed(""), HERE) == "mislabelled"
    assert standing("suites", changed(""), changed("")) == "not there"
    assert standing("suites", Contents(), None) == "not labelled"
    assert standing("engine", changed(OTHER), changed(OTHER)) == "same"


def report(labels: Contents, problem: str) -> ImageReport:
    return ImageReport(
        name="x",
        id=SHA,
        size_bytes=170_700_000,
        created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        architecture="linux/arm64",
        labels=(),
        parts=compare(labels, None, HERE),
        inside=None,
        problem=problem,
    )


def invoke(monkeypatch: pytest.MonkeyPatch, found: ImageReport, *options: str) -> str:
    asked: list[str] = []
    monkeypatch.setattr(
        machine, "look_into", lambda name, _: asked.append(name) or found
    )
    monkeypatch.setenv("GRADER_IMAGE", "tinytorch-grader:mine")

    done = CliRunner().invoke(cli, ["image", "inspect", *options])

    assert done.exit_code == 0, done.stderr
    assert asked == ["tinytorch-grader:mine"]
    return done.stdout


def test_table_says_what_to_do_about_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    text = invoke(monkeypatch, report(changed(OTHER), "it ended"))

    rows = {line.split()[0]: line for line in text.splitlines() if line}
    assert rows["suites"].endswith("differs: make image")
    assert rows["engine"].endswith("same")
    assert rows["size"].split() == ["size", "170.7", "MB"]
    assert rows["created"].endswith("2026-01-02 03:04:05 UTC")
    assert "the doctor inside does not answer: it ended" in text


def test_a_strangers_label_cannot_write_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    label = Label(name="a\x1b[2J", value="b\nc\x07")
    found = report(HERE, "\x1b[31m")

    text = invoke(monkeypatch, found.model_copy(update={"labels": (label,)}))

    assert "\x1b" not in text
    assert "\x07" not in text


def test_json_is_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    found = report(HERE, "")

    text = invoke(monkeypatch, found, "--format", "json")

    assert ImageReport.model_validate_json(text) == found
    assert json.loads(text)["parts"][0]["standing"] == "same"


def test_without_an_engine_there_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    done = CliRunner().invoke(cli, ["image", "inspect"])

    assert done.exit_code == 4
    assert done.stderr.startswith("error[sandbox]: no Docker engine answers")
