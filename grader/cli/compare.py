"""`grader compare`: which submissions share passages, as evidence to look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
from tabulate import tabulate

from grader import api
from grader.cli import talk
from grader.cli.options import course_option
from grader.reports.display import csv_cell, terminal
from grader.similarity import Comparison, to_html
from grader.similarity.html import files_named, percent

HEADERS: Final = (
    *("student_a", "student_b", "file_a", "file_b"),
    *("a_in_b", "b_in_a", "shared", "longest_run"),
)
SHARE: Final = click.FloatRange(0, 1)
SHOWN_NOTES: Final = 10


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--least",
    type=SHARE,
    default=0.3,
    show_default=True,
    help="Share of one file that must be found in the other.",
)
@click.option(
    "--common",
    type=SHARE,
    default=0.5,
    show_default=True,
    help="What more than this share of the class has does not count.",
)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Pairs of students to show.",
)
@click.option(
    "--given",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Other code that everybody was given; repeatable.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page here.")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table"
)
@course_option
def compare(
    *, sources: tuple[str, ...], html: Path | None, form: str, **given: Any
) -> None:
    """Show which submissions share passages: evidence, never a verdict.

    SOURCES are those of `grader batch`. Names, numbers, strings, comments and layout
    do not matter; the student template, and what much of the class has, do not count.

    Example: grader compare submissions/ --html similar.html
    """
    compared = api.compare(sources, api.CompareOptions(**given), talk.progress())
    click.echo(_FORMS[form](compared.report))
    if html:
        talk.write(html, to_html(compared).encode())
    _tell(compared.report)


def _tell(report: Comparison) -> None:
    """Say on stderr what the result does not show."""
    for note in report.notes[:SHOWN_NOTES]:
        place = f", {note.path}" if note.path else ""
        talk.say(terminal(f"{note.student}{place}: {note.text}", 100))
    if len(report.notes) > SHOWN_NOTES:
        talk.say(f"and {len(report.notes) - SHOWN_NOTES} more notes: --format json")
    if report.found > len(report.pairs):
        talk.say(f"{report.found - len(report.pairs)} more pairs: raise --top")
    talk.say("evidence to look at, not a verdict: equal code has innocent causes too")


def _table(report: Comparison) -> str:
    if not report.pairs:
        return f"{report.students} submissions: no two share {percent(report.least)}"
    rows = [
        [
            terminal(pair.a, 18) if place == 0 else "",
            terminal(pair.b, 18) if place == 0 else "",
            terminal(files_named(found), 40),
            percent(found.a_in_b),
            percent(found.b_in_a),
            str(found.longest_run),
        ]
        for pair in report.pairs
        for place, found in enumerate(pair.files)
    ]
    headers = ("A", "B", "file", "A in B", "B in A", "run")
    align = ("left", "left", "left", "right", "right", "right")
    return tabulate(
        rows, headers, tablefmt="simple", disable_numparse=True, colalign=align
    )


def _csv(report: Comparison) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADERS)
    for pair in report.pairs:
        for found in pair.files:
            texts = (pair.a, pair.b, found.file_a, found.file_b)
            shares = (f"{found.a_in_b:.3f}", f"{found.b_in_a:.3f}")
            counts = (found.shared, found.longest_run)
            writer.writerow([*map(csv_cell, texts), *shares, *counts])
    return out.getvalue().rstrip("\n")


def _json(report: Comparison) -> str:
    return report.model_dump_json()


_FORMS: Final[dict[str, Callable[[Comparison], str]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
}
