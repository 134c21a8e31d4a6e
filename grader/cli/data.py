"""`grader data`: data sets that do not ship with the course."""

from __future__ import annotations

from pathlib import Path

import click

from grader import api
from grader.cli import talk
from grader.cli.options import FOLDER, course_option


@click.group()
def data() -> None:
    """Data sets of the fast and full profiles."""


@data.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--from", "source", type=FOLDER, help="Copy from here, do not download.")
@course_option
def fetch(names: tuple[str, ...], source: Path | None, course: Path | None) -> None:
    """Fetch data sets by NAME: checked, atomic, continued after an interruption.

    Example: grader data fetch mnist
    """
    with talk.transfer() as report:
        for item in api.fetch_data(names, source, course, report):
            click.echo(item)
