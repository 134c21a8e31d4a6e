"""Types that fixtures and tests share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

Writer = Callable[[Path, NDArray[Any]], Path]


@dataclass
class Site:
    """What the server serves, how it behaves, and what it was asked."""

    url: str = ""
    content: bytes = b""
    ranges: bool = True  # answers Range requests with 206
    cut_after: int | None = None  # bytes of the first answer before it hangs up
    asked: list[str | None] = field(default_factory=list)  # Range headers
