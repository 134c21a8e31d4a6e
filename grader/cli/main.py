"""The `grader` command: stdout is the result, stderr is talk.

Nothing of the engine is imported here: `--version`, `--help` and a mistyped name answer
at once, and a command pays for what it needs itself.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import Any

import click

import grader
from grader.cli import arithmetic, talk
from grader.cli.commands import COMMANDS
from grader.cli.loading import LoadingGroup
from grader.errors import INTERRUPTED, GraderError
from grader.reports.display import one_line


class Group(LoadingGroup):
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


@click.group(
    cls=Group,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(grader.__version__, prog_name="grader")
def cli() -> None:
    """Grade tinytorch packages and publish what was measured."""


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
