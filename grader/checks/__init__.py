"""Hidden checks: how they are written, run and judged.

`checklib` is what a check is written with; it also ships in the student template.
The judge compares plain arrays here, where student code never runs.
"""

from grader.checks.checklib import (
    CheckFailure,
    grad,
    gradients,
    holds,
    is_tensor,
    one_of,
    raises,
    same,
    set_data,
    type_name,
    value,
)
from grader.checks.marks import cpu_limit, needs, points, spec, task

__all__ = [
    "CheckFailure",
    "cpu_limit",
    "grad",
    "gradients",
    "holds",
    "is_tensor",
    "needs",
    "one_of",
    "points",
    "raises",
    "same",
    "set_data",
    "spec",
    "task",
    "type_name",
    "value",
]
