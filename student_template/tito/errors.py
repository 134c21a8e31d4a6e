"""The errors that `tito` shows: what is wrong, and what to do.

Exit codes: 0 all is well; 1 checks failed, a target was missed, or something in the
repository has to be put right; 2 the command makes no sense; 3 what was to be handed in
is kept here and not handed in yet; 4 not graded yet; 130 interrupted.
"""

from __future__ import annotations

from typing import Any

import click

from tito.screen import clean

FAILED, USAGE, KEPT, NOT_YET, INTERRUPTED = 1, 2, 3, 4, 130


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


class LaterError(TitoError):
    """It cannot be done now, and can be done later without changing anything."""

    exit_code = KEPT


class RefusedError(TitoError):
    """Exactly this will never be taken: trying again is of no use."""
