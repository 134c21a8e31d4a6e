"""What this machine and this program offer: `grader doctor`, `grader schema`."""

from __future__ import annotations

from pathlib import Path

import click

from grader import api, reports
from grader.cli.options import course_option


@click.command()
@course_option
def doctor(course: Path | None) -> None:
    """Say which sandboxes work here, and what is missing for the others.

    Example: grader doctor
    """
    for line in api.diagnosis(course):
        click.echo(line)


@click.command()
def schema() -> None:
    """Print the JSON Schema of a report.

    Example: grader schema > report-schema.json
    """
    click.echo(reports.report_schema(), nl=False)
