"""Everything that is said on stderr while a command works."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from grader.errors import ConfigError

QUIET_S: Final = 10.0


def say(text: str) -> None:
    """Say one line."""
    click.echo(text, err=True)


def progress() -> Callable[[str], None]:
    """Return a sink for what is being graded.

    On a terminal it is one line that moves; elsewhere, as in CI logs, plain lines, one
    in `QUIET_S` seconds at most, so that short runs say nothing.
    """
    return _moving if sys.stderr.isatty() else _Plain().say


def _moving(text: str) -> None:
    width = max(20, shutil.get_terminal_size().columns - 1)
    sys.stderr.write(f"\r{text[:width]:<{width}}\r")
    sys.stderr.flush()


class _Plain:
    """Lines for a log, not too many."""

    def __init__(self) -> None:
        self._due = time.monotonic() + QUIET_S

    def say(self, text: str) -> None:
        """Say `text` if nothing was said for a while."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + QUIET_S
            say(text)


@contextmanager
def transfer() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show how much of each file has arrived."""
    from rich.console import Console  # noqa: PLC0415 -- only where there is a bar
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def report(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done, total=total)  # type: ignore[arg-type]

        yield report


def write(path: Path, data: bytes) -> None:
    """Write a file at once or not at all, and say so.

    Raises:
        ConfigError: it cannot be written.
    """
    put(path, data)
    say(f"wrote {path}")


def put(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file at once or not at all, silently.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(data)
        Path(file.name).chmod(mode)
        os.replace(file.name, path)  # noqa: PTH105 -- the atomic one
    except OSError as exc:
        msg = f"{path}: {exc.strerror}"
        raise ConfigError(msg, hint="name a folder that exists") from exc
