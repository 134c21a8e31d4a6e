"""How a run in the sandbox can end early.

`StudentError` is an answer: the student's code raised. Every `Ending` ends the check's
process; `checks.judge` turns each into an outcome at one place.
"""

from __future__ import annotations

from typing import ClassVar

from grader.models.outcome import Limit
from grader.wire.framing import Fault


class StudentError(Exception):
    """The student's code raised; `class_names` are the exception's class and bases.

    A class of its own, so that a remote StopIteration or KeyboardInterrupt is never
    taken for one of ours.
    """

    def __init__(self, fault: Fault) -> None:
        self.class_names = fault.names
        self.message = fault.message
        self.frames = fault.frames
        super().__init__(f"{fault.names[0]}: {fault.message}")


class Ending(Exception):
    """The process behind the channel is over, or must be."""

    infrastructure: ClassVar[bool] = True  # `checklib.raises` lets it through


class LimitHit(Ending):
    """A limit was reached; the process is killed."""

    def __init__(self, which: Limit, limit: str) -> None:
        super().__init__(f"{which}: {limit}")
        self.which, self.limit = which, limit


class Died(Ending):
    """The process ended by itself: exit, signal or crash."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class BadAnswer(Ending):
    """What came through the pipe was not of the protocol."""


class Starved(Ending):
    """The host gave the process no CPU; ours, by evidence of the scheduler."""


class SandboxLost(Ending):
    """The sandbox itself failed before or beside any student code; ours."""
