"""Recorded answers: the file, and conversations that leave what was recorded."""

from __future__ import annotations

import hmac
import socket
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.agent.frames import read_frame, write_frame
from grader.agent.interpreter import Interpreter
from grader.checks.oracle import Conversation
from grader.checks.recording import (
    MAGIC,
    MAX_CHECK_BYTES,
    DamagedRecordingError,
    Exchange,
    Recording,
    asked,
    basis_of,
    seal,
    unseal,
)
from grader.checks.remote import OracleError, Session
from grader.sandbox import Channel, StudentError
from grader.wire.framing import HEAD

BASIS, SECRET = b"b" * 32, b"the secret of a round"
RECORDING: Recording = {
    "tensor::one": (
        Exchange(asked(b"seed"), b'{"n":1,"value":null}', b""),
        Exchange(asked(b"call"), b'{"n":2,"value":{"a":0}}', b"\0\1\2\3"),
    ),
    "tensor::none": (),
}


def test_what_is_sealed_is_there_again() -> None:
    data = seal(RECORDING, BASIS, SECRET)

    assert unseal(data, BASIS, SECRET) == RECORDING
    assert basis_of(data) == BASIS


def test_requests_are_not_in_the_file() -> None:
    exchange = Exchange(asked(b"an input that is secret"), b"{}", b"")

    assert b"an input" not in seal({"a::b": (exchange,)}, BASIS, SECRET)


@settings(deadline=None)  # the machine is shared
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_any_changed_bit_is_seen(place: int, bit: int) -> None:
    data = bytearray(seal(RECORDING, BASIS, SECRET))
    data[place % len(data)] ^= 1 << bit

    with pytest.raises(DamagedRecordingError):
        unseal(bytes(data), BASIS, SECRET)


@settings(deadline=None)  # the machine is shared
@given(length=st.integers(0, 10_000))
def test_any_shorter_file_is_refused(length: int) -> None:
    data = seal(RECORDING, BASIS, SECRET)

    with pytest.raises(DamagedRecordingError):
        unseal(data[: length % len(data)], BASIS, SECRET)


@settings(deadline=None)  # the machine is shared
@given(payload=st.binary(max_size=300))
def test_nonsense_under_a_right_seal_is_refused(payload: bytes) -> None:
    """The reader does not rely on the seal alone."""
    empty = seal({}, BASIS, SECRET)
    whole = seal(RECORDING, BASIS, SECRET)

    for part in (payload, whole[-50:] + payload):
        if part in {b"\0" * 4, whole[len(empty) - 4 :]}:
            continue
        with pytest.raises(DamagedRecordingError):
            unseal(_sealed(part), BASIS, SECRET)


def _sealed(payload: bytes) -> bytes:
    head = MAGIC + BASIS
    return head + hmac.digest(SECRET, head + payload, "sha256") + payload


@pytest.mark.parametrize(
    ("basis", "secret"), [(b"c" * 32, SECRET), (BASIS, b"another round")]
)
def test_a_file_of_something_else_is_refused(basis: bytes, secret: bytes) -> None:
    with pytest.raises(DamagedRecordingError):
        unseal(seal(RECORDING, BASIS, SECRET), basis, secret)


def test_a_check_that_is_too_large_is_left_out() -> None:
    large = Exchange(asked(b"x"), b"{}", bytes(MAX_CHECK_BYTES))

    data = seal(RECORDING | {"tensor::large": (large,)}, BASIS, SECRET)

    assert unseal(data, BASIS, SECRET) == RECORDING


# Conversations


class Package:
    """A reference that remembers, so that a lost or doubled call shows."""

    def __init__(self) -> None:
        self.total = 0.0
        self.made: list[float] = []

    def add(self, x: float) -> float:
        self.total += x
        return self.total

    def keep(self, x: float) -> Box:
        self.made.append(x)
        return Box(x)

    def draw(self) -> np.ndarray:
        return np.random.rand(3)  # noqa: NPY002 -- what packages draw from

    def fail(self) -> None:
        msg = f"after {self.total}"
        raise ValueError(msg)


class Box:
    """An object that stays on the other side."""

    def __init__(self, x: float) -> None:
        self.x = x

    def times(self, other: Box) -> Box:
        return Box(self.x * other.x)


class Process:
    """A live process, in this one; every frame crosses as bytes."""

    def __init__(self, package: Package | None = None) -> None:
        self._interpreter = Interpreter(package or Package(), "tinytorch")
        self.frames = 0

    def exchange(self, frame: bytes) -> tuple[bytes, bytes]:
        self.frames += 1
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.makefile("rb") as stream:
            ours.sendall(frame)
            write_frame(theirs, *self._interpreter.answer(read_frame(theirs)))
            text, body = HEAD.unpack(stream.read(HEAD.size))
            return stream.read(text), stream.read(body)

    def spent_cpu_s(self) -> float:
        return 1.5


def opened(process: Process) -> Callable[[], Channel]:
    return lambda: cast("Channel", process)


Step = tuple[str, float]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "keep", "times", "read", "draw", "fail"]),
        st.sampled_from([0.5, 1.0, 2.0, float("nan")]),
    ),
    max_size=12,
)


def told(line: Conversation, steps: list[Step]) -> list[str]:
    """Do what a check does: return all that it sees."""
    session = Session(line, set(), trusted=False)
    session.ask("seed", 5)
    tt, seen = session.namespace(), []
    boxes: list[Any] = []
    for name, x in steps:
        if name == "keep" or (name in {"times", "read"} and not boxes):
            boxes.append(tt.keep(x))
        elif name == "times":
            boxes.append(boxes[-1].times(boxes[0]))
        elif name == "read":
            seen.append(repr(boxes[-1].x))
        elif name == "fail":
            with pytest.raises(StudentError) as caught:
                tt.fail()
            seen.append(f"{caught.value.class_names} {caught.value.message}")
        else:
            seen.append(repr(tt.draw() if name == "draw" else tt.add(x)))
    return seen


def recorded(steps: list[Step]) -> list[Exchange]:
    log: list[Exchange] = []
    process = Process()

    class Writing(Process):
        def exchange(self, frame: bytes) -> tuple[bytes, bytes]:
            text, body = process.exchange(frame)
            log.append(Exchange(asked(frame), text, body))
            return text, body

    told(Conversation(opened(Writing())), steps)
    return log


@settings(deadline=None)  # the machine is shared
@given(steps=STEPS)
def test_what_was_asked_before_needs_no_process(steps: list[Step]) -> None:
    process = Process()

    seen = told(Conversation(opened(process), recorded(steps)), steps)

    assert seen == told(Conversation(opened(Process())), steps)
    assert process.frames == 0


@settings(deadline=None)  # the machine is shared
@given(before=STEPS, steps=STEPS)
def test_leaving_the_recording_anywhere_changes_no_answer(
    before: list[Step], steps: list[Step]
) -> None:
    """Both runs may share a beginning, which is then played to the live process."""
    shared = before[: len(before) // 2] + steps
    for then in (steps, shared):
        seen = told(Conversation(opened(Process()), recorded(before)), then)

        assert seen == told(Conversation(opened(Process())), then)


def test_a_process_that_answers_otherwise_is_our_error() -> None:
    steps: list[Step] = [("add", 1.0), ("keep", 2.0)]
    other = Package()
    other.total = 7.0
    stale: list[bool] = []
    line = Conversation(
        opened(Process(other)), recorded(steps), lambda: stale.append(True)
    )

    with pytest.raises(OracleError, match="otherwise than it was recorded"):
        told(line, [*steps, ("draw", 0.0)])

    assert stale == [True]


def test_times_come_from_a_process() -> None:
    process = Process()
    line = Conversation(opened(process), recorded([("add", 1.0)]))
    told(line, [("add", 1.0)])

    assert line.spent_cpu_s() == 1.5
    assert process.frames == len(recorded([("add", 1.0)]))
