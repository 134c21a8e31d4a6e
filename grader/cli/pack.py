"""`grader pack`: hidden checks for where the reference must not be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from grader import api
from grader.cli import talk
from grader.cli.options import course_option
from grader.packs import facts
from grader.reports.display import one_line
from grader.sandbox.wall import CHOICES

FILE = click.Path(path_type=Path, dir_okay=False)
SHOWN = 10


@click.group()
def pack() -> None:
    """Answer packs: a feedback round's checks with recorded answers, no reference."""


@pack.command(name="build")
@click.argument("round_name", metavar="ROUND")
@click.argument("out", type=FILE)
@click.option(
    "--sandbox",
    type=click.Choice([c for c in CHOICES if c != "docker"]),
    default="auto",
)
@course_option
def build_(round_name: str, out: Path, **given: Any) -> None:
    """Make the answer pack of the feedback round ROUND as the new file OUT.

    Whoever holds the pack can read the checks and compute the round's inputs. Grade
    with it: grader grade --pack OUT SUBMISSION.

    Example: grader pack build week-1 week-1.pack
    """
    options = api.GradeOptions(**given)
    made = api.make_pack(round_name, out, options, talk.progress())
    talk.say(
        f"{made.checks} checks, {made.size / 1000:.0f} kB; "
        "it holds the round's secret, and nothing of the reference"
    )
    for name in made.wrong[:SHOWN]:
        talk.say(f"the reference does not pass {one_line(name)} in this round")
    if made.unanswered:
        names = ", ".join(map(one_line, made.unanswered[:SHOWN]))
        talk.say(f"{len(made.unanswered)} checks will be inconclusive with it: {names}")
    click.echo(made.digest)


@pack.command(name="show")
@click.argument("file", type=FILE)
def show_(file: Path) -> None:
    """Say what FILE is: digest, round, versions, checks without an answer.

    Example: grader pack show week-1.pack
    """
    found = facts(file)
    width = max(map(len, found))
    for name, text in found.items():
        click.echo(f"{name:<{width}}  {one_line(text)}")
