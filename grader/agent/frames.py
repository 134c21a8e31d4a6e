"""Frames: 4 bytes JSON length, 8 bytes body length, JSON, raw array bytes (C order)."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

import numpy as np

HEAD = struct.Struct("!IQ")


def read_exactly(sock: socket.socket, count: int) -> bytearray:
    """Read `count` bytes; EOFError when the judge has hung up."""
    data = bytearray(count)
    view = memoryview(data)
    while view:
        got = sock.recv_into(view)
        if not got:
            raise EOFError
        view = view[got:]
    return data


def read_frame(sock: socket.socket) -> dict[str, Any]:
    """Return the header of one frame with its arrays under "arrays"."""
    json_bytes, body_bytes = HEAD.unpack(read_exactly(sock, HEAD.size))
    header: dict[str, Any] = json.loads(bytes(read_exactly(sock, json_bytes)))
    body = read_exactly(sock, body_bytes)
    arrays, offset = [], 0
    for name, shape in header["arrays"]:
        dtype = np.dtype(name)
        count = int(np.prod(shape, dtype=np.int64))
        # Writable: the buffer is a bytearray that belongs to this frame alone.
        arrays.append(np.frombuffer(body, dtype, count, offset).reshape(shape))
        offset += count * dtype.itemsize
    header["arrays"] = arrays
    return header


def write_frame(
    sock: socket.socket, header: dict[str, Any], arrays: list[np.ndarray]
) -> None:
    """Write one frame."""
    header["arrays"] = [[a.dtype.name, a.shape] for a in arrays]
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    body = b"".join(a.tobytes() for a in arrays)
    sock.sendall(HEAD.pack(len(text), len(body)) + text + body)
