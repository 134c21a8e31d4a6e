"""What happened during a check becomes exactly one outcome."""

from __future__ import annotations

from typing import Any

import pytest

from grader.checks.checklib import CheckFailure
from grader.checks.judge import MAX_TEXT, judge, normal
from grader.checks.remote import OracleError
from grader.models.measure import Limits
from grader.models.outcome import (
    OUTCOME,
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
from grader.wire.framing import Fault

LIMITS = Limits(memory_bytes=256 * 2**20, processes=8)
FRAMES = (("tinytorch/base.py", 3, "call"), ("tinytorch/tensor.py", 41, "matmul"))


def judged(exc: Exception | None, *, holds: bool | None = None) -> Outcome:
    """Judge `exc`; None says that the reference must not be asked."""

    def ask() -> bool:
        assert holds is not None, "the reference was asked"
        return holds

    return judge(
        exc, how="exit code 3", call="Tensor.matmul(...)", limits=LIMITS, holds=ask
    )


def student(*names: str, message: str = "", frames: Any = ()) -> StudentError:
    return StudentError(Fault(names=names, message=message, frames=frames))


def test_nothing_happened() -> None:
    assert judged(None) == Passed()


def test_a_failed_comparison_is_told_whole() -> None:
    failure = CheckFailure("shape", call="a @ b", expected="(2,)", got="()", hint="h")
    failure.misconception = "a known one"

    assert judged(failure) == Mismatch(
        what="shape",
        call="a @ b",
        expected="(2,)",
        got="()",
        hint="h",
        misconception="a known one",
    )


@pytest.mark.parametrize(
    "what", ["type", "shape", "dtype", "finite", "value", "gradient", "error"]
)
def test_every_kind_of_failure_has_a_place(what: str) -> None:
    outcome = judged(CheckFailure(what, call="c", expected="e", got="g"))

    assert isinstance(outcome, Mismatch)
    assert outcome.what == what


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("NotImplementedError", "RuntimeError", "Exception"), "TODO 2.4"),
        (("MissingName", "AttributeError", "Exception"), "tinytorch has no x yet"),
        (("Todo", "NotImplementedError", "RuntimeError"), "a subclass counts"),
    ],
)
def test_what_is_not_written_is_no_mistake(
    names: tuple[str, ...], message: str
) -> None:
    assert judged(student(*names, message=message)) == NotImplementedYet(
        message=message
    )


def test_an_unwritten_stub_without_words_still_says_something() -> None:
    assert judged(student("NotImplementedError")) == NotImplementedYet(
        message="not written yet"
    )


def test_an_error_of_the_students_names_place_and_call() -> None:
    outcome = judged(student("IndexError", message="no\nmore", frames=FRAMES))

    assert outcome == Raised(
        error="IndexError",
        message="no",
        where="tinytorch/tensor.py:41, in matmul",
        call="Tensor.matmul(...)",
    )


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (("ModuleNotFoundError", "ImportError"), "numpy and the standard library"),
        (("RecursionError", "RuntimeError"), "a loop does not"),
        (("IndentationError", "SyntaxError"), "does not parse"),
        (("SystemExit",), "must not end the program"),
        (("ValueError",), ""),
    ],
)
def test_errors_with_one_usual_cause_have_a_hint(
    names: tuple[str, ...], word: str
) -> None:
    outcome = judged(student(*names))

    assert isinstance(outcome, Raised)
    assert outcome.error == names[0]
    assert (word in outcome.hint) if word else outcome.hint == ""


def test_no_memory_and_no_process_are_limits() -> None:
    memory = judged(student("MemoryError", frames=FRAMES))
    processes = judged(student("BlockingIOError", "OSError"))

    assert isinstance(memory, LimitExceeded)
    assert (memory.which, memory.limit) == (Limit.MEMORY, "256 MiB")
    assert memory.where == "tinytorch/tensor.py:41, in matmul"
    assert isinstance(processes, LimitExceeded)
    assert processes.which is Limit.PROCESSES
    assert processes.limit == "one process with one thread"


@pytest.mark.parametrize("which", Limit)
def test_a_limit_keeps_its_unit(which: Limit) -> None:
    assert judged(LimitHit(which, "5 s of CPU time")) == LimitExceeded(
        which=which, limit="5 s of CPU time", where="Tensor.matmul(...)"
    )


def test_a_death_tells_how() -> None:
    assert judged(Died("it ended")) == Crashed(
        how="exit code 3", where="Tensor.matmul(...)"
    )


def test_a_bad_answer_is_the_submissions() -> None:
    assert judged(BadAnswer("a bare list")) == ProtocolViolation(detail="a bare list")


@pytest.mark.parametrize("kind", [Starved, SandboxLost, OracleError])
def test_what_is_ours_is_never_a_zero(kind: type[Exception]) -> None:
    assert judged(kind("the host")) == Inconclusive(reason="the host")


@pytest.mark.parametrize("error", [TypeError("no array"), KeyError("k"), IndexError()])
def test_a_check_that_fails_on_this_value_alone_is_a_mismatch(
    error: Exception,
) -> None:
    outcome = judged(error, holds=True)

    assert isinstance(outcome, Mismatch)
    assert outcome.what == "type"
    assert type(error).__name__ in outcome.got


def test_a_check_that_fails_on_the_reference_too_is_inconclusive() -> None:
    outcome = judged(ZeroDivisionError("in the check"), holds=False)

    assert isinstance(outcome, Inconclusive)
    assert "the check itself failed: ZeroDivisionError" in outcome.reason


HOSTILE = "x\ud800\x1b[2J\u202e" * 2000


@pytest.mark.parametrize(
    "exc",
    [
        CheckFailure("value", call=HOSTILE, expected=HOSTILE, got=HOSTILE),
        student("Error", message="x\x1b[2J\u202e" * 200),
        BadAnswer(HOSTILE),
        SandboxLost(HOSTILE),
        RuntimeError(HOSTILE),
    ],
    ids=lambda exc: type(exc).__name__,
)
def test_hostile_text_fits_a_verdict(exc: Exception) -> None:
    text = judged(exc, holds=True).model_dump_json()

    assert OUTCOME.validate_json(text).model_dump_json() == text
    assert len(text) < 5 * (MAX_TEXT + 200) * 6
    assert not {"\x1b", "\u202e", "\ud800"} & set(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<Tensor at 0x7f3a2c0d1e90>", "<Tensor at 0x...>"),
        ("0x7F3A2C and 0x00ff00aa", "0x... and 0x..."),
        ("mask 0xff stays", "mask 0xff stays"),
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("bell \x07", "bell \N{REPLACEMENT CHARACTER}"),
        ("a\u202eb\u2066c", "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"),
        ("lone \ud800", "lone ?"),
        ("caf\u00e9 \U0001d4b3", "caf\u00e9 \U0001d4b3"),
        ("", ""),
    ],
)
def test_text_is_made_the_same_from_run_to_run(text: str, shown: str) -> None:
    assert normal(text) == shown


def test_two_runs_that_differ_in_addresses_and_places_alone_read_alike() -> None:
    one = "no /tmp/check-0123456789abcdef/a.npz, <f at 0x7f0000000010>"
    two = "no /tmp/check-fedcba9876543210/a.npz, <f at 0x7fffffffffff>"
    bare = (
        "no /tmp/tinytorch-scratch-ab_1/check-0123456789abcdef/a.npz, <f at 0x123456>"
    )

    assert normal(one) == normal(two) == normal(bare) == "no ./a.npz, <f at 0x...>"


@pytest.mark.parametrize("length", [0, 1, MAX_TEXT - 1, MAX_TEXT, MAX_TEXT + 1, 10**6])
def test_text_is_capped(length: int) -> None:
    text = normal("a" * length)

    assert len(text) == min(length, MAX_TEXT)
    assert text.endswith("...") is (length > MAX_TEXT)


def test_a_cap_may_be_smaller() -> None:
    assert normal("abcdefgh", 6) == "abc..."
