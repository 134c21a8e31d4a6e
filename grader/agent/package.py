"""The student's package, imported from source texts that came through the pipe."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import marshal
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

import numpy as np

File = tuple[str, bytes, bytes | None]  # path, source, code compiled in another sandbox


class MissingName(AttributeError):
    """A public name that the package does not have (yet)."""


class MemoryFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds the package's modules, and nothing else, in memory."""

    def __init__(self, files: Iterable[File]) -> None:
        self.files: dict[str, tuple[str, bytes, bytes | None, bool]] = {}
        for path, source, code in files:
            parts = path.removesuffix(".py").split("/")
            package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if package else parts)
            self.files[name] = (path, source, code, package)
        for name in list(self.files):
            parts = name.split(".")
            for depth in range(1, len(parts)):
                parent = "/".join(parts[:depth])
                empty = (parent + "/__init__.py", b"", None, True)
                self.files.setdefault(parent.replace("/", "."), empty)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 -- the protocol's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return the spec of a module of the package."""
        if fullname not in self.files:
            return None
        where, _, _, package = self.files[fullname]
        return importlib.util.spec_from_loader(
            fullname, self, origin=where, is_package=package
        )

    def exec_module(self, module: ModuleType) -> None:
        """Run the module's code."""
        path, source, code, _ = self.files[module.__name__]
        module.__file__ = path
        program = marshal.loads(code) if code else code_of(path, source)  # noqa: S302
        exec(program, module.__dict__)

    def get_source(self, fullname: str) -> str:
        """Return the text, for tracebacks and `inspect`."""
        return self.files[fullname][1].decode(errors="replace")


class Namespace:
    """`tt`: public names, looked up along the import paths of the course."""

    def __init__(self, package: str, symbols: dict[str, list[str]]) -> None:
        self._package = package
        self._symbols = symbols

    def __getattr__(self, name: str) -> Any:
        tried = self._symbols.get(name, [])
        for path in dict.fromkeys([*tried, self._package]):
            try:
                module = importlib.import_module(path)
            except ModuleNotFoundError as exc:
                if exc.name and (path == exc.name or path.startswith(exc.name + ".")):
                    continue  # this layout has no such module
                raise
            if name in vars(module):
                return vars(module)[name]
            try:
                return getattr(module, name)
            except AttributeError:
                continue
        where = tried[0] if tried else self._package
        msg = f"{where} has no {name} yet"
        raise MissingName(msg)


def code_of(path: str, source: bytes) -> CodeType:
    """Return the code of one file; SyntaxError also where it does not decode."""
    try:
        text = importlib.util.decode_source(source)
    except UnicodeDecodeError as exc:
        msg = f"(unicode error) {exc}"
        line = source[: exc.start].count(b"\n") + 1
        raise SyntaxError(msg, (path, line, 0, "")) from exc
    return compile(text, path, "exec")


def compiled(path: str, source: bytes) -> np.ndarray | None:
    """Return the code of one file as bytes for another sandboxed process, or None."""
    try:
        return np.frombuffer(marshal.dumps(code_of(path, source)), np.uint8)
    except (SyntaxError, ValueError):
        return None  # importing it says why


def install(config: dict[str, Any]) -> Namespace:
    """Install the package and import what the module's checks will use."""
    arrays, files = config["arrays"], []
    for path, source, code in config["files"]:
        blob = None if code is None else arrays[code].tobytes()
        files.append((path, arrays[source].tobytes(), blob))
    sys.meta_path.insert(0, MemoryFinder(files))
    namespace = Namespace(config["package"], config["symbols"])
    present = {path.removesuffix(".py").replace("/", ".") for path, _, _ in files}
    for module, function in config["setup_calls"]:
        if module in present:
            _attempt(
                lambda m, f: getattr(importlib.import_module(m), f)(), module, function
            )
    for name in config["preload"]:
        _attempt(getattr, namespace, name)
    return namespace


def _attempt(action: Callable[..., Any], *args: Any) -> None:
    """Run what may raise anything; each check meets the error itself."""
    try:
        action(*args)
    except BaseException:
        return
