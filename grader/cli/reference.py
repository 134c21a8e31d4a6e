"""Print the reference pages that are generated from code.

Run:    python -m grader.cli.reference board-data|commands|exit-codes|outcomes
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Final, get_args

import click

from grader.cli.main import cli
from grader.errors import EXIT_CODES
from grader.models import outcome
from grader.publish.described import board_data


def commands() -> str:
    """Return the help of every command as Markdown."""
    told = "Generated from the program; `grader COMMAND --help` says the same."
    parts = ["# Commands", told]
    for path, command in walk(cli, "grader"):
        settings = {"info_name": path, "max_content_width": 80, **cli.context_settings}
        with click.Context(command, **settings) as context:
            text = command.get_help(context)
        parts.append(f"## `{path}`\n\n```text\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def walk(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from walk(child, f"{path} {name}")


def exit_codes() -> str:
    """Return the table of exit codes as Markdown."""
    rows = [f"| {code} | {meaning} |" for code, meaning in sorted(EXIT_CODES.items())]
    return "\n".join(["| exit | meaning |", "|---|---|", *rows]) + "\n"


def outcomes() -> str:
    """Return the closed list of outcomes as Markdown."""
    kinds = get_args(get_args(outcome.Outcome)[0])
    rows = [
        f"| `{kind.model_fields['kind'].default}` | {(kind.__doc__ or '').strip()} |"
        for kind in kinds
    ]
    head = ["# Outcomes", "", "What a submission did with one check; generated."]
    return "\n".join([*head, "", "| outcome | meaning |", "|---|---|", *rows]) + "\n"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "board-data": board_data,
    "commands": commands,
    "exit-codes": exit_codes,
    "outcomes": outcomes,
}


def main() -> None:
    """Print the page that is asked for."""
    if len(sys.argv) != 2 or sys.argv[1] not in PAGES:
        sys.exit(f"usage: python -m grader.cli.reference {'|'.join(PAGES)}")
    sys.stdout.write(PAGES[sys.argv[1]]())


if __name__ == "__main__":
    main()
