"""Proxies: a student's objects as a check sees them, without their code.

Special methods are looked up on types, so each one a check may use is listed here;
truth, equality and conversion to an array raise, because they would ask an object that
may lie about itself.
"""

from __future__ import annotations

import inspect
import linecache
import textwrap
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import CodeType
from typing import Any, Final, NoReturn, Protocol

from grader.sandbox import StudentError
from grader.wire import Handle

Kinds = set[tuple[str, str]]
METHODS: Final = frozenset({"method", "type", "function"})


class OracleError(Exception):
    """The reference raised where a check asked it for an answer; our fault."""

    infrastructure = True


class Line(Protocol):
    """What a conversation is held over."""

    def ask(
        self,
        op: str,
        *args: Any,
        refer: Callable[[Any], Any] | None = None,
        **more: Any,
    ) -> Any:
        """Send one request and return the value of its answer."""
        ...

    def spent_cpu_s(self) -> float:
        """Return the CPU seconds that the other side has used."""
        ...


class Session:
    """One check's conversation with one process.

    Args:
        kinds: (class, attribute) pairs known to be methods; shared by the checks of a
            module, since a method need not be fetched before it is called.
        trusted: the other side runs the reference; its errors are ours.
    """

    def __init__(self, channel: Line, kinds: Kinds, *, trusted: bool) -> None:
        self.channel, self.kinds, self.trusted = channel, kinds, trusted
        self.last_call = ""

    def ask(self, op: str, *args: Any, **more: Any) -> Any:
        """Return the answer with its handles made proxies."""
        try:
            answer = self.channel.ask(op, *args, refer=self._refer, **more)
        except StudentError as exc:
            if self.trusted:
                msg = f"the reference raised {exc}"
                raise OracleError(msg) from exc
            raise
        return self._proxied(answer)

    def _refer(self, x: Any) -> Any:
        session = getattr(type(x), "session_of", None)
        if session is None:
            return None
        if session(x) is not self:
            msg = "an object of one package was given to the other"
            raise TypeError(msg)
        return x.reference() if isinstance(x, Method) else {"h": number_of(x)}

    def _proxied(self, answer: Any) -> Any:
        match answer:
            case Handle():
                return Remote(self, answer)
            case list():
                return [self._proxied(v) for v in answer]
            case tuple():
                return tuple(self._proxied(v) for v in answer)
            case dict():
                return {k: self._proxied(v) for k, v in answer.items()}
            case _:
                return answer

    def namespace(self) -> Remote:
        """Return `tt`: the package's public names."""
        return Remote(self, Handle(0, ("tt",), callable=False))

    def attribute(self, remote: Remote, name: str) -> Any:
        """Fetch an attribute, or stand in for a method already known to be one."""
        kind = (names_of(remote)[0], name)
        if kind in self.kinds:
            return Method(self, remote, name)
        self.last_call = ".".join(kind)
        answer = self.ask("get", remote, name=name)
        if isinstance(answer, Remote) and names_of(answer)[0] in METHODS:
            self.kinds.add(kind)
            return Method(self, remote, name)
        return answer

    def call(self, target: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Call `target`, or its attribute `name`."""
        owner = names_of(target)[0]
        self.last_call = f"{owner}.{name}(...)" if name else f"{owner}(...)"
        return self.ask("call", target, *args, name=name, kwargs=kwargs)


class Remote:
    """An object that lives in the sandbox."""

    __slots__ = ("_handle", "_session")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]
    _handle: Handle
    _session: Session

    def __init__(self, session: Session, handle: Handle) -> None:
        object.__setattr__(self, "_session", session)
        object.__setattr__(self, "_handle", handle)

    @staticmethod
    def remote_names(x: Remote) -> tuple[str, ...]:
        """Return the names of the class of `x` and its bases; `checklib` asks."""
        return names_of(x)

    @staticmethod
    def session_of(x: Remote) -> Session:
        """Return the conversation that `x` belongs to."""
        found: Session = object.__getattribute__(x, "_session")
        return found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(
                name
            )  # numpy and friends ask; a submission must not answer
        return Remote.session_of(self).attribute(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        Remote.session_of(self).ask("set", self, value, name=name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Remote.session_of(self).call(self, "", args, kwargs)

    def __enter__(self) -> Any:
        return Remote.session_of(self).call(self, "__enter__", (), {})

    def __exit__(self, *_: object) -> None:
        Remote.session_of(self).call(self, "__exit__", (None, None, None), {})

    def __getitem__(self, key: Any) -> Any:
        return _operate("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _operate("setitem", self, key, value)

    def __len__(self) -> int:
        return int(_operate("len", self))

    def __iter__(self) -> Iterator[Any]:
        return iter(_operate("list", self))

    def __repr__(self) -> str:
        return f"<a {names_of(self)[0]} in the sandbox>"

    def __bool__(self) -> NoReturn:  # noqa: PLE0304
        _refuse("the truth")

    def __eq__(self, other: object) -> NoReturn:
        _refuse("equality")

    def __ne__(self, other: object) -> NoReturn:
        _refuse("equality")

    def __array__(self, *_: object, **__: object) -> NoReturn:
        _refuse("the array")

    def __add__(self, other: Any) -> Any:
        return _operate("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _operate("add", other, self, of=self)

    def __sub__(self, other: Any) -> Any:
        return _operate("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _operate("sub", other, self, of=self)

    def __mul__(self, other: Any) -> Any:
        return _operate("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _operate("mul", other, self, of=self)

    def __truediv__(self, other: Any) -> Any:
        return _operate("truediv", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _operate("truediv", other, self, of=self)

    def __pow__(self, other: Any) -> Any:
        return _operate("pow", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _operate("pow", other, self, of=self)

    def __matmul__(self, other: Any) -> Any:
        return _operate("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _operate("matmul", other, self, of=self)

    def __neg__(self) -> Any:
        return _operate("neg", self)


class Method(Remote):
    """A method known by name: called without being fetched first."""

    __slots__ = ("_name", "_owner")
    _name: str
    _owner: Remote

    def __init__(self, session: Session, owner: Remote, name: str) -> None:
        super().__init__(session, Handle(-1, ("method",), callable=True))
        object.__setattr__(self, "_owner", owner)
        object.__setattr__(self, "_name", name)

    def reference(self) -> dict[str, list[Any]]:
        """Return the wire form: the owner's number and the name."""
        owner: Remote = object.__getattribute__(self, "_owner")
        return {"m": [number_of(owner), object.__getattribute__(self, "_name")]}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        owner: Remote = object.__getattribute__(self, "_owner")
        name: str = object.__getattribute__(self, "_name")
        return Remote.session_of(self).call(owner, name, args, kwargs)


def _operate(name: str, *args: Any, of: Remote | None = None) -> Any:
    session = Remote.session_of(of if of is not None else args[0])
    session.last_call = f"{name} on a {names_of(of if of is not None else args[0])[0]}"
    return session.ask("operator", *args, name=name)


def _refuse(what: str) -> NoReturn:
    msg = f"{what} of a remote object is not defined; compare arrays with `same`"
    raise TypeError(msg)


def handle_of(remote: Remote) -> Handle:
    """Return the reference behind a proxy."""
    handle: Handle = object.__getattribute__(remote, "_handle")
    return handle


def names_of(remote: Remote) -> tuple[str, ...]:
    """Return the names of the class of a remote object and its bases."""
    return handle_of(remote).names


def number_of(remote: Remote) -> int:
    """Return the number of a remote object in its session."""
    return handle_of(remote).id


def cpu_s(tt: Any) -> float:
    """Return the CPU seconds that the check has used so far, read from outside.

    The submission's own clocks are never asked. Where `tt` is the module itself, these
    are the seconds of this process.
    """
    session = getattr(type(tt), "session_of", None)
    if session is None:
        return time.process_time()
    spent_s: float = session(tt).channel.spent_cpu_s()
    return spent_s


def remote_source(tt: Any, fn: Callable[..., Any], **inputs: Any) -> Any:
    """Run `fn(tt, **inputs)` where the student's package lives and return its value.

    `fn` must be self-contained (it may use `np` and `tt`), holds nothing secret and
    returns plain values. Where `tt` is the module itself, `fn` is simply called.
    """
    session = getattr(type(tt), "session_of", None)
    if session is None:
        return fn(tt, **inputs)
    module = session(tt).ask("source", _source(fn.__code__), name="given")
    return getattr(module, fn.__name__)(tt, **inputs)


@lru_cache(maxsize=1024)  # a worker asks again and again
def _source(code: CodeType) -> str:
    # inspect.getsource looks through all modules for the file, 3 ms each time.
    below = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    source = textwrap.dedent("".join(inspect.getblock(below)))
    return f"import numpy as np\n{source}"
