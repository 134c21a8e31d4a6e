"""`grader feedback`: a page for each student, for courses without a service."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, get_args

import click

from grader import records
from grader.cli import talk
from grader.cli.options import place_of, store_options
from grader.errors import UsageError
from grader.exports import Choice
from grader.feedback import Feedback, file_name, to_html
from grader.models.base import Profile
from grader.reports.display import one_line

OPEN: Final = "the round is final and not over: points are on the page, details are not"


@click.command()
@click.argument("student", default="")
@click.option(
    "--round", "round_name", default="", help="Round (default: of the newest result)."
)
@click.option(
    "--profile", type=click.Choice(get_args(Profile)), help="Default: likewise."
)
@click.option("--all", "everybody", is_flag=True, help="A file for each student.")
@click.option(
    "--to", type=click.Path(path_type=Path), help="File, or with --all a folder."
)
@store_options
def feedback(student: str, to: Path | None, **given: Any) -> None:
    """Write a page for STUDENT: what passed, what to do next, how it went so far.

    It says what staff said to the student, marks included: give it to nobody else.
    With --all the names of the files are printed; each stays the same for a student.

    Example: grader feedback ada@example.edu --to ada.html
    """
    place = place_of(given)
    choice = Choice(round=given["round_name"], profile=given["profile"] or "")
    if bool(student) == given["everybody"]:
        hint = "grader feedback STUDENT, or grader feedback `--all` `--to` FOLDER"
        raise UsageError("name a student, or say all", hint=hint)
    if given["everybody"]:
        _write_all(place, choice, to)
        return
    shown = records.feedback_of(place, student, choice)
    if to is None:
        click.echo(to_html(shown), nl=False)
    else:
        talk.write(to, to_html(shown).encode())
    _tell(shown)


def _write_all(place: records.Place, choice: Choice, to: Path | None) -> None:
    if to is None:
        raise UsageError("where to?", hint="`--to` names a folder")
    try:
        to.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise UsageError(f"{to}: {exc.strerror}", hint="name a folder") from exc
    shown = None
    for shown in records.feedback_of_all(place, choice):
        name = file_name(shown.student)
        talk.put(to / name, to_html(shown).encode(), mode=0o600)
        click.echo(f"{one_line(shown.student)}\t{name}")
    if shown is None:
        raise UsageError("nobody has a result there", hint="grader history shows all")
    _tell(shown)


def _tell(shown: Feedback) -> None:
    if not shown.details:
        hint = f"after {shown.until}" if shown.until else "grader round set --closes"
        talk.say(f"{OPEN} ({hint})")
