"""Both sides of the pipe speak the same frames."""

from __future__ import annotations

import math
import socket
import threading
from typing import Any

import numpy as np
import pytest

from grader.agent.frames import read_frame, write_frame
from grader.agent.interpreter import Interpreter
from grader.wire import decode, encode, parse_head, parse_reply, request_frame
from grader.wire.framing import HEAD


class Echo:
    """A package whose one function returns what it is given."""

    @staticmethod
    def echo(x: Any) -> Any:
        return x


def through_both_sides(value: Any) -> Any:
    ours, theirs = socket.socketpair()
    arrays: list[np.ndarray] = []
    header = {"n": 1, "op": "call", "name": "echo", "kwargs": {}}
    header["args"] = [{"h": 0}, encode(value, arrays)]

    def serve() -> None:
        write_frame(
            theirs, *Interpreter(Echo(), "tinytorch").answer(read_frame(theirs))
        )

    thread = threading.Thread(target=serve)
    thread.start()
    with ours, theirs:
        ours.sendall(request_frame(header, arrays))
        stream = ours.makefile("rb")
        json_bytes, body_bytes = parse_head(stream.read(HEAD.size), limit=2**20)
        reply, back = parse_reply(stream.read(json_bytes), stream.read(body_bytes))
        thread.join()
    assert reply.error is None, reply.error
    return decode(reply.value, back)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(2**63),
        0.1,
        math.inf,
        -0.0,
        "text \u2028 \U0001f600",
        [1, (2.0, "x"), {"k": [None]}],
        np.float32(1.5),
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.zeros((0, 3), np.float32),
        np.array(3.0),
    ],
    ids=repr,
)
def test_values_cross_and_come_back(value: Any) -> None:
    back = through_both_sides(value)

    np.testing.assert_equal(back, value)
    assert type(back) is type(value)


def test_a_slice_goes_in_and_stays_there_as_an_object() -> None:
    assert through_both_sides(slice(1, None, 2)).names[0] == "slice"


def test_an_array_subclass_or_object_array_stays_there() -> None:
    class Lying(np.ndarray):
        pass

    frames = Interpreter(Echo(), "tinytorch")

    for x in (np.ones(3).view(Lying), np.array([object()], dtype=object)):
        assert "h" in frames.encode(x, [], 0)


def test_an_exception_that_lies_about_itself_is_still_data() -> None:
    class Liar(Exception):
        def __str__(self) -> str:
            raise SystemExit(0)

    described = Interpreter(Echo(), "tinytorch").describe(Liar())

    assert described["names"][0] == "Liar"
    assert described["message"] == ""
