"""What is kept: `grader history`, `show` and `store check`; `forget` erases it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from grader import records
from grader.cli import talk
from grader.cli.options import place_of, store_options
from grader.cli.tables import FORM, shown
from grader.errors import StoreError
from grader.reports import to_html, to_table
from grader.reports.display import one_line


@click.command()
@click.argument("student", default="")
@click.option("--round", "round_name", default="", help="Only of this round.")
@click.option("--format", "form", type=FORM, default="table")
@store_options
def history(student: str, round_name: str, form: str, **given: Any) -> None:
    """Say what happened, oldest first: of one STUDENT or team, or of everybody.

    Example: grader history ada@example.edu
    """
    lines = records.history(place_of(given), student, round_name)
    headers = ("when (UTC)", "student", "round", "result", "what")
    rows = [
        (
            line.at.strftime("%Y-%m-%d %H:%M:%S"),
            line.student,
            line.round,
            (line.document or "").removeprefix("sha256:")[:12],
            line.what,
        )
        for line in lines
    ]
    data = [line.model_dump(mode="json") for line in lines]
    click.echo(shown(form, headers, rows, data))


@click.command()
@click.argument("what")
@click.option("--round", "round_name", default="", help="A student's of this round.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page here.")
@store_options
def show(
    what: str, round_name: str, form: str, html: Path | None, **given: Any
) -> None:
    """Show a stored report: a student's latest, or that of a digest from the history.

    Example: grader show ada@example.edu --html ada.html
    """
    report = records.report_of(place_of(given), what, round_name)
    click.echo(report.model_dump_json() if form == "json" else to_table(report))
    if html:
        talk.write(html, to_html(report).encode())


@click.command()
@click.argument("student")
@click.option("--by", required=True, help="Who erases.")
@click.option("--reason", required=True, help="Kept; do not name the person in it.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_options
def forget(student: str, by: str, reason: str, **given: Any) -> None:
    """Erase all that is kept of STUDENT; it cannot be undone.

    Results, submissions, decisions, marks, tokens and the line in the roster go; a
    team's results stay without the person. Copies elsewhere (backups, exported files, a
    published site) are yours to delete; the next `grader publish` leaves the person
    out.

    Example: grader forget ada@example.edu --by "A. Teacher" --reason "asked to"
    """
    place = place_of(given)
    kept = records.kept_of(place, student)
    talk.say(
        f"{one_line(student)}: {len(kept.documents)} results, {len(kept.sources)} "
        f"submissions, {kept.events} events, member of {len(kept.teams)} teams"
    )
    if kept.people or kept.credentials or kept.received:
        talk.say(
            f"of the service: {kept.received} submissions received, "
            f"{kept.credentials} tokens, links and sessions, {kept.people} line in the "
            "roster"
        )
    if not given["yes"]:
        click.confirm("Erase all of it?", abort=True, err=True)
    records.forget(place, student, by=by, reason=reason)
    talk.say("erased; backups, exports and published pages are not touched")


@click.group(name="store")
def store_group() -> None:
    """The store of results."""


@store_group.command(name="check")
@store_options
def store_check(**given: Any) -> None:
    """Read every document and hold it against its digest and its summary.

    Example: grader store check
    """
    problems = records.check(place_of(given))
    for problem in problems:
        click.echo(one_line(problem))
    if problems:
        msg = f"{len(problems)} problems in the store"
        raise StoreError(msg, hint="restore the documents from a backup")
    talk.say("the store is sound")
