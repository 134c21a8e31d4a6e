"""`grader image`: what the grader image holds, and whether it is that of this host."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from grader import api
from grader.cli.contained import table, to_text
from grader.cli.options import course_option
from grader.image.inspection import ImageReport, Standing
from grader.reports.display import one_line

SHORT: Final = len("sha256:") + 12


@click.group()
def image() -> None:
    """The image that submissions are graded in."""


@image.command()
@click.argument("name", default="")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@course_option
def inspect(name: str, form: str, course: Path | None) -> None:
    """Say what the image NAME holds, and whether it is what this checkout has.

    NAME is GRADER_IMAGE or tinytorch-grader:staff if left out. A container of it is
    started as for a grading, and asked what is isolated in it.

    Example: grader image inspect
    """
    report = api.inspect_image(name, course)
    click.echo(report.model_dump_json() if form == "json" else to_table(report))


@image.command()
@click.option("--target", type=click.Choice(["engine", "staff"]), default="staff")
@click.option("--base", default="", help="Name of the base image.")
@click.option("--base-id", default="", help="Its id in the Docker engine.")
@click.option("--revision", default="", help="Commit that is built.")
@click.option("--source", default="", help="Address of the source.")
@course_option
def labels(*, course: Path | None, **given: Any) -> None:
    """Print the labels for an image of this checkout, one NAME=VALUE a line.

    `make image` puts them on the image that it builds.

    Example: grader image labels --target staff --base python:3.11-slim
    """
    for name, value in api.image_labels(course, **given).items():
        click.echo(f"{name}={value}")


def to_table(report: ImageReport) -> str:
    """Return the report for a terminal."""
    facts = [
        ("image", report.name),
        ("id", report.id),
        ("size", f"{report.size_bytes / 1e6:.1f} MB"),
        ("created", f"{report.created:%Y-%m-%d %H:%M:%S %Z}"),
        ("architecture", report.architecture),
        *((label.name, label.value) for label in report.labels),
    ]
    rows = [
        (p.part, p.label[:SHORT], p.inside[:SHORT], p.here[:SHORT], _advice(p.standing))
        for p in report.parts
    ]
    heads = ("part", "label", "inside", "checkout", "verdict")
    inside = to_text(report.inside) if report.inside else _silent(report.problem)
    return "\n\n".join((table(facts), table(rows, heads), inside))


def _advice(standing: Standing) -> str:
    return standing if standing in {"same", "not there"} else f"{standing}: make image"


def _silent(problem: str) -> str:
    return f"the doctor inside does not answer: {one_line(problem)}"
