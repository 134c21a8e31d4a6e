"""The part of GitHub's expression language that our workflows use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*)|(?P<number>\d+)"
    r"|(?P<sign>&&|\|\||==|!=|!|\(|\)))"
)
_INSIDE: Final = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class Expressions:
    """Evaluates expressions in contexts: {"inputs": {"round": "week-1"}, ...}."""

    def __init__(
        self, contexts: Mapping[str, Any], functions: Mapping[str, Callable[[], Any]]
    ) -> None:
        self._contexts, self._functions = contexts, functions
        self._rest: list[tuple[str, str]] = []

    def filled(self, text: str) -> str:
        """Return `text` with every `${{ }}` replaced by its value."""
        return _INSIDE.sub(lambda found: as_text(self.value(found[1])), text)

    def value(self, text: str) -> Any:
        """Return what an expression is worth.

        Raises:
            ValueError: it uses what we do not know.
        """
        self._rest = self._tokens(text)
        found = self._either()
        if self._rest:
            raise ValueError(text)
        return found

    def _tokens(self, text: str) -> list[tuple[str, str]]:
        tokens, at = [], 0
        text = text.strip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise ValueError(text)
            kind = found.lastgroup or ""
            tokens.append((kind, found[kind]))
            at = found.end()
        return tokens

    def _next(self, *signs: str) -> str:
        if self._rest and self._rest[0][0] == "sign" and self._rest[0][1] in signs:
            return self._rest.pop(0)[1]
        return ""

    def _either(self) -> Any:
        found = self._both()
        while self._next("||"):
            other = self._both()
            found = found or other
        return found

    def _both(self) -> Any:
        found = self._equal()
        while self._next("&&"):
            other = self._equal()
            found = found and other
        return found

    def _equal(self) -> Any:
        found = self._one()
        while sign := self._next("==", "!="):
            same = as_text(found) == as_text(self._one())
            found = same if sign == "==" else not same
        return found

    def _one(self) -> Any:
        if self._next("!"):
            return not self._one()
        if self._next("("):
            found = self._either()
            assert self._next(")")
            return found
        kind, text = self._rest.pop(0)
        if kind == "text":
            return text[1:-1].replace("''", "'")
        if kind == "number":
            return int(text)
        if self._next("("):
            assert self._next(")")
            return self._functions[text]()
        return self._lookup(text)

    def _lookup(self, name: str) -> Any:
        if name in ("true", "false"):
            return name == "true"
        head, *keys = name.split(".")
        found = self._contexts[head]
        for key in keys:
            found = found.get(key, "") if isinstance(found, Mapping) else ""
        return found


def as_text(value: Any) -> str:
    """Return a value as it is put into text."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
