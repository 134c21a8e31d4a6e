"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

if TYPE_CHECKING:
    from grader.records import Place

F = TypeVar("F", bound=Callable[..., Any])
FOLDER: Final = click.Path(path_type=Path, file_okay=False)


def course_option(command: F) -> F:
    """Add --course."""
    return click.option(
        "--course", type=FOLDER, help="Folder of course.toml (default: found)."
    )(command)


def store_options(command: F) -> F:
    """Add --store, --store-url and --course."""
    folder = click.option(
        "--store", type=FOLDER, help="Result store (default: .grader/store)."
    )
    url = click.option(
        "--store-url", default="", help="SQLAlchemy address of its tables."
    )
    return folder(url(course_option(command)))


def place_of(given: dict[str, Any]) -> Place:
    """Return the store that the options name."""
    from grader.records import Place  # noqa: PLC0415 -- not for every command's sake

    return Place(course=given["course"], folder=given["store"], url=given["store_url"])
