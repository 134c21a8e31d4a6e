"""`grader overview`: how a class stands, for its staff."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, get_args

import click

from grader import api
from grader.cli import talk
from grader.cli.options import FOLDER, course_option
from grader.exports import Choice
from grader.models.base import Profile
from grader.overview import FORMATS
from grader.reports.display import one_line

SHOWN_NOTES: Final = 10


@click.command()
@click.option("--round", "round_name", default="", help="Round (default: the only).")
@click.option(
    "--profile", type=click.Choice(get_args(Profile)), help="Default: the only one."
)
@click.option("--roster", type=click.File("rb"), help="CSV: student, name, email, ...")
@click.option("--format", "form", type=click.Choice([*FORMATS]), default="table")
@click.option("--to", type=click.Path(path_type=Path), help="Write this file.")
@click.option("--store", type=FOLDER, help="Result store (default: .grader/store).")
@click.option("--store-url", default="", help="SQLAlchemy address of its tables.")
@course_option
def overview(**given: Any) -> None:
    """Show how a class stands: points, commonest mistakes, who is stuck.

    Of every student the result counts that the gradebook counts. Students are named:
    this is for staff.

    Example: grader overview --round week-1 --format html --to overview.html
    """
    made = api.overview(
        given["form"],
        api.OverviewOptions(
            course=given["course"],
            store=given["store"],
            url=given["store_url"],
            roster=given["roster"].read() if given["roster"] else None,
            choice=Choice(round=given["round_name"], profile=given["profile"] or ""),
        ),
    )
    if given["to"]:
        talk.write(given["to"], made.data)
    else:
        click.echo(made.data, nl=False)
    for note in made.notes[:SHOWN_NOTES]:
        talk.say(one_line(note))
    if len(made.notes) > SHOWN_NOTES:
        talk.say(f"and {len(made.notes) - SHOWN_NOTES} more notes")
