"""`tito module list|info|test|complete`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from tito import checks
from tito import course as course_file
from tito.complete import complete as complete_
from tito.errors import FAILED, TitoError
from tito.package import PACKAGE, find_project
from tito.screen import clean_output, look, say
from tito.state import here
from tito.timeline import describe


def complete_module(
    _context: click.Context, _parameter: click.Parameter, start: str
) -> list[CompletionItem]:
    """Return the modules that the shell may complete to."""
    try:
        course = course_file.load(find_project(Path.cwd()))
    except TitoError:
        return []  # a shell that completes has nowhere to show an error
    names = (m.label for m in course.modules if m.released)
    return [CompletionItem(name) for name in names if name.startswith(start)]


NAME = click.argument("name", shell_complete=complete_module)


@click.group()
def module() -> None:
    """Modules: list, look at, check, complete."""


@module.command(name="list")
def list_() -> None:
    """List the modules, and where you are with each.

    Example: tito module list
    """
    project = find_project(Path.cwd())
    if not (project / course_file.FILE).exists():
        for name in checks.modules(project):  # what can be tested without it
            say(name)
        return
    now = here(project)
    for each in now.course.modules:
        say(f"{each.label:<20} {describe(now.module(each), now.course)}")


@module.command()
@NAME
def info(name: str) -> None:
    """Show a module: its file, what it needs, and its tasks.

    Example: tito module info 02_tensor
    """
    now = here(find_project(Path.cwd()))
    course, each = now.course, now.course.module(name)
    unwritten = now.unwritten(each)
    say(f"{each.label}   {each.title}")
    say(f"state    {describe(now.module(each), course)}")
    say(f"files    {', '.join(f'{PACKAGE}/{file}' for file in each.files)}")
    say(f"needs    {', '.join(map(course.label, each.needs)) or 'nothing'}")
    later = [m.label for m in course.milestones if each in course.closure(m.needs)]
    say(f"used in  {', '.join(later) or 'no milestone'}")
    if each.due:
        say(f"due      {each.due}")
    say("tasks")
    for number, target in each.tasks:
        mark = "TODO" if f"{number} {target}" in unwritten else ""
        say(f"  {number:<6} {mark:<5} {target}")
    if len(unwritten) < len(each.tasks):
        say("  without TODO: written, or more of a function of an earlier module")
    say(f"next     tito module test {each.label}, tito hint {each.tasks[0][0]}")


@module.command()
@NAME
def test(name: str) -> None:
    """Run the public checks of module NAME; stop at the first failure.

    NAME is "02", "tensor" or "02_tensor". Exit code 1 while something is not right
    or not written.

    Example: tito module test 02
    """
    project = find_project(Path.cwd())
    path = checks.choose(project, name)
    colour = look().colour
    result = checks.run_checks(
        project,
        str(path),
        options=("-x",),
        show=lambda text: click.echo(
            clean_output(text, colour=colour), nl=False, color=colour
        ),
    )
    if result.ran.stopped:
        raise TitoError(
            f"the checks were {result.words}", "Look for a loop that does not end."
        )
    sys.exit(0 if result.passed else FAILED)


@module.command()
@NAME
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(min=1),
    default=checks.MODULE_S,
    show_default=True,
    help="Seconds for the checks of one module.",
)
def complete(name: str, limit_s: float) -> None:
    """Check module NAME and all that it rests on, and note what passed.

    The note holds the digest of the files; after an edit the module shows as stale
    until you run this again.

    Example: tito module complete 02_tensor
    """
    now = here(find_project(Path.cwd()))
    complete_(now, now.course.module(name), limit_s)
