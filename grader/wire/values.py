"""Values on the wire: a closed set of types, tagged where JSON has no word for them.

None, bool, int (64 bit), float and str are themselves; {"f": "nan"} is a float that
JSON lacks, {"l"|"t": [...]} a list or tuple, {"d": [[k, v]]} a dict, {"a": i} an array
of the frame, {"g": i} a numpy scalar, {"h": id, ...} an object that stays where it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from grader.wire.framing import DTYPES, FrameError

MAX_DEPTH: Final = 20
MAX_NODES: Final = 200_000
INT_MAX: Final = 2**63
NON_FINITE: Final = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class Handle(NamedTuple):
    """An object that lives in the sandbox."""

    id: int
    names: tuple[str, ...]  # its class and bases
    callable: bool


def encode(  # noqa: C901, PLR0912 -- one line a type of the closed set
    x: Any, arrays: list[np.ndarray], refer: Callable[[Any], Any] | None = None
) -> Any:
    """Return the wire form of `x`; arrays are appended to `arrays`.

    Args:
        refer: wire form of an object on the other side, or None if it is none.

    Raises:
        TypeError: a check passed something that cannot cross; that is our bug.
    """
    if refer is not None and (reference := refer(x)) is not None:
        return reference
    if x is None or isinstance(x, bool | str):
        return x
    match x:
        case np.ndarray() if x.dtype.name in DTYPES:
            arrays.append(x)
            return {"a": len(arrays) - 1}
        case np.generic() if x.dtype.name in DTYPES:
            arrays.append(np.array(x))
            return {"g": len(arrays) - 1}
        case int() if -INT_MAX <= x < INT_MAX:
            return x
        case float():
            return x if math.isfinite(x) else {"f": repr(x)}
        case slice():
            return {"s": [encode(v, arrays, refer) for v in (x.start, x.stop, x.step)]}
        case _ if x is Ellipsis:
            return {"e": 0}
        case list() | tuple():
            tag = "l" if isinstance(x, list) else "t"
            return {tag: [encode(v, arrays, refer) for v in x]}
        case dict():
            return {"d": [[str(k), encode(v, arrays, refer)] for k, v in x.items()]}
        case _:
            msg = f"a {type(x).__name__} cannot be sent into the sandbox"
            raise TypeError(msg)


def decode(value: Any, arrays: list[np.ndarray]) -> Any:
    """Return the value that a hostile side may have written.

    Raises:
        FrameError: not of the closed set, too deep or too many.
    """
    return _Decoder(arrays).decode(value, 0)


class _Decoder:
    """Counts nodes, so that a small frame cannot become a large object."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        self.arrays = arrays
        self.nodes = 0

    def decode(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            msg = "a value too deep or too large"
            raise FrameError(msg)
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int) and -INT_MAX <= value < INT_MAX:
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        if not isinstance(value, dict):
            msg = f"a bare {type(value).__name__}"
            raise FrameError(msg)
        if "h" in value:
            return _handle(value)
        if len(value) != 1:
            msg = "a value with several tags"
            raise FrameError(msg)
        ((tag, inner),) = value.items()
        return self._tagged(tag, inner, depth + 1)

    def _tagged(self, tag: str, inner: Any, depth: int) -> Any:
        match tag, inner:
            case "f", str() if inner in NON_FINITE:
                return NON_FINITE[inner]
            case "l", list():
                return [self.decode(v, depth) for v in inner]
            case "t", list():
                return tuple(self.decode(v, depth) for v in inner)
            case "d", list():
                return dict(self._pair(pair, depth) for pair in inner)
            case "a", int():
                return self._array(inner)
            case "g", int():
                return self._array(inner)[()]
            case _:
                msg = f"an unknown value {tag[:20]!r}"
                raise FrameError(msg)

    def _pair(self, pair: Any, depth: int) -> tuple[str, Any]:
        match pair:
            case [str() as key, inner]:
                return key, self.decode(inner, depth)
            case _:
                msg = "a dict entry that is no pair"
                raise FrameError(msg)

    def _array(self, index: int) -> np.ndarray:
        if isinstance(index, bool) or not 0 <= index < len(self.arrays):
            msg = "an array that was not sent"
            raise FrameError(msg)
        return self.arrays[index]


def _handle(value: dict[str, Any]) -> Handle:
    match value:
        case {"h": int() as number, "names": [*names], "callable": bool() as call} if (
            len(value) == 3 and names and all(isinstance(n, str) for n in names)
        ):
            return Handle(number, tuple(n[:200] for n in names[:32]), call)
        case _:
            msg = "a malformed reference"
            raise FrameError(msg)
