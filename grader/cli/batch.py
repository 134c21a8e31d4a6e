"""`grader batch`: many submissions, and the table at the end."""

from __future__ import annotations

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, get_args

import click
from tabulate import tabulate

from grader import api
from grader.batch import Tally
from grader.cli import talk
from grader.cli.options import FOLDER, course_option
from grader.models.base import Profile
from grader.reports.display import csv_cell, one_line, terminal
from grader.sandbox.wall import CHOICES

EXECUTORS: Final = ("local", "docker", "dask")
INNER: Final = ("docker", "uid", "namespaces")
HEADERS: Final = ("student", "state", "earned", "of", "source", "why")
WORDS: Final = {
    "graded": "graded",
    "unclear": "inconclusive",
    "refused": "refused",
    "failed": "not graded",
    "waiting": "waiting",
    "leased": "in work",
}
SAY_S: Final = 10.0  # between lines where there is no terminal


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--jobs", type=click.IntRange(min=1), help="Workers (default: cores).")
@click.option("--executor", type=click.Choice(EXECUTORS), default="local")
@click.option("--scheduler", default="", help="Address of the Dask cluster.")
@click.option(
    "--inner", type=click.Choice(INNER), help="Wall of the cluster's workers."
)
@click.option("--sandbox", type=click.Choice(CHOICES), default="auto")
@click.option("--round", "round_name", default="", help="Round whose inputs are used.")
@click.option("--profile", type=click.Choice(get_args(Profile)), default="quick")
@click.option("--only", "modules", multiple=True, help="Only this module; repeatable.")
@click.option("--milestone", "milestones", multiple=True, help="Only this milestone.")
@click.option("--no-milestones", is_flag=True, help="Leave the milestones out.")
@click.option("--data", type=FOLDER, help="Data sets (default: TINYTORCH_DATA).")
@click.option("--store", type=FOLDER, help="Result store (default: .grader/store).")
@click.option("--store-url", default="", help="SQLAlchemy address of its tables.")
@click.option(
    "--retry",
    multiple=True,
    type=click.Choice(["inconclusive", "failed", "refused"]),
    help="Grade these again; repeatable.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table"
)
@course_option
@click.pass_context
def batch(ctx: click.Context, /, sources: tuple[str, ...], **given: Any) -> None:
    """Grade many submissions, several at a time, and keep the results.

    SOURCES are folders with a submission each, archives, a tree that `gh classroom
    clone` or Classroom 50 made, a CSV roster with the columns student, source and, if
    wanted, submitted_at, or patterns. What was graded before is not graded again.

    Example: grader batch submissions/ --round week-1 --jobs 2
    """
    _fitting(given)
    with progress_shown() as progress:
        rows = api.grade_batch(sources, _options(given), progress)
    click.echo(_FORMS[given["form"]](rows))
    if any(row.state in {"unclear", "failed"} for row in rows):
        talk.say("not all could be judged (our side); --retry says what to try again")
        ctx.exit(5)


def _fitting(given: dict[str, Any]) -> None:
    """Refuse options that the executor would not heed."""
    asked = {name for name in ("scheduler", "inner", "jobs") if given[name]}
    asked |= {"sandbox"} if given["sandbox"] != "auto" else set()
    if given["executor"] == "dask":
        needed, useless = {"scheduler", "inner"}, {"jobs", "sandbox"}
    else:
        needed, useless = set(), {"scheduler", "inner"}
    for name in sorted(needed - asked):
        msg = f"--executor dask needs --{name}"
        raise click.UsageError(msg)
    for name in sorted(useless & asked):
        msg = f"--{name} does not go with --executor {given['executor']}"
        raise click.UsageError(msg)


def _options(given: dict[str, Any]) -> api.BatchOptions:
    sandbox = {"docker": "docker", "dask": given["inner"]}.get(given["executor"])
    return api.BatchOptions(
        grade=api.GradeOptions(
            course=given["course"],
            round=given["round_name"],
            profile=given["profile"],
            sandbox=sandbox or given["sandbox"],
            data=given["data"],
            modules=given["modules"],
            milestones=() if given["no_milestones"] else given["milestones"] or None,
        ),
        store=given["store"],
        url=given["store_url"],
        jobs=given["jobs"] or 0,
        retry=given["retry"],
        scheduler=given["scheduler"],
    )


def _table(rows: Sequence[api.BatchRow]) -> str:
    shown = [
        [
            terminal(row.student, 24),
            WORDS[row.state],
            "" if row.earned is None else f"{row.earned:.2f}",
            "" if row.points is None else f"{row.points:g}",
            terminal(row.message, 60),
        ]
        for row in rows
    ]
    headers = ("student", "", "earned", "of", "")
    return tabulate(shown, headers, disable_numparse=True, tablefmt="simple")


def _csv(rows: Sequence[api.BatchRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADERS)
    for row in rows:
        score = ["" if v is None else f"{v:.2f}" for v in (row.earned, row.points)]
        texts = [csv_cell(row.source), csv_cell(row.message)]
        writer.writerow([csv_cell(row.student), WORDS[row.state], *score, *texts])
    return out.getvalue().rstrip("\n")


def _json(rows: Sequence[api.BatchRow]) -> str:
    return json.dumps([row.model_dump() for row in rows])


_FORMS: Final[dict[str, Callable[[Sequence[api.BatchRow]], str]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
}


@contextmanager
def progress_shown() -> Iterator[Callable[[Tally], None]]:
    """Show a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console  # noqa: PLC0415 -- only where there is a bar
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)

        def show(tally: Tally) -> None:
            text = one_line(_said(tally))
            bar.update(task, total=tally.total, completed=tally.ended, description=text)

        yield show


def _lines() -> Callable[[Tally], None]:
    due = [time.monotonic() + SAY_S]

    def show(tally: Tally) -> None:
        if time.monotonic() >= due[0]:
            due[0] = time.monotonic() + SAY_S
            talk.say(f"{tally.ended} of {tally.total}: {_said(tally)}")

    return show


def _said(tally: Tally) -> str:
    counts = [
        f"{tally.states[state]} {WORDS[state]}"
        for state in ("graded", "refused", "unclear", "failed", "leased")
        if tally.states[state]
    ]
    left = "" if tally.left_s is None else f", about {tally.left_s:.0f} s to go"
    return ", ".join(counts) + left
