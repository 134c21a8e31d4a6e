"""Bytes and seconds as people read them, and the memory of this process."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

# up to how many seconds, one unit in seconds, its name
_TIMES: Final = (
    (1e-3, 1e-6, "us"),
    (1.0, 1e-3, "ms"),
    (120.0, 1.0, "s"),
    (7200.0, 60.0, "min"),
    (172_800.0, 3600.0, "h"),
)
_PROC: Final = Path("/proc/self")


def size(count: float) -> str:
    """Return a number of bytes with three digits, a kB being 1000 B."""
    for unit in ("B", "kB", "MB"):
        if count < 999.5:  # from there on three digits would round to 1e+03
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"


def seconds(value: float) -> str:
    """Return a time with three digits, in the unit that suits it."""
    for below, factor, unit in _TIMES:
        if value < below:
            return f"{value / factor:.3g} {unit}"
    return f"{value / 86_400:,.0f} days"


def clock(value: float) -> str:
    """Return a time as a watch would show it, for lines below each other."""
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 100:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def resident_bytes() -> int | None:
    """Return the memory that this process occupies now; None where unknown."""
    try:
        pages = int((_PROC / "statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int | None:
    """Return the most memory that this process has occupied; None where unknown."""
    try:
        # getrusage would count what the process was before it became Python.
        found = re.search(r"VmHWM:\s+(\d+) kB", (_PROC / "status").read_text())
    except OSError:
        found = None
    if found is not None:
        return int(found[1]) * 1024
    try:
        import resource  # noqa: PLC0415 - Windows has none
    except ModuleNotFoundError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
