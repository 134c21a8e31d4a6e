"""Frames: 4 bytes JSON length, 8 bytes body length, JSON, raw array bytes (C order)."""

from __future__ import annotations

import json
import math
import socket
import struct
from typing import Any

import numpy as np

HEAD = struct.Struct("!IQ")
CHUNK = 1 << 13  # most requests fit, and a small buffer touches few pages
ENCODE = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def read_frame(sock: socket.socket) -> dict[str, Any]:
    """Return the header of one frame with its arrays under "arrays".

    The judge sends one frame and waits for its answer, so what arrives is never more.

    Raises:
        EOFError: the judge has hung up.
    """
    data = bytearray(_some(sock))
    while len(data) < HEAD.size:
        data += _some(sock)
    json_bytes, body_bytes = HEAD.unpack_from(data)
    start = HEAD.size + json_bytes
    _complete(sock, data, start + body_bytes)
    header: dict[str, Any] = json.loads(data[HEAD.size : start])
    arrays, offset = [], start
    for name, shape in header["arrays"]:
        dtype = np.dtype(name)
        count = math.prod(shape)
        # Writable and aligned: a copy that belongs to this array alone.
        arrays.append(np.frombuffer(data, dtype, count, offset).reshape(shape).copy())
        offset += count * dtype.itemsize
    header["arrays"] = arrays
    return header


def _some(sock: socket.socket) -> bytes:
    part = sock.recv(CHUNK)
    if not part:
        raise EOFError
    return part


def _complete(sock: socket.socket, data: bytearray, size: int) -> None:
    """Read until `data` has `size` bytes."""
    have = len(data)
    if have >= size:
        return
    data.extend(bytes(size - have))
    with memoryview(data) as view:
        while have < size:
            got = sock.recv_into(view[have:])
            if not got:
                raise EOFError
            have += got


def write_frame(
    sock: socket.socket, header: dict[str, Any], arrays: list[np.ndarray]
) -> None:
    """Write one frame."""
    header["arrays"] = [[a.dtype.name, a.shape] for a in arrays]
    text = ENCODE(header).encode()
    body = b"".join(a.tobytes() for a in arrays)
    sock.sendall(HEAD.pack(len(text), len(body)) + text + body)
