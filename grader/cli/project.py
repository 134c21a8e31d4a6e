"""`grader project`: capstone projects, reproduced and approved for the gallery."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from grader import api, capstones
from grader.cli import talk
from grader.cli.options import FOLDER, course_option, place_of, store_options
from grader.cli.tables import FORM, shown
from grader.models.project import Project
from grader.reports.project import to_card
from grader.sandbox.wall import CHOICES

F = TypeVar("F", bound=Callable[..., Any])
HOW: Final = (
    click.argument("submission"),
    click.option("--round", "round_name", default="", help="Round that splits data."),
    click.option(
        "--sandbox",
        type=click.Choice([c for c in CHOICES if c != "docker"]),
        default="auto",
    ),
    click.option("--data", type=FOLDER, help="Data sets (default: TINYTORCH_DATA)."),
    click.option(
        "--format", "form", type=click.Choice(["table", "json"]), default="table"
    ),
)


def _how(command: F) -> F:
    for option in reversed(HOW):
        command = option(command)
    return command


@click.group(name="project")
def project_group() -> None:
    """Capstone projects: `capstone.toml`, reproduced and held against its claim."""


@project_group.command()
@_how
@course_option
@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> None:
    """Reproduce the project of SUBMISSION, a folder, archive or git address.

    Nothing is kept. Exit 5: it could not be judged, for a reason on our side.

    Example: grader project run repositories/ada --round week-12
    """
    done = capstones.run(given["submission"], _options(given), talk.progress())
    _print(done.project, given["form"])
    if done.project.inconclusive:
        ctx.exit(5)


@project_group.command()
@_how
@click.option("--student", default="", help="Whose it is, where no bundle tells it.")
@store_options
def record(**given: Any) -> None:
    """Reproduce the project of SUBMISSION and keep what was measured.

    It is shown once staff approve it and its author agreed to be shown.

    Example: grader project record repositories/ada --student ada@example.edu
    """
    done = capstones.run(given["submission"], _options(given), talk.progress())
    digest = capstones.keep(done, place_of(given))
    _print(done.project, given["form"])
    talk.say(f"kept as {digest}")


@project_group.command(name="list")
@click.option("--format", "form", type=FORM, default="table")
@store_options
def list_(form: str, **given: Any) -> None:
    """List the projects that are kept, with what staff said of them.

    Example: grader project list
    """
    found = capstones.rows(place_of(given))
    headers = ("kept (UTC)", "student", "project", "title", "claim", "shown")
    lines = [
        (
            row.at.strftime("%Y-%m-%d %H:%M"),
            row.student,
            row.document.removeprefix("sha256:")[:12],
            row.title,
            row.state,
            f"approved by {row.by}" if row.approved else "no",
        )
        for row in found
    ]
    data = [row.model_dump(mode="json") for row in found]
    click.echo(shown(form, headers, lines, data))


@project_group.command()
@click.argument("digest")
@click.option("--revoke", is_flag=True, help="Take an approval back.")
@click.option("--by", required=True, help="Who says so; kept with it.")
@click.option("--reason", default="", help="Kept with it, never shown.")
@store_options
def approve(digest: str, revoke: bool, by: str, reason: str, **given: Any) -> None:
    """Let the project DIGEST be shown in the gallery, or take that back.

    Read its title, summary and script first. DIGEST may be its first digits.

    Example: grader project approve 3f9a12bc --by "A. Teacher"
    """
    whole = capstones.approve(
        place_of(given), digest, approved=not revoke, by=by, reason=reason
    )
    state = "not shown" if revoke else "shown, if its author agreed to be shown,"
    talk.say(f"{whole}: {state} from the next `grader publish` on")


def _options(given: dict[str, Any]) -> api.GradeOptions:
    return api.GradeOptions(
        course=given["course"],
        round=given["round_name"],
        sandbox=given["sandbox"],
        student=given.get("student", ""),
        data=given["data"],
    )


def _print(project: Project, form: str) -> None:
    text = project.model_dump_json() if form == "json" else to_card(project)
    click.echo(text, nl=form == "json")
