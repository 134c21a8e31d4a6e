"""`grader grade`: one submission, judged now."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from grader import api, reports
from grader.cli import talk
from grader.cli.options import FOLDER, course_option
from grader.errors import INTERRUPTED, UsageError
from grader.models.base import Profile
from grader.models.report import GradeReport
from grader.sandbox.wall import CHOICES


@click.command()
@click.argument("submission")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page here.")
@click.option("--round", "round_name", default="", help="Round whose inputs are used.")
@click.option("--profile", type=click.Choice(get_args(Profile)), default="quick")
@click.option("--sandbox", type=click.Choice(CHOICES), default="auto")
@click.option("--student", default="", help="Student id, where no bundle tells it.")
@click.option(
    "--module", "modules", multiple=True, help="Only this module; repeatable."
)
@click.option("--milestone", "milestones", multiple=True, help="Only this milestone.")
@click.option("--no-milestones", is_flag=True, help="Leave the milestones out.")
@click.option("--data", type=FOLDER, help="Data sets (default: TINYTORCH_DATA).")
@click.option("--save/--no-save", default=False, help="Keep the result in the store.")
@click.option("--fail-under", type=float, help="Exit 1 below this percentage.")
@click.option(
    "--pack",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Answer pack that stands for course, round and reference.",
)
@course_option
@click.pass_context
def grade(ctx: click.Context, /, submission: str, **given: Any) -> None:
    """Grade one SUBMISSION: a folder, .zip, .tar.gz, bundle or git address.

    Example: grader grade student_template --round week-1 --html report.html
    """
    if given["pack"] and given["save"]:
        msg = "a result of an answer pack is feedback and is not stored"
        raise UsageError(msg, hint="leave out `--save`")
    options = _grade_options(given)
    report = api.grade(submission, options, talk.progress())
    _print_report(report, given["form"])
    if given["html"]:
        talk.write(given["html"], reports.to_html(report).encode())
    if given["save"]:
        api.save(report, submission, given["course"])
    if api.was_interrupted(report):
        talk.say("interrupted; the report has what was measured until then")
        ctx.exit(INTERRUPTED)
    if api.is_inconclusive(report):
        talk.say(_unjudged(given["pack"]))
        ctx.exit(5)
    verdict = report.verdict
    share = 100 * verdict.earned / verdict.points if verdict.points else 0.0
    if given["fail_under"] is not None and share < given["fail_under"]:
        ctx.exit(1)


def _unjudged(pack: Path | None) -> str:
    said = "some checks could not be judged (our side); "
    return said + (
        "the course can judge them without a pack" if pack else "grade again"
    )


def _grade_options(given: dict[str, Any]) -> api.GradeOptions:
    milestones = given["milestones"] or None
    return api.GradeOptions(
        course=given["course"],
        round=given["round_name"],
        profile=given["profile"],
        sandbox=given["sandbox"],
        student=given["student"],
        data=given["data"],
        modules=given["modules"],
        milestones=() if given["no_milestones"] else milestones,
        pack=given["pack"],
    )


def _print_report(report: GradeReport, form: str) -> None:
    text = report.model_dump_json() if form == "json" else reports.to_table(report)
    click.echo(text)
