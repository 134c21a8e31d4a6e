"""The `grader` command: stdout is the result, stderr is talk."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

import grader
from grader import api
from grader.cli import arithmetic, talk
from grader.cli.batch import batch
from grader.cli.bundle import bundle_group
from grader.cli.compare import compare
from grader.cli.compete import compete
from grader.cli.export import export
from grader.cli.feedback import feedback
from grader.cli.history import forget, history, show, store_group
from grader.cli.image import image
from grader.cli.mark import mark
from grader.cli.options import FOLDER, course_option
from grader.cli.overview import overview
from grader.cli.pack import pack
from grader.cli.regrade import regrade
from grader.cli.roster import roster
from grader.cli.rounds import round_group
from grader.cli.serve import serve
from grader.cli.template import template
from grader.errors import INTERRUPTED, GraderError, UnprovenError, UsageError
from grader.models.base import Profile
from grader.models.report import GradeReport
from grader.reports import to_html, to_proof_table, to_table
from grader.reports.display import one_line
from grader.reports.schema import report_schema
from grader.sandbox.wall import CHOICES


class Group(click.Group):
    """Turns a `GraderError` into one readable message and its own exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except GraderError as exc:
            tell(exc)
            ctx.exit(exc.exit_code)


def tell(error: GraderError) -> None:
    """Print one readable message."""
    click.secho(f"error[{error.code}]: {one_line(error.message)}", fg="red", err=True)
    if error.hint:
        click.echo(f"  hint: {one_line(error.hint)}", err=True)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(grader.__version__, prog_name="grader")
def cli() -> None:
    """Grade tinytorch packages and publish what was measured."""


@cli.command()
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
        talk.write(given["html"], to_html(report).encode())
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


cli.add_command(batch)
cli.add_command(compare)
cli.add_command(compete)
cli.add_command(export)
cli.add_command(feedback)
cli.add_command(history)
cli.add_command(show)
cli.add_command(regrade)
cli.add_command(forget)
cli.add_command(store_group)
cli.add_command(template)
cli.add_command(image)
cli.add_command(overview)
cli.add_command(pack)
cli.add_command(bundle_group)
cli.add_command(mark)
cli.add_command(roster)
cli.add_command(serve)
cli.add_command(round_group)


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
    text = report.model_dump_json() if form == "json" else to_table(report)
    click.echo(text)


@cli.command()
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


@cli.command(name="visibility")
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


@cli.group()
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


@cli.command()
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
    text = report.model_dump_json() if form == "json" else to_proof_table(report)
    click.echo(text, nl=form == "json")
    if report.problems:
        msg = f"the suites are not proven: {len(report.problems)} problems"
        raise UnprovenError(msg, hint="add a check, or list an equivalent change")


@cli.command()
@course_option
def doctor(course: Path | None) -> None:
    """Say which sandboxes work here, and what is missing for the others.

    Example: grader doctor
    """
    for line in api.diagnosis(course):
        click.echo(line)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of a report.

    Example: grader schema > report-schema.json
    """
    click.echo(report_schema(), nl=False)


def guarded(program: Callable[[], Any]) -> None:
    """Run a program; an unexpected error leaves a file, not a wall of text."""
    try:
        program()
    except GraderError as exc:
        tell(exc)
        sys.exit(exc.exit_code)
    except KeyboardInterrupt:
        talk.say("interrupted; finished results are kept")
        sys.exit(INTERRUPTED)
    except Exception as exc:
        if os.environ.get("GRADER_DEBUG"):
            raise
        with tempfile.NamedTemporaryFile(
            "w", prefix="grader-bug-", suffix=".txt", delete=False
        ) as file:
            traceback.print_exc(file=file)
        talk.say(f"bug: {type(exc).__name__}: {exc}; details in {file.name}")
        sys.exit(GraderError.exit_code)


def main() -> None:
    """Run the `grader` command line."""
    if arithmetic.wanted(sys.argv[1:]):
        arithmetic.start_again_plain()
    guarded(_run)


def _run() -> None:
    """Click's own errors keep their form; an interruption has its own exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.Abort as exc:
        raise KeyboardInterrupt from exc
    except click.ClickException as exc:
        exc.show()
        sys.exit(exc.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
