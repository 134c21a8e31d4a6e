"""A zygote for what is seldom needed: it starts with its first group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from grader.models.measure import Limits
from grader.sandbox.group import Group
from grader.sandbox.zygote import Zygote


class LateZygote(Zygote):
    """Costs nothing until it is asked for a group; a context manager."""

    started = False

    def __enter__(self) -> Self:
        return self

    def group(self, preload: Iterable[str], load_limits: Limits) -> Group:
        """Fork a group that has imported the package.

        Raises:
            Ending: importing hit a limit or ended the process.
            SandboxUnavailableError: the sandbox does not start.
        """
        if not self.started:
            self.started = True
            try:
                super().__enter__()
            except BaseException:
                self.started = False
                raise
        return super().group(preload, load_limits)

    def cpu_s(self) -> float:
        """Return the CPU seconds of the whole tree so far; 0 before it starts."""
        return super().cpu_s() if self.started else 0.0

    def close(self) -> None:
        """Kill the whole tree, if there is one."""
        if self.started:
            self.started = False
            super().close()

    def restart(self) -> None:
        """End what may be lost; the next group starts anew."""
        self.close()
