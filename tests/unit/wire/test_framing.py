"""Whatever is not exactly of the protocol is refused, and cheaply."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.wire import FrameError, Handle, decode, encode, parse_head, parse_reply
from grader.wire.framing import HEAD


def reply(value: object, arrays: object = (), **more: object) -> bytes:
    return json.dumps({"n": 1, "value": value, "arrays": arrays, **more}).encode()


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (b"{", b""),
        (b"\xff\xfe", b""),
        (b"[" * 100_000, b""),
        (b'{"n": 1, "value": NaN}', b""),
        (b'{"n": 1.0, "value": null}', b""),
        (b'{"n": 1, "value": null, "extra": 1}', b""),
        (b'{"n": 1, "value": ' + b"9" * 5000 + b"}", b""),
        (reply(None, [["object", [1]]]), b"\0" * 8),
        (reply(None, [["float32", [2]]]), b"\0" * 4),
        (reply(None, [["float32", [-1]]]), b""),
        (reply(None, [["float32", [2**39, 2**39]]]), b"\0" * 4),
        (reply(None, [["float32", [0] * 40]]), b""),
        (reply(None, [["bool", [1]]]), b"\x07"),
        (reply(None), b"one byte too many"),
        (reply(None, error={"names": [], "message": "", "frames": []}), b""),
        (reply(None, error={"names": ["E"], "message": "x" * 5000, "frames": []}), b""),
    ],
    ids=[
        *("truncated", "not utf-8", "deep", "nan", "float number", "extra field"),
        *("huge int", "object dtype", "short body", "negative shape", "huge shape"),
        *("many axes", "bool of 7", "long body", "no class names", "long message"),
    ],
)
def test_parse_reply_refuses(text: bytes, body: bytes) -> None:
    with pytest.raises(FrameError):
        _decoded(text, body)


def _decoded(text: bytes, body: bytes) -> object:
    parsed, arrays = parse_reply(text, body)
    return decode(parsed.value, arrays)


@pytest.mark.parametrize(
    "value",
    [
        {"a": 0},
        {"a": True},
        {"f": "1.0"},
        {"x": 1},
        {"l": 3},
        {"d": [["k"]]},
        {"d": [[1, 2]]},
        {"h": 1},
        {"h": 1, "names": [], "callable": True},
        {"h": 1, "names": ["A"], "callable": 1},
        {"h": "1", "names": ["A"], "callable": True},
        {"l": [1], "t": [2]},
        [1, 2],
    ],
    ids=str,
)
def test_decode_refuses(value: object) -> None:
    with pytest.raises(FrameError):
        decode(value, [])


def test_decode_refuses_a_small_frame_that_becomes_large() -> None:
    nested: object = 1
    for _ in range(30):
        nested = {"l": [nested]}

    with pytest.raises(FrameError, match="deep"):
        decode(nested, [])
    with pytest.raises(FrameError, match="large"):
        decode({"l": [1] * 300_000}, [])


def test_parse_head_refuses_lengths_over_the_limit_before_reading() -> None:
    with pytest.raises(FrameError, match="limit"):
        parse_head(HEAD.pack(10, 2**60), limit=100)
    with pytest.raises(FrameError, match="limit"):
        parse_head(HEAD.pack(2**32 - 1, 0), limit=2**62)


def test_arrays_that_cross_are_read_only() -> None:
    _, arrays = parse_reply(reply(None, [["float32", [2]]]), b"\0" * 8)

    with pytest.raises(ValueError, match="read-only"):
        arrays[0][0] = 1


def test_a_handle_keeps_its_class_names() -> None:
    value = decode({"h": 3, "names": ["Linear", "Layer"], "callable": True}, [])

    assert value == Handle(3, ("Linear", "Layer"), callable=True)


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain)
def test_plain_values_survive_the_way_there_and_back(value: object) -> None:
    arrays: list[np.ndarray] = []

    back = decode(json.loads(json.dumps(encode(value, arrays))), arrays)

    assert repr(back) == repr(value)  # repr tells 1 from 1.0, True and nan


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32"])
def test_numpy_values_survive(dtype: str) -> None:
    arrays: list[np.ndarray] = []
    array = np.arange(6).reshape(2, 3).astype(dtype)

    wire = encode([array, array[0, 0]], arrays)
    back_array, back_scalar = decode(wire, arrays)

    np.testing.assert_array_equal(back_array, array)
    assert back_scalar == array[0, 0]
    assert back_scalar.dtype == array.dtype


def test_encode_refuses_what_cannot_cross() -> None:
    with pytest.raises(TypeError, match="function"):
        encode(lambda: None, [])
