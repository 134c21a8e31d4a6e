"""The student's repository: built whole or up to a module, and brought up to date.

A release is a dictionary from path to bytes, made from `student_template/` and
`milestones/`; nothing of the reference is ever read for it.
"""

from grader.template.course_file import due_dates
from grader.template.release import Release, release
from grader.template.repository import build, dates_of, submit_of, update, upto_of
from grader.template.submit import submit_place
from grader.template.update import Action, Step, plan

__all__ = [
    "Action",
    "Release",
    "Step",
    "build",
    "dates_of",
    "due_dates",
    "plan",
    "release",
    "submit_of",
    "submit_place",
    "update",
    "upto_of",
]
