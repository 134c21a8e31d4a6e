"""Frames: 4 bytes JSON length, 8 bytes body length, JSON, raw array bytes."""

from __future__ import annotations

import json
import math
import struct
from typing import Annotated, Any, Final

import numpy as np
from pydantic import Field, JsonValue, ValidationError

from grader.models.base import Model

HEAD: Final = struct.Struct("!IQ")
MAX_JSON_BYTES: Final = 2 * 2**20  # a list of a hundred thousand numbers
DTYPES: Final = frozenset(
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
        *("uint64", "float16", "float32", "float64"),
    ]
)
MAX_DIMENSIONS: Final = 16
MAX_FRAME_BYTES: Final = 64 * 2**20  # the largest milestone's parameters are 5 MiB


_ENCODE: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class FrameError(Exception):
    """The other side sent something that the protocol does not allow."""


Text = Annotated[str, Field(max_length=2000)]
Size = Annotated[int, Field(ge=0, lt=2**40)]


class Fault(Model):
    """An exception of the student's code, as data."""

    names: tuple[Text, ...] = Field(min_length=1, max_length=32)
    message: Text
    frames: tuple[tuple[Text, int, Text], ...] = Field(max_length=6)


class Reply(Model):
    """One answer: a value or a fault, to the request of the same number."""

    n: int
    value: JsonValue = None
    error: Fault | None = None
    arrays: tuple[tuple[str, tuple[Size, ...]], ...] = ()


def request_frame(header: dict[str, Any], arrays: list[np.ndarray]) -> bytes:
    """Return the bytes of one request; `header` is ours and trusted."""
    header["arrays"] = [[a.dtype.name, a.shape] for a in arrays]
    text = _ENCODE(header).encode()
    body = b"".join(a.tobytes() for a in arrays)
    return HEAD.pack(len(text), len(body)) + text + body


def parse_head(head: bytes, *, limit: int) -> tuple[int, int]:
    """Return the lengths of JSON and body.

    Raises:
        FrameError: one of them is over its limit.
    """
    json_bytes, body_bytes = HEAD.unpack(head)
    most = min(limit, MAX_FRAME_BYTES)
    if json_bytes > MAX_JSON_BYTES or json_bytes + body_bytes > most:
        msg = f"an answer of {json_bytes + body_bytes} bytes; the limit is {most}"
        raise FrameError(msg)
    return json_bytes, body_bytes


def parse_reply(text: bytes, body: bytes) -> tuple[Reply, list[np.ndarray]]:
    """Return one answer and its arrays, which are read-only.

    Raises:
        FrameError: anything in it is not of the protocol.
    """
    try:
        reply = Reply.model_validate_json(text)
    except ValidationError as exc:
        detail = exc.errors(include_url=False, include_input=False)[0]["msg"]
        msg = f"an answer that does not parse: {detail[:200]}"
        raise FrameError(msg) from exc
    return reply, _parse_arrays(reply, body)


def _parse_arrays(reply: Reply, body: bytes) -> list[np.ndarray]:
    arrays: list[np.ndarray] = []
    offset = 0
    for name, shape in reply.arrays:
        if name not in DTYPES or len(shape) > MAX_DIMENSIONS:
            msg = f"an array of dtype {name[:20]!r} and {len(shape)} axes"
            raise FrameError(msg)
        dtype = np.dtype(name)
        count = math.prod(shape)
        if offset + count * dtype.itemsize > len(body):
            msg = "an array longer than its bytes"
            raise FrameError(msg)
        try:
            array = np.frombuffer(body, dtype, count, offset).reshape(shape)
        except ValueError as exc:  # an empty array of absurd axes
            msg = f"an array of {len(shape)} axes that cannot exist"
            raise FrameError(msg) from exc
        if array.dtype == bool and (np.frombuffer(array.tobytes(), np.uint8) > 1).any():
            msg = "a truth value that is neither 0 nor 1"
            raise FrameError(msg)
        arrays.append(array)
        offset += count * dtype.itemsize
    if offset != len(body):
        msg = f"{len(body) - offset} bytes too many"
        raise FrameError(msg)
    return arrays
