"""The engine's stream, taken apart wherever the network cuts it."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import pytest

from grader.errors import SandboxUnavailableError
from grader.sandbox.attach import Attachment, Demultiplexer, exchange

STDOUT, STDERR = 1, 2


def frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxI", stream, len(payload)) + payload


def demultiplexer(stdout: int = 100, stderr: int = 100) -> Demultiplexer:
    return Demultiplexer(stdout_bytes=stdout, stderr_bytes=stderr)


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 1000])
def test_demultiplexer_joins_frames_cut_anywhere(size: int) -> None:
    data = frame(STDOUT, b"one ") + frame(STDERR, b"oh") + frame(STDOUT, b"two")
    output = demultiplexer()

    for start in range(0, len(data), size):
        output.feed(data[start : start + size])

    assert output.stdout == b"one two"
    assert output.stderr == b"oh"
    assert not output.overflow


def test_demultiplexer_skips_empty_frames() -> None:
    output = demultiplexer()

    output.feed(frame(STDOUT, b"") + frame(STDOUT, b"x"))

    assert output.stdout == b"x"


def test_stdout_at_its_cap_is_whole_and_one_byte_more_is_overflow() -> None:
    output = demultiplexer(stdout=3)

    output.feed(frame(STDOUT, b"abc"))
    at_cap = output.overflow
    output.feed(frame(STDOUT, b"d" * 1000))

    assert not at_cap
    assert output.overflow
    assert len(output.stdout) == 4


def test_stderr_keeps_its_end() -> None:
    output = demultiplexer(stderr=5)

    output.feed(frame(STDERR, b"a long story") + frame(STDERR, b"!"))

    assert output.stderr == b"tory!"


def test_what_is_heard_on_stderr_is_not_kept() -> None:
    heard: list[bytes] = []

    def hear(chunk: bytes) -> bytes:
        heard.append(chunk)
        return chunk.replace(b"line", b"")

    output = Demultiplexer(stdout_bytes=100, stderr_bytes=100, hear=hear)
    output.feed(frame(STDERR, b"a line") + frame(STDOUT, b"line"))

    assert heard == [b"a line"]
    assert output.stderr == b"a "
    assert output.stdout == b"line"


@pytest.fixture
def pipes() -> Iterator[tuple[socket.socket, Attachment, socket.socket, Attachment]]:
    """Return the engine's end and ours of the input, then of the output."""
    engine_in, ours_in = socket.socketpair()
    ours_out, engine_out = socket.socketpair()
    writer, reader = Attachment(ours_in), Attachment(ours_out)
    yield engine_in, writer, engine_out, reader
    for end in (engine_in, engine_out, writer, reader):
        end.close()


def test_exchange_sends_everything_and_hangs_up(
    pipes: tuple[socket.socket, Attachment, socket.socket, Attachment],
) -> None:
    engine_in, writer, engine_out, reader = pipes
    engine_out.sendall(frame(STDOUT, b"done"))
    engine_out.shutdown(socket.SHUT_WR)
    output = demultiplexer()

    finished = exchange(b"request", writer, reader, output, time.monotonic() + 5)

    assert finished
    assert output.stdout == b"done"
    assert engine_in.recv(100) == b"request"
    assert engine_in.recv(100) == b""


def test_exchange_stops_at_the_deadline(
    pipes: tuple[socket.socket, Attachment, socket.socket, Attachment],
) -> None:
    _, writer, _, reader = pipes
    started = time.monotonic()

    finished = exchange(b"", writer, reader, demultiplexer(), started + 0.2)

    assert not finished
    assert time.monotonic() - started < 2


def test_exchange_survives_a_container_that_does_not_read(
    pipes: tuple[socket.socket, Attachment, socket.socket, Attachment],
) -> None:
    engine_in, writer, engine_out, reader = pipes
    engine_in.close()
    engine_out.sendall(frame(STDOUT, b"early"))
    engine_out.shutdown(socket.SHUT_WR)
    output = demultiplexer()

    assert exchange(bytes(2**22), writer, reader, output, time.monotonic() + 5)
    assert output.stdout == b"early"


def test_address_without_socket_is_refused_with_a_way_out() -> None:
    with pytest.raises(SandboxUnavailableError) as caught:
        Attachment(object())

    assert "ssh -L" in caught.value.hint
