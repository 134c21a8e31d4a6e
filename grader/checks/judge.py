"""Turn what happened during a check into an outcome, at this one place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from grader.checks.checklib import CheckFailure
from grader.checks.remote import OracleError
from grader.models.measure import Limits
from grader.models.outcome import (
    Crashed,
    Inconclusive,
    Limit,
    LimitExceeded,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
    ProtocolViolation,
    Raised,
)
from grader.sandbox import (
    BadAnswer,
    Died,
    LimitHit,
    SandboxLost,
    Starved,
    StudentError,
)

MAX_TEXT: Final = 500
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{6,}")
_SCRATCH: Final = re.compile(r"/tmp/(tinytorch-scratch-\w+/)?check-[0-9a-f]{16}")  # noqa: S108
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def normal(text: str, limit: int = MAX_TEXT) -> str:
    """Return text from a submission as it may stand in a verdict.

    Addresses and scratch paths differ from run to run and are replaced; control and
    direction characters and lone surrogates go.
    """
    text = text[: 4 * limit].encode(errors="replace").decode()
    text = _SCRATCH.sub(".", _ADDRESS.sub("0x...", text))
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def judge(
    exc: Exception | None,
    *,
    how: str,
    call: str,
    limits: Limits,
    holds: Callable[[], bool],
) -> Outcome:
    """Return the outcome of a check that ended with `exc`.

    Args:
        how: how the check's process ended, in words.
        call: the last call made, for errors of the student's code.
        limits: of this check.
        holds: whether the check passes on the reference; asked only when the check
            itself failed, to tell a bad value of the student's from a bug of ours.
    """
    match exc:
        case None:
            return Passed()
        case CheckFailure():
            return _mismatch(exc)
        case StudentError():
            return raised(exc, call, limits)
        case LimitHit():
            return LimitExceeded(which=exc.which, limit=exc.limit, where=call)
        case Died():
            return Crashed(how=how, where=call)
        case BadAnswer():
            return ProtocolViolation(detail=normal(str(exc)))
        case Starved() | SandboxLost() | OracleError():
            return Inconclusive(reason=normal(str(exc)))
        case _ if holds():
            return Mismatch(
                what="type",
                call=call,
                expected="a value that the check can use",
                got=normal(f"one that ends in {type(exc).__name__}: {exc}"),
            )
        case _:
            reason = f"the check itself failed: {type(exc).__name__}: {exc}"
            return Inconclusive(reason=normal(reason))


def _mismatch(failure: CheckFailure) -> Mismatch:
    return Mismatch.model_validate(
        {
            "what": failure.what,
            "call": normal(failure.call),
            "expected": normal(failure.expected),
            "got": normal(failure.got),
            "hint": failure.hint,
            "misconception": failure.misconception,
        }
    )


def raised(error: StudentError, call: str, limits: Limits) -> Outcome:
    """Return the outcome of an exception that the student's code raised."""
    names = error.class_names
    message = normal(error.message.split("\n", maxsplit=1)[0])
    if "NotImplementedError" in names or "MissingName" in names:
        return NotImplementedYet(message=message or "not written yet")
    where = ""
    if error.frames:
        path, line, function = error.frames[-1]
        where = normal(f"{path}:{line}, in {function}", 160)
    if "MemoryError" in names:
        most = f"{limits.memory_bytes / 2**20:.0f} MiB"
        return LimitExceeded(which=Limit.MEMORY, limit=most, where=where)
    if "BlockingIOError" in names or message.startswith("can't start new thread"):
        most = "one process with one thread"
        return LimitExceeded(which=Limit.PROCESSES, limit=most, where=where)
    return Raised(
        error=normal(names[0], 80),
        message=message,
        where=where,
        call=normal(call, 160),
        hint=_hint(names, message),
    )


def _hint(names: tuple[str, ...], message: str) -> str:
    """Return one sentence on errors whose cause is nearly always the same."""
    if "circular import" in message:
        return "two files import each other; import inside the function that needs it"
    if "ImportError" in names:
        return "the package may use numpy and the standard library only"
    if "RecursionError" in names:
        return "the function calls itself without an end; a loop does not"
    if "SyntaxError" in names:
        return "the file does not parse; the other modules are not affected"
    if "SystemExit" in names:
        return "library code must not end the program; raise an error"
    return ""
