"""Reference pages say what the program does, because they are made from it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Final, get_args

import click
import pytest
from docs_pages import ROOT, TERMINAL, generated, section
from pydantic import BaseModel

from grader.cli.main import cli
from grader.cli.reference import PAGES, walk
from grader.errors import EXIT_CODES
from grader.models import course
from grader.models.measure import ContainerLimits, Limits
from grader.models.outcome import Outcome

REFERENCE = ROOT / "docs" / "reference"
COMMANDS = dict(walk(cli, "grader"))
COURSE_PAGE = (REFERENCE / "course.md").read_text(encoding="utf8")
HEADINGS: Final = {
    "Course": "the whole file",
    "Symbol": "modules.symbols",
    "TaskSpec": "modules.tasks",
    "Module": "modules",
    "MilestoneProfile": "milestones.quick",
    "Milestone": "milestones",
    "Workload": "events.workloads",
    "CompetitionEvent": "events",
    "SetupCall": "setup_calls",
    "CourseLimits": "limits",
    "ProjectLimits": "projects",
}
DOCUMENTED: Final[dict[str, type[BaseModel]]] = {
    heading: getattr(course, name) for name, heading in HEADINGS.items()
} | {"limits.check": Limits, "limits.container": ContainerLimits}
README_START = "<!-- generated: python -m grader.cli.reference exit-codes -->"


@pytest.mark.parametrize(
    ("file", "page"),
    [
        ("board-data.md", "board-data"),
        ("cli.md", "commands"),
        ("outcomes.md", "outcomes"),
    ],
)
def test_a_generated_page_is_up_to_date(file: str, page: str) -> None:
    text = (REFERENCE / file).read_text(encoding="utf8")

    assert text == generated(page), f"python -m grader.cli.reference {page} > {file}"


def test_the_exit_codes_of_the_readme_are_up_to_date() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf8")

    table = section(text, README_START, "<!-- end -->")

    assert table == generated("exit-codes")
    assert all(f"| {code} |" in table for code in EXIT_CODES)


def test_the_generator_refuses_a_page_that_it_does_not_know() -> None:
    command = [sys.executable, "-m", "grader.cli.reference", "nonsense"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert all(page in done.stderr for page in PAGES)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_its_section_and_it_is_what_help_prints(
    path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf8")
    for name, value in TERMINAL.items():
        monkeypatch.setenv(name, value)
    arguments = path.split(" ")[1:]

    cli.main([*arguments, "--help"], prog_name="grader", standalone_mode=False)

    shown = section(page, f"## `{path}`\n\n```text", "\n```")
    assert shown == capsys.readouterr().out.rstrip()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help_and_an_example(path: str) -> None:
    command = COMMANDS[path]

    assert command.help
    if not isinstance(command, click.Group):
        (example,) = re.findall(r"^ *Example: (.*)$", command.help, re.MULTILINE)
        assert example.startswith(path)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_is_explained(path: str) -> None:
    """A choice may explain itself; anything else says what it is for."""
    for option in COMMANDS[path].params:
        if isinstance(option, click.Option) and not isinstance(
            option.type, click.Choice
        ):
            assert option.help, option.name


def test_outcomes_are_listed_once_each() -> None:
    text = (REFERENCE / "outcomes.md").read_text(encoding="utf8")

    kinds = [k.model_fields["kind"].default for k in get_args(get_args(Outcome)[0])]

    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == kinds


def test_every_table_of_course_toml_is_documented() -> None:
    models = {
        name
        for name, kind in vars(course).items()
        if isinstance(kind, type) and kind.__module__ == course.__name__
    }

    assert models == HEADINGS.keys()


def table_of(heading: str) -> str:
    parts = re.split(r"^## (.*)$", COURSE_PAGE, flags=re.MULTILINE)
    (text,) = [
        body
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
        if heading in (title, *re.findall(r"`([^`]+)`", title))
    ]
    return text


@pytest.mark.parametrize("heading", DOCUMENTED)
def test_every_key_of_course_toml_is_documented(heading: str) -> None:
    model, text = DOCUMENTED[heading], table_of(heading)

    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE)

    assert [name for name, _ in rows] == list(model.model_fields)
    for name, presence in rows:
        needed = model.model_fields[name].is_required()
        assert (presence == "required") is needed, name


@pytest.mark.parametrize("heading", DOCUMENTED)
def test_the_defaults_that_course_md_tells_are_those_of_the_models(
    heading: str,
) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d_,.]+) \|", table_of(heading), re.MULTILINE)
    fields = DOCUMENTED[heading].model_fields
    numbers = {
        name: field.default
        for name, field in fields.items()
        if isinstance(field.default, int | float)
    }

    told = {name: float(text.replace(",", "")) for name, text in rows}
    assert told == numbers
