"""Names of a package that are imported when somebody asks for them (PEP 562).

For packages that show in one place what many modules do: whoever needs one of them
does not pay for all. Type checkers and the layer contracts read the imports that stand
under `TYPE_CHECKING` beside it; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def later(package: str, homes: Mapping[str, Sequence[str]]) -> Callable[[str], Any]:
    """Return the `__getattr__` of `package`.

    Args:
        homes: module -> the names that the package shows of it.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def found(name: str) -> Any:
        if name not in home_of:
            msg = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(msg)
        return getattr(import_module(home_of[name]), name)

    return found
