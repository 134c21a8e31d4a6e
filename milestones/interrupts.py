"""Ctrl-C: the first ends what is going on, the second the process, at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

EXIT_CODE: Final = 130  # of a shell, for a command that SIGINT ended


class Interrupts:
    """Remembers whether Ctrl-C was pressed.

    Attributes:
        happened: it was, inside one of the `stage`s.
    """

    def __init__(self) -> None:
        self.happened = False

    @contextmanager
    def stage(self) -> Iterator[None]:
        """Leave the block on Ctrl-C instead of raising; go on behind it."""
        try:
            yield
        except KeyboardInterrupt:
            self.happened = True
            signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: object) -> NoReturn:
    # Not SystemExit: what is running now might catch that, and would take its time.
    os._exit(EXIT_CODE)
