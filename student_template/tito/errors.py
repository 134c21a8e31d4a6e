"""The one error that `tito` shows: what is wrong, and what to do."""

from __future__ import annotations

from typing import Any

import click


class TitoError(click.ClickException):
    """Something about the package or the command that you can put right."""

    exit_code = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: Any = None) -> None:
        click.echo(f"error: {self.message}\n  hint: {self.hint}", err=True)
