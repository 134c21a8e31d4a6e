"""One socket to one check: requests, answers, and the clock on both.

Single-threaded: while the judge waits for bytes it also drains what the check prints
and samples the meter, so that a limit is seen within one sampling interval.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np

from grader.models.measure import Limits
from grader.models.outcome import Limit
from grader.sandbox.endings import BadAnswer, Died, LimitHit, StudentError
from grader.sandbox.meter import Meter
from grader.wire import FrameError, decode, encode, parse_head, parse_reply
from grader.wire.framing import HEAD, request_frame

FIRST_SAMPLE_S: Final = 0.02
LAST_SAMPLE_S: Final = 0.1
KEPT_OUTPUT_BYTES: Final = 8192
CHUNK: Final = 1 << 18
SMALL: Final = 1 << 13  # most answers fit, and a small buffer costs no page faults


def question(
    number: int,
    op: str,
    args: Iterable[Any],
    *,
    refer: Callable[[Any], Any] | None,
    more: Mapping[str, Any],
) -> bytes:
    """Return the bytes of one request; see `Channel.ask`."""
    arrays: list[np.ndarray] = []
    header = {"n": number, "op": op, **more}
    header["args"] = [encode(a, arrays, refer) for a in args]
    named = more.get("kwargs") or {}
    header["kwargs"] = {k: encode(v, arrays, refer) for k, v in named.items()}
    return request_frame(header, arrays)


def answer(number: int, text: bytes, body: bytes) -> Any:
    """Return the value in the answer to request `number`.

    Raises:
        StudentError: the code on the other side raised.
        BadAnswer: it is not of the protocol.
    """
    try:
        reply, arrays = parse_reply(text, body)
        value = decode(reply.value, arrays)
    except FrameError as exc:
        raise BadAnswer(str(exc)) from exc
    if reply.n != number:
        msg = f"answer {reply.n} to request {number}"
        raise BadAnswer(msg)
    if reply.error is not None:
        raise StudentError(reply.error)
    return value


class Channel:
    """Asks one process; every answer is data or a `StudentError`."""

    def __init__(
        self, sock: socket.socket, output: int, limits: Limits, meter: Meter
    ) -> None:
        sock.setblocking(False)
        os.set_blocking(output, False)
        self._sock, self._output = sock, output
        self._limits, self._meter = limits, meter
        self._number = 0
        self._buffer = bytearray()  # received and not yet asked for
        self._received_bytes = self._printed_bytes = 0
        self.printed = bytearray()
        self._pause_s = FIRST_SAMPLE_S
        self._due = time.monotonic() + FIRST_SAMPLE_S
        self._poll = select.poll()
        self._poll.register(output, select.POLLIN)
        self._event = 0  # what is waited for on the socket
        self.closed = False
        self._open = True  # the other end of the output pipe

    def ask(
        self,
        op: str,
        *args: Any,
        refer: Callable[[Any], Any] | None = None,
        **more: Any,
    ) -> Any:
        """Send one request and return the value of its answer.

        Args:
            refer: see `wire.encode`.
            more: further fields of the request ("name", "kwargs").

        Raises:
            StudentError: the student's code raised.
            Ending: the check is over: limit, death or a bad answer.
        """
        self._number += 1
        frame = question(self._number, op, args, refer=refer, more=more)
        return answer(self._number, *self.exchange(frame))

    def exchange(self, frame: bytes) -> tuple[bytes, bytes]:
        """Send one request; return JSON and body of the frame that answers it.

        Raises:
            Ending: as `ask`.
        """
        self.send(frame)
        return self.read_frame()

    def read_frame(self) -> tuple[bytes, bytes]:
        """Return JSON and body of the next frame, within all limits."""
        room = self._limits.frame_bytes - self._received_bytes
        try:
            json_bytes, body_bytes = parse_head(self._receive(HEAD.size), limit=room)
        except FrameError as exc:
            raise BadAnswer(str(exc)) from exc
        self._received_bytes += json_bytes + body_bytes
        return self._receive(json_bytes), self._receive(body_bytes)

    def send(self, frame: bytes) -> None:
        """Write one frame, within all limits."""
        view = memoryview(frame)
        while view:
            try:
                view = view[self._sock.send(view) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)
            except (BrokenPipeError, ConnectionResetError):
                raise self._death() from None

    def _receive(self, count: int) -> bytes:
        """Return the next `count` bytes; `parse_head` has capped `count`."""
        if not count:
            return b""
        while len(self._buffer) < count:
            self._wait(select.POLLIN)
            try:
                missing = count - len(self._buffer)
                part = self._sock.recv(min(CHUNK, max(SMALL, missing)))
            except BlockingIOError:
                continue
            except ConnectionResetError:
                raise self._death() from None
            if not part:
                raise self._death()
            self._buffer += part
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _wait(self, event: int) -> None:
        """Wait for the socket, draining output and sampling when they are due."""
        if event != self._event:
            self._poll.register(self._sock, event)
            self._event = event
        left_s = max(0.0, self._due - time.monotonic())
        for descriptor, _ in self._poll.poll(left_s * 1000):
            if descriptor == self._output:
                self.drain()
        if time.monotonic() >= self._due:
            self._meter.sample()
            self._pause_s = min(LAST_SAMPLE_S, self._pause_s * 1.25)
            self._due = time.monotonic() + self._pause_s

    def spent_cpu_s(self) -> float:
        """Return the CPU seconds of the run so far."""
        return self._meter.spent_s()

    def drain(self) -> None:
        """Take what the check has printed so far.

        Raises:
            LimitHit: it printed too much.
        """
        while True:
            try:
                part = os.read(self._output, CHUNK)
            except BlockingIOError:
                return
            if not part:
                if self._open:
                    self._open = False
                    self._poll.unregister(self._output)
                return
            self._printed_bytes += len(part)
            self.printed += part[: KEPT_OUTPUT_BYTES - len(self.printed)]
            if self._printed_bytes > self._limits.output_bytes:
                most = self._limits.output_bytes
                raise LimitHit(Limit.OUTPUT, f"{most / 2**10:.0f} KiB of output")

    def _death(self) -> Died:
        """Return the ending of a process that hung up; a limit comes first."""
        self._meter.sample()
        return Died("the process ended before it answered")

    def hang_up(self) -> None:
        """Close our end; the check ends when it sees that."""
        if not self.closed:
            self.closed = True
            self._sock.close()

    def close(self) -> None:
        """Close everything."""
        self.hang_up()
        os.close(self._output)
