"""Each outcome in words: its state, and what is told about it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, assert_never

from grader.models.outcome import (
    Blocked,
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

State = Literal["passed", "failed", "blocked", "todo", "unjudged"]
STATES: Final[tuple[State, ...]] = ("passed", "failed", "blocked", "todo", "unjudged")
# Said of a report that was made without the reference.
PACK: Final = "of an answer pack; milestones need the reference and are left out"
LABELS: Final[dict[State, str]] = {
    "passed": "passed",
    "failed": "failed",
    "blocked": "blocked",
    "todo": "TODO",
    "unjudged": "not judged",
}


class Line(NamedTuple):
    """One labelled line of a message."""

    label: str
    text: str


class Message(NamedTuple):
    """What is told about an outcome: a head, at most four lines; raw, not escaped."""

    head: str
    lines: tuple[Line, ...] = ()


def state(outcome: Outcome) -> State:
    """Return which of the five states of a report `outcome` belongs to."""
    match outcome:
        case Passed():
            return "passed"
        case NotImplementedYet():
            return "todo"
        case Blocked():
            return "blocked"
        case Inconclusive():
            return "unjudged"
        case Mismatch() | Raised() | LimitExceeded() | Crashed() | ProtocolViolation():
            return "failed"
        case _:
            assert_never(outcome)


def message(outcome: Outcome) -> Message:
    """Return what to tell the student about `outcome`."""
    match outcome:
        case Passed():
            return Message("the check holds")
        case NotImplementedYet():
            return Message(outcome.message or "not written yet")
        case Blocked():
            return Message(f"blocked by {', '.join(outcome.by)}")
        case Inconclusive():
            head = "could not be judged (our side); nothing to do, it will be re-run"
            return Message(head, _lines(("reason", outcome.reason)))
        case Mismatch() | Raised():
            return _wrong(outcome)
        case LimitExceeded() | Crashed() | ProtocolViolation():
            return _stopped(outcome)
        case _:
            assert_never(outcome)


def _wrong(outcome: Mismatch | Raised) -> Message:
    if isinstance(outcome, Mismatch):
        lines = _lines(
            ("expected", outcome.expected),
            ("got", outcome.got),
            ("this is", outcome.misconception),
            ("hint", outcome.hint),
        )
        return Message(outcome.call, lines)
    error = f"{outcome.error}: {outcome.message}" if outcome.message else outcome.error
    lines = _lines(
        ("expected", "no error"),
        ("got", error),
        ("where", outcome.where),
        ("hint", outcome.hint),
    )
    return Message(outcome.call, lines)


AT_IMPORT: Final = "at import"  # as the runner calls it
_USED_UP: Final[dict[Limit, tuple[str, str]]] = {
    Limit.CPU: (
        "stopped: CPU time used up",
        "Likely a Python loop over entries where one numpy call would do.",
    ),
    Limit.WALL: (
        "stopped: no answer in time",
        "Likely an endless loop, or something that waits.",
    ),
    Limit.MEMORY: (
        "stopped: memory used up",
        "Likely a very large array, or results that are kept and never freed.",
    ),
    Limit.PROCESSES: (
        "stopped: too many processes or threads",
        "One process and one thread are enough for every task.",
    ),
    Limit.OUTPUT: (
        "stopped: too much printed",
        "Remove prints from loops.",
    ),
    Limit.SUITE_CPU: (
        "not run: the checks before it used up the module's CPU time",
        "Make the slow checks of this module faster first.",
    ),
}


def _stopped(outcome: LimitExceeded | Crashed | ProtocolViolation) -> Message:
    match outcome:
        case LimitExceeded():
            head, hint = _USED_UP[outcome.which]
            if outcome.where == AT_IMPORT:
                hint = (
                    "Importing a module should only define things; run nothing there."
                )
            named = ("limit", outcome.limit), ("where", outcome.where), ("hint", hint)
            return Message(head, _lines(*named))
        case Crashed():
            head = "Python ended before it answered"
            hint = "Look for sys.exit, os._exit and recursion without an end."
            named = ("got", outcome.how), ("where", outcome.where), ("hint", hint)
            return Message(head, _lines(*named))
        case ProtocolViolation():
            head = "the answer could not be read"
            hint = "Return Tensors, numpy arrays or plain numbers only."
            return Message(head, _lines(("got", outcome.detail), ("hint", hint)))
        case _:
            assert_never(outcome)


def _lines(*named: tuple[str, str]) -> tuple[Line, ...]:
    return tuple(Line(label, text) for label, text in named if text)
