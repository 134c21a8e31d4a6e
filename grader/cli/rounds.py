"""`grader round`: secrets, due dates and what lateness costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from tabulate import tabulate

from grader import administration
from grader.administration import Place, RoundRow, Terms
from grader.cli import talk
from grader.cli.options import store_options
from grader.marks.words import policy_words
from grader.reports.display import one_line, terminal

F = TypeVar("F", bound=Callable[..., Any])
TERMS: Final = (
    click.option("--due", help="Due at: 2026-12-01T23:59+01:00, or none."),
    click.option("--grace", help="So much later is not late: 15m."),
    click.option("--late", help="Taken off a day begun: 10%/day."),
    click.option("--cap", help="The most that is ever taken off: 50%."),
    click.option("--closes", help="Later counts as not handed in: 7d, or never."),
    click.option(
        "--keep", type=click.Choice(["best", "last"]), help="Which attempt counts."
    ),
    click.option(
        "--of",
        type=click.Choice(["earned", "possible"]),
        help="Points that the percentage is of.",
    ),
    click.option("--by", default="", help="Who sets this; kept with it."),
)


def _terms(command: F) -> F:
    for option in reversed(TERMS):
        command = option(command)
    return command


@click.group(name="round")
def round_group() -> None:
    """Rounds: the secrets that gradings draw their inputs from, and their policies."""


@round_group.command(name="new")
@click.argument("name")
@click.option("--kind", type=click.Choice(["feedback", "final"]), default="feedback")
@_terms
@store_options
def round_new(name: str, kind: Any, **given: Any) -> None:
    """Make the round NAME with a fresh secret, and with a policy if one is given.

    Example: grader round new week-1
    """
    place = _place(given)
    made, policy = administration.make_round(
        place, name, kind, _asked(given), given["by"]
    )
    folder = administration.secret_file(place, name).parent
    talk.say(f"round {made.name} ({made.kind}); its secret stays in {folder}")
    if policy is not None:
        talk.say(policy_words(policy))


@round_group.command(name="set")
@click.argument("name")
@_terms
@store_options
def round_set(name: str, **given: Any) -> None:
    """Change the policy of the round NAME; what is not named stays as it is.

    Marks are computed anew from what was graded; nothing is graded again.

    Example: grader round set week-1 --due 2026-12-08T23:59+01:00 --by "A. Teacher"
    """
    policy = administration.set_policy(_place(given), name, _asked(given), given["by"])
    talk.say(f"{policy.round}: {policy_words(policy)}")


@round_group.command(name="list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@store_options
def round_list(form: str, **given: Any) -> None:
    """List all rounds with their policies; never their secrets.

    Example: grader round list
    """
    rows = administration.list_rounds(_place(given))
    if form == "json":
        click.echo(json.dumps([row.model_dump(mode="json") for row in rows]))
    else:
        click.echo(_table(rows))


def _table(rows: Sequence[RoundRow]) -> str:
    shown = [
        [
            terminal(row.name, 32),
            row.kind or "",
            row.created_at.date().isoformat() if row.created_at else "",
            row.students,
            row.results,
            one_line(row.policy),
        ]
        for row in rows
    ]
    headers = ("round", "kind", "made", "students", "results", "policy")
    return tabulate(shown, headers, disable_numparse=True, tablefmt="simple")


def _asked(given: dict[str, Any]) -> Terms:
    return Terms(**{name: given[name] for name in Terms.__dataclass_fields__})


def _place(given: dict[str, Any]) -> Place:
    store: Path | None = given["store"]
    return Place(course=given["course"], store=store, url=given["store_url"])
