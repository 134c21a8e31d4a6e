"""`grader mark`: what staff say about one student's mark, and why it is what it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final, TypeVar, get_args

import click

from grader import administration
from grader.administration import Place, Word
from grader.cli import talk
from grader.cli.options import store_options
from grader.errors import UsageError
from grader.exports import Choice
from grader.exports.records import student as as_data
from grader.models.base import Profile
from grader.reports.display import one_line

F = TypeVar("F", bound=Callable[..., Any])
ROUND: Final = click.option(
    "--round", "round_name", default="", help="Round (default: the only)."
)
BY: Final = click.option("--by", required=True, help="Who says so; kept with it.")
REASON: Final = click.option("--reason", default="", help="Why; kept with it.")
NEW: Final = click.option(
    "--new", is_flag=True, help="Nothing of the student is stored so far."
)


def _options(*options: Callable[[F], F]) -> Callable[[F], F]:
    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return store_options(command)

    return add


@click.group()
def mark() -> None:
    """Marks: what staff say about them, and how they come about.

    Marks are for gradebooks; the leaderboard never shows them.
    """


@mark.command()
@click.argument("student")
@click.argument("points", type=float, required=False)
@click.option("--part", default="", help="Only of this: tensor, milestone_xor.")
@click.option("--clear", is_flag=True, help="Take it back: what is computed counts.")
@_options(ROUND, BY, REASON, NEW)
def override(student: str, points: float | None, **given: Any) -> None:
    """Set the POINTS of a part before the penalty, or the whole mark after it.

    They hold whatever is graded, until they are taken back.

    Example: grader mark override ann 8.5 --part tensor --by "A. Teacher" --reason "..."
    """
    if (points is None) != given["clear"]:
        raise UsageError("name points, or take them back", hint="`--clear`")
    if not given["clear"] and not given["reason"]:
        raise UsageError("why?", hint='`--reason "shown in the oral exam"`')
    word = _word(student, given)
    _say([administration.override(_place(given), word, points, given["part"])])


@mark.command()
@click.argument("student")
@click.argument("text")
@_options(ROUND, BY, NEW)
def comment(student: str, text: str, **given: Any) -> None:
    """Say TEXT to STUDENT in the gradebook; an empty one takes it back.

    Example: grader mark comment ann "well tested" --round week-1 --by "A. Teacher"
    """
    _say([administration.comment(_place(given), _word(student, given), text)])


@mark.command()
@click.argument("student")
@click.argument("digest", required=False)
@click.option("--clear", is_flag=True, help="Take it back: the policy decides.")
@_options(ROUND, BY, REASON)
def choose(student: str, digest: str | None, **given: Any) -> None:
    """Let the attempt with DIGEST count, of a result or a submission.

    Example: grader mark choose ann 1a2b3c4d5e6f --round week-1 --by "A. Teacher"
    """
    if (digest is None) != given["clear"]:
        raise UsageError("name a digest, or take the choice back", hint="`--clear`")
    _say([administration.choose(_place(given), _word(student, given), digest)])


@mark.command()
@click.argument("student", required=False)
@click.argument("due", required=False)
@click.option("--csv", "table", type=click.File("rb"), help="student,due[,reason].")
@_options(ROUND, BY, REASON, NEW)
def extend(student: str | None, due: str | None, **given: Any) -> None:
    """Give STUDENT a due date of their own; it never takes time away.

    Example: grader mark extend ann 2026-12-04T23:59+01:00 --by "A. Teacher"
    """
    place, table = _place(given), _read(given)
    if table is not None and student is None:
        _say(administration.extend_all(place, _word("", given), table))
    elif table is None and student and due:
        _say(administration.extend(place, _word(student, given), due))
    else:
        hint = "grader mark extend STUDENT DUE, or grader mark extend with `--csv`"
        raise UsageError("name a student and a date, or a table", hint=hint)


@mark.command()
@click.argument("team", required=False)
@click.argument("members", nargs=-1)
@click.option("--csv", "table", type=click.File("rb"), help="team,member.")
@click.option("--dissolve", is_flag=True, help="TEAM is a student of its own again.")
@click.option("--round", "round_name", default="", help="Only in this round.")
@_options(BY)
def team(team: str | None, members: tuple[str, ...], **given: Any) -> None:
    """Make TEAM a team of MEMBERS: a result under its name is everybody's.

    Example: grader mark team red ann bob --by "A. Teacher"
    """
    place, table = _place(given), _read(given)
    if table is not None and team is None:
        _say(administration.team_all(place, _word("", given), table))
    elif table is None and team and bool(members) != given["dissolve"]:
        _say(administration.team(place, _word(team, given), members))
    else:
        hint = "grader mark team TEAM MEMBER ..., with `--csv` or with `--dissolve`"
        raise UsageError("name a team and its members, or a table", hint=hint)


@mark.command()
@click.argument("table", metavar="CSV", type=click.File("rb"))
@click.option("--anew", is_flag=True, help="What was told of these before was wrong.")
@_options(ROUND)
def times(table: BinaryIO, **given: Any) -> None:
    """Tell when submissions were handed in: student,submitted_at[,submission].

    Without a submission it is that of the student's latest result. The earliest time
    of a submission counts.

    Example: grader mark times times.csv --round week-1
    """
    place, data = _place(given), table.read()
    round_, anew = given["round_name"], given["anew"]
    _say(administration.times(place, round_, data, anew=anew))


@mark.command()
@click.argument("student")
@click.option(
    "--profile", type=click.Choice(get_args(Profile)), help="Default: the only one."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@_options(ROUND)
def explain(student: str, form: str, **given: Any) -> None:
    """Say step by step how the mark of STUDENT comes about.

    Example: grader mark explain ann --round week-1
    """
    choice = Choice(round=given["round_name"], profile=given["profile"] or "")
    row = administration.explain(_place(given), student, choice)
    if form == "json":
        click.echo(json.dumps(as_data(row)))
        return
    for step in row.mark.steps:
        click.echo(step)
    if row.mark.comment:
        click.echo(f"comment: {one_line(row.mark.comment)}")


def _word(student: str, given: dict[str, Any]) -> Word:
    return Word(
        student=student,
        round=given["round_name"],
        by=given["by"],
        reason=given.get("reason", ""),
        new=given.get("new", False),
    )


def _place(given: dict[str, Any]) -> Place:
    return Place(course=given["course"], store=given["store"], url=given["store_url"])


def _read(given: dict[str, Any]) -> bytes | None:
    table: BinaryIO | None = given["table"]
    return table.read() if table else None


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        talk.say(one_line(line))
