"""Start untrusted processes behind a wall, talk to them, measure and end them.

Theory of operation: see `grader/agent/__init__.py` for the other side. The judge starts
one zygote per package; `wall` decides what stands around it, `zygote` forks groups and
checks, `channel` exchanges frames under a deadline, `meter` reads time and memory of
the whole tree from outside. Everything a submission starts dies with its group.
"""

from grader.sandbox.channel import Channel
from grader.sandbox.endings import (
    BadAnswer,
    Died,
    Ending,
    LimitHit,
    SandboxLost,
    Starved,
    StudentError,
)
from grader.sandbox.group import Group
from grader.sandbox.late import LateZygote
from grader.sandbox.package import Package
from grader.sandbox.wall import Wall, choose, survey
from grader.sandbox.zygote import Zygote

__all__ = [
    "BadAnswer",
    "Channel",
    "Died",
    "Ending",
    "Group",
    "LateZygote",
    "LimitHit",
    "Package",
    "SandboxLost",
    "Starved",
    "StudentError",
    "Wall",
    "Zygote",
    "choose",
    "survey",
]
