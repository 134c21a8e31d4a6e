"""Everything that is said on stderr while a command works."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from grader.errors import ConfigError


def say(text: str) -> None:
    """Say one line."""
    click.echo(text, err=True)


def progress() -> Callable[[str], None]:
    """Return a sink for what is being graded: one moving line on a terminal only."""
    if not sys.stderr.isatty():
        return lambda _: None
    width = 78

    def show(text: str) -> None:
        sys.stderr.write(f"\r{text[:width]:<{width}}\r")
        sys.stderr.flush()

    return show


@contextmanager
def transfer() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show how much of each file has arrived."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def report(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)  # type: ignore[arg-type]

        yield report


def write(path: Path, data: bytes) -> None:
    """Write a file at once or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).chmod(0o644)
        os.replace(file.name, path)  # noqa: PTH105 -- the atomic one
    except OSError as exc:
        msg = f"{path}: {exc.strerror}"
        raise ConfigError(msg, hint="name a folder that exists") from exc
    say(f"wrote {path}")
