"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
FOLDER: Final = click.Path(path_type=Path, file_okay=False)


def course_option(command: F) -> F:
    """Add --course."""
    return click.option(
        "--course", type=FOLDER, help="Folder of course.toml (default: found)."
    )(command)


def store_options(command: F) -> F:
    """Add --store, --store-url and --course."""
    store = click.option(
        "--store", type=FOLDER, help="Result store (default: .grader/store)."
    )
    url = click.option(
        "--store-url", default="", help="SQLAlchemy address of its tables."
    )
    return store(url(course_option(command)))
