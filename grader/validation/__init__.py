"""Proof that hidden suites judge rightly: right packages pass, wrong ones do not.

Wrong packages are the reference with one mistake each: named ones, as students make
them, and ones that a machine makes by changing one operator, constant or argument.
"""

from grader.validation.plan import Plan
from grader.validation.validate import validate

__all__ = ["Plan", "validate"]
