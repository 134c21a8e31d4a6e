"""What a submission did with one check: a closed union.

Only `Inconclusive` is our fault, and only evidence of the trusted side may set it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from grader.models.base import CheckId, Model, ModuleName


class Limit(StrEnum):
    """A limit a submission can run into."""

    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"
    PROCESSES = "processes"
    OUTPUT = "output"
    SUITE_CPU = "suite_cpu"  # all checks of one module together


class Passed(Model):
    """The check holds."""

    kind: Literal["passed"] = "passed"


class Mismatch(Model):
    """The code ran and returned the wrong thing."""

    kind: Literal["mismatch"] = "mismatch"
    what: Literal["type", "shape", "dtype", "finite", "value", "gradient", "error"]
    call: str
    expected: str
    got: str
    hint: str = ""
    misconception: str = ""  # the known mistake that gives exactly this answer


class NotImplementedYet(Model):
    """The code is not written yet: TODO, not a mistake."""

    kind: Literal["not_implemented"] = "not_implemented"
    message: str


class Raised(Model):
    """The student's code raised an error that the contract does not allow."""

    kind: Literal["raised"] = "raised"
    error: str  # class name
    message: str
    where: str = ""  # "tinytorch/tensor.py:41, in matmul"
    call: str = ""
    hint: str = ""


class LimitExceeded(Model):
    """A limit was reached; `limit` carries its unit."""

    kind: Literal["limit_exceeded"] = "limit_exceeded"
    which: Limit
    limit: str
    where: str = ""  # "at import", "in Linear.forward"


class Crashed(Model):
    """The interpreter died: exit, signal, segmentation fault."""

    kind: Literal["crashed"] = "crashed"
    how: str  # "exit code 0", "signal 11 (SIGSEGV)"
    where: str = ""


class ProtocolViolation(Model):
    """What came out of the sandbox was not what the protocol allows."""

    kind: Literal["protocol_violation"] = "protocol_violation"
    detail: str


class Blocked(Model):
    """Failed, and something it builds on fails too."""

    kind: Literal["blocked"] = "blocked"
    by: tuple[CheckId | ModuleName, ...]


class Inconclusive(Model):
    """Could not be judged, for a reason on our side; never a zero."""

    kind: Literal["inconclusive"] = "inconclusive"
    reason: str


Outcome = Annotated[
    Passed
    | Mismatch
    | NotImplementedYet
    | Raised
    | LimitExceeded
    | Crashed
    | ProtocolViolation
    | Blocked
    | Inconclusive,
    Field(discriminator="kind"),
]
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)
