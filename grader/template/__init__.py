"""The student's repository: built whole or up to a module, and brought up to date.

A release is a dictionary from path to bytes, made from `student_template/` and
`milestones/`; nothing of the reference is ever read for it.
"""

from grader.template.release import Release, release
from grader.template.repository import build, update, upto_of
from grader.template.update import Action, Step, plan

__all__ = [
    "Action",
    "Release",
    "Step",
    "build",
    "plan",
    "release",
    "update",
    "upto_of",
]
