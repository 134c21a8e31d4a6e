"""Bytes in and out of a container through the engine's attach calls.

Theory of operation: one connection carries standard input, another standard output and
error. Two, because the only way to say "end of input" that works on every transport is
to hang up: TLS has no half-close. Both are served by one loop without threads, so a
container that writes before it has read everything cannot block us, and every wait ends
at the deadline. Output comes in frames of the engine (trusted), their payload from the
container (not trusted): it is counted while it arrives and never held beyond its cap.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Callable
from typing import Any, Final

from grader.errors import SandboxUnavailableError

_HEADER: Final = struct.Struct(">BxxxI")  # stream, three unused bytes, length
_STDERR: Final = 2
_CHUNK: Final = 64 * 2**10
_NOT_NOW: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Demultiplexer:
    """Split the engine's stream into standard output and error, both capped.

    Args:
        hear: takes what arrives on standard error, returns what of it is to be kept.
    """

    def __init__(
        self,
        *,
        stdout_bytes: int,
        stderr_bytes: int,
        hear: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.stdout = bytearray()
        self.stderr = bytearray()  # the end of it: there the reason stands
        self._hear = hear
        self._caps = (stdout_bytes, stderr_bytes)
        self._header = bytearray()
        self._left = 0
        self._stream = 0

    @property
    def overflow(self) -> bool:
        """Whether standard output is longer than its cap."""
        return len(self.stdout) > self._caps[0]

    def feed(self, chunk: bytes) -> None:
        """Take what arrived, frames cut anywhere."""
        view = memoryview(chunk)
        while view:
            if self._left:
                payload, view = view[: self._left], view[self._left :]
                self._left -= len(payload)
                self._keep(payload)
            else:
                view = self._read_header(view)

    def _read_header(self, view: memoryview) -> memoryview:
        missing = _HEADER.size - len(self._header)
        self._header += view[:missing]
        if len(self._header) == _HEADER.size:
            self._stream, self._left = _HEADER.unpack(self._header)
            self._header.clear()
        return view[missing:]

    def _keep(self, payload: memoryview) -> None:
        stdout_bytes, stderr_bytes = self._caps
        if self._stream == _STDERR:
            self.stderr += self._hear(bytes(payload))
            del self.stderr[:-stderr_bytes]
        else:
            # One byte more than allowed is enough to know.
            room = max(0, stdout_bytes + 1 - len(self.stdout))
            self.stdout += payload[:room]


class Attachment:
    """One attach connection of docker-py; `close` really hangs up."""

    def __init__(self, stream: Any) -> None:
        # docker-py answers a SocketIO for unix and tcp, an SSLSocket for TLS.
        found = getattr(stream, "_sock", stream)
        if not isinstance(found, socket.socket):
            msg = "this kind of engine address has no socket to attach to"
            raise SandboxUnavailableError(
                msg,
                hint="forward the engine's socket: ssh -L, then DOCKER_HOST=unix://",
            )
        self.socket = found
        self.socket.setblocking(False)
        self._stream = stream

    def close(self) -> None:
        """Send the end of the stream, whoever else still holds the socket."""
        with contextlib.suppress(OSError):  # the other side was first
            self.socket.shutdown(socket.SHUT_RDWR)
        response = getattr(self._stream, "_response", None)
        if response is not None:
            response.close()
        self._stream.close()
        self.socket.close()


def exchange(
    request: bytes,
    writer: Attachment,
    reader: Attachment,
    output: Demultiplexer,
    deadline: float,
) -> bool:
    """Send `request`, hang up `writer`, collect output until its end or overflow.

    Args:
        deadline: on the monotonic clock, in seconds.

    Returns:
        False when the deadline came first.

    Raises:
        OSError: the connection to the engine broke.
    """
    unsent = memoryview(request)
    with selectors.DefaultSelector() as selector:
        selector.register(reader.socket, selectors.EVENT_READ)
        selector.register(writer.socket, selectors.EVENT_WRITE)
        while not output.overflow:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return False
            for key, _ in selector.select(remaining):
                if key.fileobj is reader.socket:
                    if not _receive(reader.socket, output):
                        return True
                    continue
                unsent = unsent[_send(writer.socket, unsent) :]
                if not unsent:
                    selector.unregister(writer.socket)
                    writer.close()
    return True


def _send(connection: socket.socket, data: memoryview) -> int:
    """Return how many bytes were taken; all of them if nobody reads any more."""
    try:
        return connection.send(data[:_CHUNK])
    except _NOT_NOW:
        return 0
    except (BrokenPipeError, ConnectionResetError):
        # The container ended without reading its input: its exit says why.
        return len(data)


def _receive(connection: socket.socket, output: Demultiplexer) -> bool:
    """Feed what is there now; False at the end of the stream."""
    try:
        chunk = connection.recv(_CHUNK)
        # TLS keeps decrypted bytes that `select` cannot see; at most one record.
        if isinstance(connection, ssl.SSLSocket) and (hidden := connection.pending()):
            chunk += connection.recv(hidden)
    except _NOT_NOW:
        return True
    output.feed(chunk)
    return bool(chunk)
