"""The leaderboard: `grader publish`, and who wishes to be seen on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from grader import api
from grader.cli import talk
from grader.cli.options import FOLDER, course_option


@click.command()
@click.option(
    "--to",
    "target",
    type=FOLDER,
    default=Path("site"),
    show_default=True,
    help="Folder of the site, replaced as a whole.",
)
@click.option("--store", type=FOLDER, help="Result store (default: .grader/store).")
@click.option("--store-url", default="", help="SQLAlchemy address of its tables.")
@click.option("--minimum-group", type=click.IntRange(min=1), help="Fewest public rows.")
@course_option
def publish(target: Path, minimum_group: int | None, **given: Any) -> None:
    """Build the leaderboard from the results in the store.

    Students are hidden until `grader visibility STUDENT alias` says otherwise.

    Example: grader publish --to site
    """
    index = api.publish(
        target,
        store=given["store"],
        url=given["store_url"],
        course=given["course"],
        minimum_group=minimum_group,
    )
    click.echo(index)


@click.command(name="visibility")
@click.argument("student")
@click.argument("visibility", type=click.Choice(["hidden", "alias", "named"]))
@click.option("--by", required=True, help="Who recorded the student's wish.")
@click.option("--name", default="", help="The name to show, where it is 'named'.")
@course_option
def set_visibility(
    student: str, visibility: Any, by: str, name: str, course: Path | None
) -> None:
    """Record how STUDENT wishes to appear on the board: hidden, alias or named.

    Example: grader visibility ada@example.edu alias --by "A. Teacher"
    """
    store = api.open_store(course=course)
    store.set_visibility(student, visibility, by=by, name=name)
    talk.say(f"{student}: {visibility} from the next `grader publish` on")
