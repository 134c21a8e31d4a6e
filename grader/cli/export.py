"""`grader export`: results as other programs read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, get_args

import click

from grader import api
from grader.cli import talk
from grader.cli.options import FOLDER, course_option
from grader.errors import UsageError
from grader.exports import CLASS_FORMATS, FORMATS, Choice
from grader.models.base import Profile
from grader.reports.display import one_line


@click.command()
@click.argument("form", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("report", required=False, type=click.File("rb"))
@click.option("--to", type=click.Path(path_type=Path), help="Write this file.")
@click.option("--round", "round_name", default="", help="Round (default: the only).")
@click.option(
    "--profile", type=click.Choice(get_args(Profile)), help="Default: the only one."
)
@click.option("--student", default="", help="A stored student's result, not REPORT.")
@click.option("--roster", type=click.File("rb"), help="CSV: student, name, email, ...")
@click.option("--assignment", default="", help='Gradebook title: "TinyTorch (12345)".')
@click.option("--store", type=FOLDER, help="Result store (default: .grader/store).")
@click.option("--store-url", default="", help="SQLAlchemy address of its tables.")
@course_option
@click.pass_context
def export(ctx: click.Context, /, form: str, **given: Any) -> None:
    """Write results as FORMAT, to standard output or a file.

    csv, json, canvas and nbgrader hold the results of a round that count, with their
    marks by the round's policy and what staff said.
    junit, gradescope, prairielearn, autolab, classroom, classroom50, github-summary
    and github-annotations hold one REPORT, as `grader grade --format json` prints it
    (`-` reads it from standard input), or a stored one.

    Example: grader export csv --round week-1 --to grades.csv
    """
    _fit_together(form, given)
    made = api.export(form, _options(given))
    if given["to"]:
        talk.write(given["to"], made.data)
    else:
        click.echo(made.data, nl=False)
    for note in made.notes:
        talk.say(one_line(note))
    if made.unjudged:
        ctx.exit(5)


def _options(given: dict[str, Any]) -> api.ExportOptions:
    return api.ExportOptions(
        course=given["course"],
        store=given["store"],
        url=given["store_url"],
        report=_bytes(given["report"]),
        roster=_bytes(given["roster"]),
        choice=Choice(
            round=given["round_name"],
            profile=given["profile"] or "",
            student=given["student"],
            assignment=given["assignment"],
        ),
    )


def _bytes(file: BinaryIO | None) -> bytes | None:
    return file.read() if file else None


def _fit_together(form: str, given: dict[str, Any]) -> None:
    """Refuse what a format has no use for, before somebody trusts that it was used.

    Raises:
        UsageError: arguments and format do not go together.
    """
    stored = any(
        given[name] for name in ("round_name", "profile", "store", "store_url")
    )
    if form in CLASS_FORMATS:
        if given["report"] or given["student"]:
            msg = f"{form} holds the results of a whole round, not of one student"
            raise UsageError(msg, hint=f"grader export {form} --round ROUND")
        if form == "csv" and given["assignment"]:
            msg = "csv has no column that a title would name"
            raise UsageError(msg, hint="leave out `--assignment`")
    elif given["roster"] or given["assignment"]:
        msg = f"{form} holds one report; it has no roster and no title"
        raise UsageError(msg, hint=f"grader export {form} r.json")
    elif bool(given["report"]) == bool(given["student"]):
        msg = f"{form} holds one report: name its file, or a stored student"
        raise UsageError(msg, hint=f"grader export {form} r.json")
    elif given["report"] and stored:
        msg = "a report that is given is not looked for in the store"
        raise UsageError(msg, hint="leave out the options of the store")
