"""The command line: parse, call, exit. What it does stands in the other files."""

from __future__ import annotations

import errno
import io
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from tito import __version__
from tito.benchmark import ADVICE, HEAD, measure
from tito.cli_milestone import complete_milestone, milestone
from tito.cli_module import complete_module, module
from tito.doctor import examine
from tito.errors import FAILED, INTERRUPTED, TitoError
from tito.hints import hint as hint_text
from tito.package import find_project
from tito.screen import look, say
from tito.state import here
from tito.timeline import timeline

HELP = {"help_option_names": ["-h", "--help"]}
# Imported when they are called: they need the network's parts of Python, others do not.
ELSEWHERE = {
    "ci": "tito.cli_ci",
    "leaderboard": "tito.cli_board",
    **dict.fromkeys(("login", "status", "submit"), "tito.cli_submit"),
}


class _Tito(click.Group):
    """Every error is told in two lines, and Ctrl-C is 130 everywhere."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in ELSEWHERE:
            return super().get_command(ctx, name)
        command: click.Command = getattr(import_module(ELSEWHERE[name]), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # what it cannot show is spelled
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            if error.errno == errno.EPIPE:  # who reads us has seen enough
                raise
            raise TitoError(
                f"{error.filename or 'a file'}: {error.strerror or error}",
                "Check what stands there, its permissions and the free space.",
            ) from None


@click.group(cls=_Tito, context_settings=HELP)
@click.version_option(__version__)
def main() -> None:
    """Build your tinytorch: check it, see where you are, hand it in.

    Exit codes: 0 all is well, 1 checks failed or something has to be put right,
    2 the command makes no sense, 3 kept and not handed in yet, 4 not graded yet,
    130 interrupted.
    """


main.add_command(module)
main.add_command(milestone)


@main.group()
def checkpoint() -> None:
    """Where you are in the course."""


@checkpoint.command(name="status")
def timeline_() -> None:
    """Show modules and milestones: done, stale, in progress, blocked, to come.

    Example: tito checkpoint status
    """
    seen = look()
    for line in timeline(here(find_project(Path.cwd())), seen):
        click.echo(line, color=seen.colour)


@main.command()
@click.argument("task", metavar="TASK")
@click.option("--more", is_flag=True, help="Also the direction to go.")
def hint(task: str, *, more: bool) -> None:
    """Give a hint for a TASK.

    Example: tito hint 2.3 --more
    """
    say(hint_text(find_project(Path.cwd()), task, more=more))


@main.command()
@click.argument("modules", nargs=-1, shell_complete=complete_module)
@click.option(
    "--milestone",
    "milestones",
    multiple=True,
    metavar="NN",
    shell_complete=complete_milestone,
    help="A milestone; may be given more than once.",
)
def benchmark(modules: tuple[str, ...], milestones: tuple[str, ...]) -> None:
    """Measure time and memory of your code; this is advice, no grade.

    Runs the public checks of MODULES and the graded script of milestones, each in a
    process of its own. Without names: all modules that are complete, and the
    milestones that can be run with them.

    Example: tito benchmark 02 03 --milestone 01
    """
    now = here(find_project(Path.cwd()))
    chosen = [now.course.module(name) for name in modules]
    runs = [now.course.milestone(name) for name in milestones]
    if not (chosen or runs):
        chosen = [m for m in now.course.modules if m.name in now.progress.modules]
        ready = (m for m in now.course.milestones if m.released)
        runs = [m for m in ready if not now.missing(m.needs)]
    if not (chosen or runs):
        say("no module is complete yet; name one: tito benchmark 02")
        return
    say(HEAD)
    good = True
    for row in measure(now, chosen, runs):
        say(str(row), "" if row.good else "yellow")
        good = good and row.good
    say()
    for line in ADVICE:
        say(line)
    sys.exit(0 if good else FAILED)


@main.command()
def doctor() -> None:
    """Look at Python, numpy, the installation, git, and this repository.

    Example: tito doctor
    """
    wrong = False
    marks = {"ok": ("ok", "green"), "advice": ("note", "yellow")}
    for found in examine(find_project(Path.cwd())):
        mark, colour = marks.get(found.level, ("WRONG", "red"))
        say(f"{mark:<6} {found.what:<11} {found.state}", colour)
        if found.do:
            say(f"{'':<6} {'':<11} -> {found.do}")
        wrong = wrong or found.level == "wrong"
    sys.exit(FAILED if wrong else 0)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that lets SHELL complete tito's commands and names.

    Example: tito completion bash > ~/.tito-completion.bash
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "tito", "_TITO_COMPLETE").source())
