"""A group of commands that imports a command when it is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem


class Place(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    name: str
    help: str


class Commands(MutableMapping[str, click.Command]):
    """Commands by name; one that stands at a place is imported when it is taken."""

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._found: dict[str, click.Command | Place] = dict(places)

    def __getitem__(self, name: str) -> click.Command:
        found = self._found[name]
        if isinstance(found, Place):
            found = self._found[name] = getattr(import_module(found.module), found.name)
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class LoadingGroup(click.Group):
    """Lists its commands by a table; a test holds the table against the commands."""

    def __init__(self, *, places: Mapping[str, Place], **settings: Any) -> None:
        super().__init__(commands=Commands(places), **settings)
        told = [click.Command(name, help=place.help) for name, place in places.items()]
        self._listed = click.Group(self.name, commands=told, params=self.params)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list of commands; none is imported for it."""
        self._listed.format_commands(ctx, formatter)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """Return the commands and options that begin so; none is imported for it."""
        return self._listed.shell_complete(ctx, incomplete)
