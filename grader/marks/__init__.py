"""How results become marks: a pure function of what the store exports.

Points are whole hundredths throughout, so that a mark can be checked by hand. Marks are
for gradebooks; public pages never see them.
"""

from grader.marks.late import days_late, taken_off
from grader.marks.mark import Mark, marks_of
from grader.marks.said import Said, said_of
from grader.marks.shares import Share, decimal, hundredths, shares_of

__all__ = [
    "Mark",
    "Said",
    "Share",
    "days_late",
    "decimal",
    "hundredths",
    "marks_of",
    "said_of",
    "shares_of",
    "taken_off",
]
