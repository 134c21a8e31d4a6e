"""`tito ci test|results`: what the workflow of this repository runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tito import checks, ci_results
from tito import ci as ci_
from tito.package import find_project

FILE = click.Path(path_type=Path, dir_okay=False)
SUMMARY = click.option(
    "--summary",
    envvar="GITHUB_STEP_SUMMARY",
    type=FILE,
    help="Add Markdown to this file (default: GitHub's).",
)


@click.group()
def ci() -> None:
    """For the workflow on GitHub: tests with a summary, and the course's results."""


@ci.command()
@SUMMARY
@click.option("--junit", type=FILE, help="Also write JUnit XML here.")
@click.option("--html", type=FILE, help="Also write a page here.")
@click.option("--no-milestones", is_flag=True, help="Leave the milestones out.")
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(min=1),
    default=checks.TOTAL_S,
    show_default=True,
    help="Seconds for all public tests together.",
)
def test(
    summary: Path | None,
    junit: Path | None,
    html: Path | None,
    limit_s: float,
    *,
    no_milestones: bool,
) -> None:
    """Run all public tests once, and the milestones whose modules pass.

    Exit code 1 if something is wrong; what is not written yet is not wrong.

    Example: tito ci test --junit junit.xml
    """
    wanted = ci_.Wanted(summary, junit, html, not no_milestones, limit_s)
    sys.exit(ci_.test(find_project(Path.cwd()), wanted))


@ci.command()
@click.argument("submission", default="")
@SUMMARY
@click.option("--to", envvar="SUBMIT_TO", default="", help="Address of the service.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=900.0,
    show_default=True,
    help="Seconds to wait until it is graded.",
)
def results(submission: str, summary: Path | None, to: str, wait_s: float) -> None:
    """Wait for the course's grading and add its results to the summary.

    SUBMISSION is the id that `tito submit` told; without one, it is what this
    package was handed in as. The token is in TINYTORCH_TOKEN or .tinytorch/token.

    Example: tito ci results s-ABCDEFGHIJKL
    """
    order = ci_results.Order(submission, to, summary, wait_s)
    sys.exit(ci_results.results(find_project(Path.cwd()), order))
