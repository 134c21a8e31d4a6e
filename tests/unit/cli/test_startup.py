"""A command imports what it needs, and the lists of names say what is there."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from grader import api, reports
from grader.cli.commands import COMMANDS
from grader.cli.main import cli

ENGINES = {"docker", "requests", "dask", "fastapi", "pytest"}
HEAVY = ENGINES | {"sqlalchemy", "jinja2", "numpy", "pydantic", "rich"}


def imported(tmp_path: Path, *arguments: str) -> set[str]:
    """Return the packages that a command has imported, as the interpreter tells."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "grader.cli.main", *arguments],
        env=os.environ | {"GRADER_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [n for n in done.stderr.splitlines() if n.startswith("import time:")]
    return {line.rpartition("|")[2].strip().split(".")[0] for line in lines}


@pytest.mark.parametrize(
    ("arguments", "spared"),
    [
        (("--version",), HEAVY),
        (("--help",), HEAVY),
        (("publish", "--help"), HEAVY),
        (("grade", "--help"), ENGINES | {"sqlalchemy", "jinja2", "rich"}),
        (("round", "new", "week-1"), ENGINES | {"jinja2", "numpy", "rich"}),
        (("history",), ENGINES | {"numpy", "rich"}),
    ],
)
def test_a_command_does_not_import(
    tmp_path: Path, arguments: tuple[str, ...], spared: set[str]
) -> None:
    found = imported(tmp_path, *arguments)

    assert {"click", "grader"} <= found
    assert not found & spared


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    command = cli.commands[name]

    listed = cli._listed.commands[name]

    assert command.name == name
    assert not command.hidden
    for limit in (45, 10_000):
        assert listed.get_short_help_str(limit) == command.get_short_help_str(limit)


def test_a_command_that_is_put_in_and_taken_out() -> None:
    commands = type(cli.commands)({"doctor": COMMANDS["doctor"]})

    commands["mine"] = cli.commands["schema"]
    del commands["doctor"]

    assert list(commands) == ["mine"]
    assert len(commands) == 1
    assert commands.get("doctor") is None
    assert commands["mine"] is cli.commands["schema"]


@pytest.mark.parametrize("package", [api, reports])
def test_what_type_checkers_read_is_what_is_found(package: ModuleType) -> None:
    path = Path(str(package.__file__))
    tree = ast.parse(path.read_text(encoding="utf8"))
    (split,) = [node for node in tree.body if isinstance(node, ast.If)]
    stated = {
        alias.name: node.module
        for node in split.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert sorted(stated) == package.__all__
    for name, module in stated.items():
        assert getattr(package, name) is getattr(import_module(str(module)), name)


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match=r"'grader\.api' has no attribute 'nope'"):
        _ = api.nope
