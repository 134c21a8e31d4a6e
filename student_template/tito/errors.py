"""The errors that `tito` shows: what is wrong, and what to do.

Exit codes: 0 all is well; 1 checks failed, a target was missed, or something in the
repository has to be put right; 2 the command makes no sense; 130 interrupted.
"""

from __future__ import annotations

from typing import Any

import click

from tito.screen import clean

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class TitoError(click.ClickException):
    """Something about the package or the repository that you can put right."""

    exit_code = FAILED

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def show(self, file: Any = None) -> None:
        click.echo(
            f"error: {clean(self.message)}\n  hint: {clean(self.hint)}", err=True
        )


class UnknownNameError(TitoError):
    """A name on the command line that means nothing here."""

    exit_code = USAGE
