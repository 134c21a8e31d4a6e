"""The board's command: parse, call, print."""

from __future__ import annotations

from pathlib import Path

import click

from tito import notes
from tito.board import Wish, knows, lines
from tito.board_place import place_of, read
from tito.errors import UnknownNameError
from tito.package import find_project
from tito.parcel import moment
from tito.problems import text
from tito.screen import look, say

ME = "me.json"


@click.command()
@click.option(
    "--from",
    "place",
    envvar="LEADERBOARD",
    default="",
    metavar="PLACE",
    help="https://... or a folder; else as the course says.",
)
@click.option("--event", default="", help="Only this: points, latency, training, ...")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="So many rows of each board, and yours.",
)
@click.option("--me", default="", metavar="ALIAS", help="Mark this row; remembered.")
def leaderboard(place: str, event: str, top: int, me: str) -> None:
    """Show the course's public board, your own row marked.

    Without a connection it shows what it showed last, and says of when that is.

    Example: tito leaderboard --event latency --top 20 --me "brisk otter"
    """
    project = find_project(Path.cwd())
    board = read(place_of(place, project), project)
    if me and not knows(board, me):
        raise UnknownNameError(
            f"nobody is called {me!r} on the board",
            "Your course tells you your alias; who is hidden has no row.",
        )
    known = text((notes.read_json(project / notes.FOLDER / ME) or {}).get("alias"))
    seen = look()
    for line in lines(board, Wish(event, top, me or known), seen):
        click.echo(line, color=seen.colour)
    if board.copied_at:
        say(f"note     {board.why}", "yellow")
        say(f"note     this is the copy of {moment(board.copied_at)}", "yellow")
    if me and me != known:
        notes.folder(project)
        notes.write(project / notes.FOLDER / ME, notes.to_json({"alias": me}))
