"""Bytes to messages and back; knows nothing of processes.

Everything read here may come from a hostile process: lengths are capped before memory
is taken, and whatever is not exactly of the protocol raises `FrameError`.
"""

from grader.wire.framing import (
    FrameError,
    Reply,
    parse_head,
    parse_reply,
    request_frame,
)
from grader.wire.values import Handle, decode, encode

__all__ = [
    "FrameError",
    "Handle",
    "Reply",
    "decode",
    "encode",
    "parse_head",
    "parse_reply",
    "request_frame",
]
