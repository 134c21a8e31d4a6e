"""`grader validate`: proof that the hidden suites judge as they should."""

from __future__ import annotations

from typing import Any

import click

from grader import api, reports
from grader.cli import talk
from grader.cli.options import course_option
from grader.errors import UnprovenError
from grader.sandbox.wall import CHOICES


@click.command()
@click.option("--module", "modules", multiple=True, help="Only this; repeatable.")
@click.option(
    "--mutants",
    "kinds",
    type=click.Choice(["all", "named", "operator", "none"]),
    default="all",
    help="Wrong packages: students' mistakes, machine-made ones, both or neither.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=0),
    default=0,
    help="Machine-made ones a module; 0: all.",
)
@click.option(
    "--rounds",
    type=click.IntRange(min=1),
    default=3,
    help="Secrets that the reference is checked with.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Sandboxes at a time.",
)
@click.option(
    "--bar",
    type=click.FloatRange(0, 1),
    default=0.95,
    show_default=True,
    help="Share of mutants a module's suite must notice.",
)
@click.option(
    "--sandbox",
    type=click.Choice([c for c in CHOICES if c != "docker"]),
    default="auto",
)
@click.option("--fresh", is_flag=True, help="Forget what an interrupted run has found.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@course_option
def validate(*, kinds: str, form: str, **given: Any) -> None:
    """Prove the hidden suites: the reference passes, wrong packages do not.

    Runs them against the reference under several secrets, an empty package, the
    untouched template, and the reference with one mistake each. An interrupted run
    goes on where it stopped.

    Example: grader validate --module losses
    """
    chosen = {"all": ("named", "operator"), "none": ()}.get(kinds, (kinds,))
    options = api.ValidateOptions(kinds=chosen, **given)
    report = api.validate(options, talk.progress())
    text = (
        report.model_dump_json() if form == "json" else reports.to_proof_table(report)
    )
    click.echo(text, nl=form == "json")
    if report.problems:
        msg = f"the suites are not proven: {len(report.problems)} problems"
        raise UnprovenError(msg, hint="add a check, or list an equivalent change")
