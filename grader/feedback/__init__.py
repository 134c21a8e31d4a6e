"""One page for one student: what passed, what to do next, and how it went so far.

A pure function of what the store holds, of one person in one round. It says what staff
said to that person, so it is for them alone; public pages are `grader.publish`.
"""

from grader.feedback.html import file_name, to_html
from grader.feedback.page import Feedback, feedback
from grader.feedback.standing import Asked, Standing, standing

__all__ = [
    "Asked",
    "Feedback",
    "Standing",
    "feedback",
    "file_name",
    "standing",
    "to_html",
]
