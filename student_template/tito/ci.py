"""`tito ci test`: public tests and quick milestones, told as GitHub shows things."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from tito.benchmark import Row, measure
from tito.ci_annotations import annotations, passes
from tito.ci_files import junit, page, write
from tito.ci_places import Places
from tito.ci_records import Outcomes, run_public
from tito.ci_summary import Milestones, append, counts, ended, summary
from tito.ci_text import cell, commands_stopped, log
from tito.errors import FAILED, TitoError
from tito.screen import clean_output, say, seconds
from tito.state import Here, here

# What tells a step where it may write, and secrets: nothing for code that is tested.
PRIVATE = ("GITHUB_", "RUNNER_", "ACTIONS_", "INPUT_", "TINYTORCH_TOKEN")


@dataclass(frozen=True)
class Wanted:
    """What to run, and what to write."""

    summary: Path | None
    junit: Path | None
    html: Path | None
    milestones: bool
    limit_s: float


def test(project: Path, wanted: Wanted) -> int:
    """Run and tell; return the exit code.

    Raises:
        TitoError: the repository is not as it has to be.
    """
    on_github = os.environ.get("GITHUB_ACTIONS") == "true"
    _forget_private()
    now = _here(project, wanted.summary)
    with commands_stopped() if on_github else nullcontext():
        found = _run(now, wanted)
        milestones = _milestones(now, found) if wanted.milestones else Milestones()
    places = Places(project, now.course, now.sources)
    _tell(found, milestones)
    if on_github:
        for each in annotations(found, milestones, now.course, places):
            click.echo(each)
    _write(found, milestones, places, wanted)
    return 0 if found.good and milestones.good else FAILED


def _here(project: Path, summary_file: Path | None) -> Here:
    """Read the repository; what is wrong with it belongs into the summary, too."""
    try:
        return here(project)
    except TitoError as error:
        if summary_file:
            said = f"{cell(error.message, 400)}\n\n{cell(error.hint, 400)}"
            append(summary_file, [f"## Public tests\n\n{said}\n"])
        raise


def _forget_private() -> None:
    for name in [name for name in os.environ if name.startswith(PRIVATE)]:
        del os.environ[name]


def _run(now: Here, wanted: Wanted) -> Outcomes:
    return run_public(
        now.project,
        wanted.limit_s,
        show=lambda text: click.echo(clean_output(text, colour=False), nl=False),
    )


def _milestones(now: Here, found: Outcomes) -> Milestones:
    """Run the graded script of every milestone whose modules pass."""
    rows: list[Row] = []
    waiting = 0
    for each in now.course.milestones:
        if not (each.released and each.quick):
            continue
        needed = [module.label for module in now.course.closure(each.needs)]
        if passes(found, needed):
            rows += measure(now, [], [each])
        else:
            waiting += 1
    return Milestones(rows, waiting)


def _tell(found: Outcomes, milestones: Milestones) -> None:
    if how := ended(found):
        say(log(how), "red")
    for module in found.modules:
        say(f"{log(module):<20} {counts(found.of(module))}")
    for row in milestones.rows:
        say(f"{log(row.name):<20} {log(row.result)} ({seconds(row.ran.wall_s)})")
    say(counts(found.checks), "green" if found.good else "red")


def _write(
    found: Outcomes, milestones: Milestones, places: Places, wanted: Wanted
) -> None:
    if wanted.summary:
        append(wanted.summary, summary(found, milestones, places))
    if wanted.junit:
        write(wanted.junit, junit(found, places))
    if wanted.html:
        write(wanted.html, page(found, milestones, places))
