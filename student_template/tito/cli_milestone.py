"""`tito milestone list|info|run`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from tito import course as course_file
from tito.errors import TitoError
from tito.milestones import check_needs, choose, run_all
from tito.package import find_project
from tito.screen import say
from tito.state import here
from tito.timeline import describe


def complete_milestone(
    _context: click.Context, _parameter: click.Parameter, start: str
) -> list[CompletionItem]:
    """Return the milestones that the shell may complete to."""
    try:
        course = course_file.load(find_project(Path.cwd()))
    except TitoError:
        return []  # a shell that completes has nowhere to show an error
    names = (m.label for m in course.milestones if m.released)
    return [CompletionItem(name) for name in names if name.startswith(start)]


NAME = click.argument("name", shell_complete=complete_milestone)


@click.group()
def milestone() -> None:
    """Milestones, the historical runs: list, look at, run."""


@milestone.command(name="list")
def list_() -> None:
    """List the milestones, and where you are with each.

    Example: tito milestone list
    """
    now = here(find_project(Path.cwd()))
    for each in now.course.milestones:
        head = f"{each.label}, {each.year}"
        say(f"{head:<22} {describe(now.milestone(each), now.course)}")


@milestone.command()
@NAME
def info(name: str) -> None:
    """Show a milestone: what it needs, its scripts, and what counts.

    Example: tito milestone info 01
    """
    now = here(find_project(Path.cwd()))
    each = now.course.milestone(name)
    say(f"{each.label}   {each.year}: {each.title}")
    say(f"state    {describe(now.milestone(each), now.course)}")
    say(f"needs    {', '.join(map(now.course.label, each.needs))}")
    if each.due:
        say(f"due      {each.due}")
    for script in each.scripts:
        words = " ".join([script.file, *script.options])
        data = f"   (fetch {script.fetch} first)" if script.fetch else ""
        say(f"script   {words}{data}")
    if (quick := each.quick) is not None:
        bound = "at most" if quick.lower_is_better else "at least"
        say(f"target   {bound} {quick.target:g} ({quick.metric}), by {quick.script}")
        say(f"limits   {quick.cpu_s:g} s of CPU, {quick.memory_mib} MiB, when graded")
    say(f"read     milestones/{each.folder}/README.md")
    say(f"run      tito milestone run {each.number}")


@milestone.command()
@NAME
@click.option("--script", "scripts", multiple=True, help="Only this script.")
@click.option("--full", is_flag=True, help="Also scripts whose data you have fetched.")
@click.option("--anyway", is_flag=True, help="Though modules are missing; no note.")
def run(name: str, scripts: tuple[str, ...], *, full: bool, anyway: bool) -> None:
    """Run the scripts of milestone NAME on your package, and note the outcome.

    NAME is "01", "perceptron" or "01_1957_perceptron". Ctrl-C ends training with a
    partial report.

    Example: tito milestone run 01
    """
    now = here(find_project(Path.cwd()))
    each = now.course.milestone(name)
    chosen = choose(each, scripts, fetched=full)
    check_needs(now, each, anyway=anyway)
    code = run_all(now, each, chosen, note=not now.missing(each.needs))
    left = [s for s in each.scripts if s.fetch and s not in chosen]
    if not scripts:
        for script in left:
            say(
                f"left out: {script.file} needs {script.fetch}, which has to be fetched"
            )
            say(
                "  milestones/README.md says how; then: tito milestone run "
                f"{each.number} --full"
            )
    sys.exit(code)
