"""`grader roster`: who may hand in, and what lets them in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from tabulate import tabulate

from grader.administration import Place, people
from grader.administration.people import PersonRow
from grader.cli import talk
from grader.cli.options import store_options
from grader.errors import UsageError
from grader.reports.display import terminal
from grader.store.access import Who

F = TypeVar("F", bound=Callable[..., Any])
EXPIRES: Final = click.option(
    "--expires", type=click.FloatRange(min=0, min_open=True), help="Days (default: no)."
)
WORDS: Final = {
    "valid": "valid",
    "expired": "expired",
    "ended": "revoked",
    None: "none",
}


def whose(command: F) -> F:
    """Add STUDENT and --staff, of which one is given."""
    student = click.argument("student", default="")
    staff = click.option("--staff", default="", help="Somebody of staff, by name.")
    return student(staff(command))


@click.group(name="roster")
def roster() -> None:
    """The people of the course, their tokens and one-time links."""


@roster.command(name="import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--tokens",
    type=click.Path(path_type=Path, dir_okay=False),
    help="New file for the tokens of those who have none.",
)
@EXPIRES
@store_options
def import_(
    file: Any, tokens: Path | None, expires: float | None, **given: Any
) -> None:
    """Take over a roster: a CSV FILE with a column student, and name, email, section.

    Doing it again changes names and adds people; who has a valid token keeps it, and
    nobody is taken out.

    Example: grader roster import class.csv --tokens tokens.csv
    """
    data = file.read()
    for line in people.import_roster(_place(given), data, tokens, _days(expires)):
        talk.say(line)


@roster.command(name="list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@store_options
def list_(form: str, **given: Any) -> None:
    """List everybody, and whether they have a token; never the tokens.

    Example: grader roster list
    """
    rows = people.list_people(_place(given))
    if form == "json":
        click.echo(json.dumps([row.model_dump(mode="json") for row in rows]))
    else:
        click.echo(_table(rows))


@roster.command(name="token")
@whose
@click.option("--also", is_flag=True, help="What they have stays valid.")
@EXPIRES
@store_options
def token(
    student: str, staff: str, *, also: bool, expires: float | None, **given: Any
) -> None:
    """Make a new token for STUDENT, or for --staff, and print it this once.

    Earlier tokens, links and sessions end with it.

    Example: grader roster token ada
    """
    who = _who(student, staff)
    click.echo(people.make_token(_place(given), who, _days(expires), also=also))
    talk.say("it is not kept and cannot be shown again")


@roster.command(name="link")
@click.argument("student")
@click.option("--site", default="", help="Address of the service, put before the link.")
@click.option(
    "--hours",
    type=click.FloatRange(min=0, min_open=True),
    default=24.0,
    show_default=True,
    help="For so long it can be opened.",
)
@store_options
def link(student: str, site: str, hours: float, **given: Any) -> None:
    """Make a link that signs STUDENT in once, and print it.

    Send it to their address in the roster; whoever opens it first is signed in.

    Example: grader roster link ada --site https://grader.example.org
    """
    secret = people.make_link(_place(given), student, timedelta(hours=hours))
    click.echo(f"{site.rstrip('/')}/sign-in?link={secret}" if site else secret)


@roster.command(name="revoke")
@whose
@store_options
def revoke(student: str, staff: str, **given: Any) -> None:
    """End all tokens, links and sessions of STUDENT, or of --staff.

    Example: grader roster revoke ada
    """
    ended = people.revoke(_place(given), _who(student, staff))
    talk.say(f"ended: {ended}")


def _who(student: str, staff: str) -> Who:
    if bool(student) == bool(staff):
        raise UsageError("whose?", hint='a student, or --staff "A. Teacher"')
    return Who("staff", staff) if staff else Who("student", student)


def _days(expires: float | None) -> timedelta | None:
    return timedelta(days=expires) if expires else None


def _place(given: dict[str, Any]) -> Place:
    store: Path | None = given["store"]
    return Place(course=given["course"], store=store, url=given["store_url"])


def _table(rows: Sequence[PersonRow]) -> str:
    shown = [
        [
            terminal(row.name, 32),
            terminal(row.full_name, 28),
            terminal(row.section, 12),
            row.role,
            WORDS[row.token],
            row.expires_at.date().isoformat() if row.expires_at else "",
        ]
        for row in rows
    ]
    headers = ("id", "name", "section", "role", "token", "until")
    return tabulate(shown, headers, disable_numparse=True, tablefmt="simple")
