"""What documents promise is there: commands, targets, files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import click
import pytest
from docs_pages import (
    ROOT,
    blocks,
    commands,
    documents,
    links,
    name_of,
    prose,
    tracked,
)

from grader.cli.main import cli

DOCUMENTS: Final = {name_of(path): path for path in documents()}
TEXTS: Final = {
    name_of(path): path
    for path in tracked()
    if b"\0" not in path.read_bytes() and "cases" not in path.parts
}
README: Final = ROOT / "README.md"
# Spelled apart, so that this file does not hold what it looks for.
PRIVATE: Final = re.compile(r"(?<![\w.}~-])/(?:" + "|".join(("work", "root")) + r")/\w")
EMOJI: Final = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b50\u2b55\u231a\u231b\ufe0f\u200d]"
)


def targets(makefile: Path) -> list[str]:
    """Return the targets of a Makefile; "test-%" stands for all test-NN."""
    text = makefile.read_text(encoding="utf8")
    return re.findall(r"^([a-z][a-z-]*%?):", text, re.MULTILINE)


def is_target(word: str, known: list[str]) -> bool:
    return any(fnmatch(word, pattern.replace("%", "*")) for pattern in known)


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that `words` name, and what follows it."""
    command: click.Command = cli
    rest = words[1:]
    while isinstance(command, click.Group) and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_grader_command_in_a_document_exists(name: str) -> None:
    text = DOCUMENTS[name].read_text(encoding="utf8")

    for words in commands(text, "grader"):
        command, rest = resolved(words)
        options = {o for p in command.params for o in p.opts + p.secondary_opts}
        options |= {"--help", "--version"}
        used = [w.split("=")[0] for w in rest if w.startswith("--")]
        assert set(used) <= options, words
        if isinstance(command, click.Group) and rest:
            assert rest[0].startswith("-") or rest[0].isupper(), words


def test_options_that_messages_advise_exist() -> None:
    """A hint that names an option which is not there sends people in circles."""
    known = {"--help", "--version", "--force-reinstall"}
    todo: list[click.Command] = [cli]
    while todo:
        command = todo.pop()
        known |= {o for p in command.params for o in p.opts + p.secondary_opts}
        if isinstance(command, click.Group):
            todo += command.commands.values()

    for path in sorted((ROOT / "grader").rglob("*.py")):
        advised = re.findall(r"`(--[a-z-]+)", path.read_text(encoding="utf8"))
        assert set(advised) <= known, path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_in_a_document_exists(name: str) -> None:
    path = DOCUMENTS[name]
    makefile = ROOT / "Makefile"
    known = targets(makefile) + targets(ROOT / "student_template" / "Makefile")
    if name.startswith("student_template/"):
        known = targets(ROOT / "student_template" / "Makefile")

    for words in commands(path.read_text(encoding="utf8"), "make"):
        named = [w for w in words[1:] if "=" not in w and not w.startswith("-")]
        assert all(is_target(w, known) for w in named), words


@pytest.mark.parametrize("name", DOCUMENTS)
def test_relative_links_lead_somewhere(name: str) -> None:
    path = DOCUMENTS[name]

    for link in links(path.read_text(encoding="utf8")):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(path: Path) -> set[str]:
    """Return the anchors that a Markdown page gives its headings."""
    text = prose(path.read_text(encoding="utf8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}


@pytest.mark.parametrize("name", TEXTS)
def test_no_file_names_a_place_of_one_machine(name: str) -> None:
    text = TEXTS[name].read_text(encoding="utf8")

    assert not PRIVATE.findall(text)


@pytest.mark.parametrize("name", TEXTS)
def test_no_file_has_emoji(name: str) -> None:
    text = TEXTS[name].read_text(encoding="utf8")

    assert not EMOJI.findall(text)


def readme_scripts() -> list[str]:
    text = README.read_text(encoding="utf8")
    return [block.text for block in blocks(text) if block.language == "sh"]


def made(script: str) -> str:
    """Return the target, where a script is one `make` and nothing else."""
    found = re.fullmatch(r"make ([a-z-]+)\n", script)
    return found.group(1) if found else ""


def test_the_readme_begins_with_the_demo_and_the_tests() -> None:
    named = [made(script) for script in readme_scripts()]

    assert named[:2] == ["demo", "test"]
    assert {t for t in named if t} <= set(targets(ROOT / "Makefile"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a grading needs, with the environment of this test run."""
    for name in ("grader", "reference", "student_template", "milestones"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    shutil.copytree(ROOT / "leaderboard", tmp_path / "leaderboard")
    shutil.copy(ROOT / "course.toml", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.mark.slow
def test_the_scripts_of_the_readme_run(checkout: Path) -> None:
    """As a reader types them: one shell, top to bottom, in a fresh checkout."""
    if not Path(sys.prefix, "bin", "activate").exists():
        pytest.skip("these tests do not run in a virtual environment")
    typed = [script for script in readme_scripts() if not made(script)]
    unset = {"GRADER_STATE", "TINYTORCH_DATA"}
    kept = {k: v for k, v in os.environ.items() if k not in unset}

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(typed)],
        cwd=checkout,
        env=kept | {"PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert len(typed) >= 2
    assert (checkout / "report.html").is_file()
    assert (checkout / "site" / "index.html").is_file()
    assert (checkout / ".grader" / "rounds" / "week-1.json").is_file()
    assert "ada@example.edu" not in (checkout / "site" / "index.html").read_text()


def test_documents_are_read_for_what_they_promise() -> None:
    """The tests above find something to test."""
    text = README.read_text(encoding="utf8")

    shown = {words[1] for words in commands(text, "grader") if len(words) > 1}
    assert {"grade", "publish", "visibility", "round", "doctor"} <= shown
    assert {"demo", "test"} <= {w[1] for w in commands(text, "make")}
    assert "docs/reference/report-schema.json" in links(text)
    assert len(TEXTS) > 200
