"""`grader board`: freeze, reveal, status; and `grader withdraw`."""

from __future__ import annotations

from typing import Any

import click

from grader import boards
from grader.cli import talk
from grader.cli.options import place_of, store_options
from grader.cli.tables import FORM, shown
from grader.config import find_home, state_folder
from grader.records import opened
from grader.rounds import round_names


@click.group()
def board() -> None:
    """Public boards: one of each round, and `tinymlperf`, the competition."""


@board.command()
@click.argument("name", metavar="BOARD")
@click.option("--by", required=True, help="Who freezes it.")
@store_options
def freeze(name: str, by: str, **given: Any) -> None:
    """Show on BOARD nothing newer than now, until it is revealed.

    Grading goes on, and students see their own results as before.

    Example: grader board freeze week-1 --by "A. Teacher"
    """
    with opened(place_of(given)) as store:
        boards.freeze(store, name, _rounds(given), frozen=True, by=by)
    talk.say(f"{name}: frozen from the next `grader publish` on")


@board.command()
@click.argument("name", metavar="BOARD")
@click.option("--by", required=True, help="Who reveals it.")
@store_options
def reveal(name: str, by: str, **given: Any) -> None:
    """Show on BOARD again all there is.

    Example: grader board reveal week-1 --by "A. Teacher"
    """
    with opened(place_of(given)) as store:
        boards.freeze(store, name, _rounds(given), frozen=False, by=by)
    talk.say(f"{name}: revealed by the next `grader publish`")


@board.command()
@click.option("--format", "form", type=FORM, default="table")
@store_options
def status(form: str, **given: Any) -> None:
    """List all boards, and which are frozen.

    Example: grader board status
    """
    with opened(place_of(given)) as store:
        found = boards.standings(store.export(), _rounds(given))
    rows = [
        (
            one.board,
            "frozen" if one.frozen else "open",
            f"{one.at:%Y-%m-%d %H:%M:%S}" if one.at else "",
            one.by,
        )
        for one in found
    ]
    data = [
        {**one._asdict(), "at": one.at.isoformat() if one.at else None} for one in found
    ]
    click.echo(shown(form, ("board", "state", "since (UTC)", "by"), rows, data))


def _rounds(given: dict[str, Any]) -> list[str]:
    return round_names(state_folder(find_home(given["course"])))


@click.command()
@click.argument("digest")
@click.option("--by", required=True, help="Who withdraws it.")
@click.option("--reason", required=True, help="Kept for staff; never public.")
@store_options
def withdraw(digest: str, by: str, reason: str, **given: Any) -> None:
    """Let a result or a session no longer count, by DIGEST as the history shows it.

    It stays in the history, and the board keeps a line that says so; the reason is not
    published.

    Example: grader withdraw 0123456789ab --by "A. Teacher" --reason "wrong package"
    """
    with opened(place_of(given)) as store:
        gone = boards.withdraw(store, digest, by=by, reason=reason)
    talk.say(f"{gone}: withdrawn; the board says so from the next `grader publish` on")
