"""Who is in the rich data set, and when."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final

NOW: Final = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
COURSE: Final = "tinytorch"
MIB: Final = 2**20
# Name, how much faster than the reference (ln), how much less memory (ln).
PEOPLE: Final = (
    ("brisk otter", 0.86, 0.31),
    ("Noor van den Berg-Okonkwo", 0.85, 0.22),
    ("copper heron", 0.855, 0.05),
    ("quiet comet", 0.52, 0.40),
    ("velvet anchor", 0.38, -0.08),
    ("amber lantern", 0.37, 0.12),
    ("rapid quartz", 0.21, 0.0),
    ("Łukasz Żółć", 0.05, 0.02),
    ("plain willow", -0.01, 0.01),
    ("mellow walnut", -0.22, -0.15),
    ("dusty harbour", -0.70, -0.35),
)
NAMES: Final = (
    *(name for name, _, _ in PEOPLE),
    *("hollow marble", "bold tundra", "patient orbit", "early cobalt"),
)


def digest(*parts: object) -> str:
    text = "\0".join(map(str, parts))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def slug_of(name: str) -> str:
    if name.islower():
        return name.replace(" ", "-")
    return "entry-" + digest(name)[7:19]
