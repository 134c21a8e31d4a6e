"""Decorators that say what a hidden check is worth and what it builds on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
ATTRIBUTE: Final = "__check__"


@dataclass(frozen=True)
class Marks:
    """What the decorators of one check declared."""

    points: float = 1.0
    needs: tuple[str, ...] = ()
    task: str = ""
    spec: tuple[str, str] = ("", "")  # (symbol, sentence of its docstring)
    cpu_s: float | None = None


def marks_of(fn: Callable[..., Any]) -> Marks:
    """Return the marks of `fn`; the defaults where it has none."""
    found = getattr(fn, ATTRIBUTE, Marks())
    assert isinstance(found, Marks)  # noqa: S101 -- set by this module alone
    return found


def _mark(**changes: Any) -> Callable[[F], F]:
    def decorate(fn: F) -> F:
        setattr(fn, ATTRIBUTE, replace(marks_of(fn), **changes))
        return fn

    return decorate


def points(worth: float) -> Callable[[F], F]:
    """Weight of the check inside its module (default 1)."""
    return _mark(points=float(worth))


def needs(*names: str) -> Callable[[F], F]:
    """Name modules ("tensor") or checks ("tensor::matmul") the check builds on.

    A check that fails while one of these fails is reported as blocked by it.
    """
    return _mark(needs=names)


def task(number: str) -> Callable[[F], F]:
    """Task number of the stub that the check is about: "2.3"."""
    return _mark(task=number)


def spec(symbol: str, sentence: str) -> Callable[[F], F]:
    """Name the sentence of `symbol`'s docstring that the check tests."""
    return _mark(spec=(symbol, sentence))


def cpu_limit(cpu_s: float) -> Callable[[F], F]:
    """CPU seconds for this check alone, where the course's default is too little."""
    return _mark(cpu_s=cpu_s)
