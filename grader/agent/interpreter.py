"""Answer the judge's requests on the objects of one check."""

from __future__ import annotations

import itertools
import linecache
import operator
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from .package import compiled

DTYPES = frozenset(
    [
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
        *("uint64", "float16", "float32", "float64"),
    ]
)
INT_MAX = 2**63
MAX_DEPTH = 16
Arrays = list[np.ndarray]


class Interpreter:
    """Holds the objects of one check; whatever the student raises is an answer."""

    def __init__(self, namespace: object, package: str) -> None:
        self.objects: dict[int, Any] = {0: namespace}
        self.package = package
        self.ids = itertools.count(1)

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
        """Return header and arrays of the answer to one request."""
        arrays: Arrays = []
        try:
            value = self.encode(self.execute(request), arrays, 0)
        except BaseException as exc:
            return {"n": request["n"], "error": self.describe(exc)}, []
        return {"n": request["n"], "value": value}, arrays

    def execute(self, request: dict[str, Any]) -> Any:
        """Do what the request says."""
        arrays, name = request["arrays"], request.get("name", "")
        args = [self.decode(a, arrays) for a in request["args"]]
        kwargs = {k: self.decode(v, arrays) for k, v in request["kwargs"].items()}
        match request["op"]:
            case "get":
                return getattr(args[0], name)
            case "set":
                return setattr(args[0], name, args[1])
            case "call":
                target = getattr(args[0], name) if name else args[0]
                return target(*args[1:], **kwargs)
            case "operator":
                return OPERATORS[name](*args)
            case "seed":
                return self.reset(args[0])
            case "source":
                return load_source(args[0], name)
            case "compile":
                return [compiled(path, bytes(data)) for path, data in args[0]]
            case other:
                raise ValueError(other)

    def reset(self, seed: int) -> None:
        """Forget all objects and start the random numbers anew."""
        self.objects = {0: self.objects[0]}
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 -- what packages draw from

    def decode(self, value: Any, arrays: Arrays) -> Any:
        """Return what the judge sent; see `grader.wire.values`."""
        if not isinstance(value, dict):
            return value
        ((tag, inner),) = value.items()
        if tag in SEQUENCES:
            return SEQUENCES[tag]([self.decode(v, arrays) for v in inner])
        match tag:
            case "f":
                return float(inner)
            case "d":
                return {k: self.decode(v, arrays) for k, v in inner}
            case "a":
                return arrays[inner]
            case "g":
                return arrays[inner][()]
            case "e":
                return Ellipsis
            case "h":
                return self.objects[inner]
            case "m":
                return getattr(self.objects[inner[0]], inner[1])
            case other:
                raise ValueError(other)

    def encode(self, x: Any, arrays: Arrays, depth: int) -> Any:
        """Return the wire form of plain data; anything else stays here as a handle."""
        kind = type(x)
        if x is None or kind is bool or kind is str:
            return x
        if kind is int and -INT_MAX <= x < INT_MAX:
            return x
        if kind is float:
            return x if abs(x) < float("inf") else {"f": repr(x)}
        if kind is np.ndarray and x.dtype.name in DTYPES:
            native = x.astype(x.dtype.newbyteorder("="), order="C", copy=False)
            arrays.append(native)
            return {"a": len(arrays) - 1}
        if isinstance(x, np.generic) and x.dtype.name in DTYPES:
            arrays.append(np.array(x))
            return {"g": len(arrays) - 1}
        if depth < MAX_DEPTH and (kind is list or kind is tuple):
            items = [self.encode(v, arrays, depth + 1) for v in x]
            return {"l" if kind is list else "t": items}
        if depth < MAX_DEPTH and kind is dict and all(type(k) is str for k in x):
            pairs = [[k, self.encode(v, arrays, depth + 1)] for k, v in x.items()]
            return {"d": pairs}
        return self.handle(x)

    def handle(self, x: Any) -> dict[str, Any]:
        """Keep `x` and return a reference to it."""
        number = next(self.ids)
        self.objects[number] = x
        names = ["type"] if isinstance(x, type) else class_names(x)
        return {"h": number, "names": names, "callable": callable(x)}

    def describe(self, exc: BaseException) -> dict[str, Any]:
        """Return an exception as data: class names, message, the student's lines."""
        try:
            message = str(exc)[:2000]
        except BaseException:
            message = ""
        frames: list[tuple[str, int, str]] = []
        trace = exc.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            if code.co_filename.startswith(self.package + "/"):
                frames.append((code.co_filename, trace.tb_lineno, code.co_name))
            trace = trace.tb_next
        if isinstance(exc, SyntaxError) and exc.filename:
            frames.append((str(exc.filename), int(exc.lineno or 0), "<module>"))
        return {"names": class_names(exc), "message": message, "frames": frames[-6:]}


def class_names(x: object) -> list[str]:
    """Return the names of the class of `x` and its bases, cut to what may cross."""
    return [str(c.__name__)[:200] for c in type.mro(type(x))][:32]


def load_source(text: str, name: str) -> ModuleType:
    """Run source sent by the judge as a module of its own."""
    module = ModuleType(name)
    sys.modules[name] = module  # dataclasses look their module up there
    file = f"<{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), module.__dict__)
    return module


def listed(x: Any) -> list[Any]:
    """Iterate what knows its length; an endless iterable is refused."""
    return [v for v, _ in zip(iter(x), range(len(x)), strict=False)]


SEQUENCES: dict[str, Callable[[list[Any]], Any]] = {
    "l": list,
    "t": tuple,
    "s": lambda parts: slice(*parts),
}
OPERATORS: dict[str, Callable[..., Any]] = {
    **{n: getattr(operator, n) for n in ("add", "sub", "mul", "truediv", "pow")},
    **{n: getattr(operator, n) for n in ("matmul", "neg", "getitem", "setitem")},
    "len": len,
    "list": listed,
    "next": next,
}
