"""Measure entries of the competition as a command line asks for it, and record them."""

from grader.competing.bench import CompeteOptions
from grader.competing.commands import (
    Keep,
    Measured,
    Value,
    head_to_head,
    record,
    run,
    was_interrupted,
)

__all__ = [
    "CompeteOptions",
    "Keep",
    "Measured",
    "Value",
    "head_to_head",
    "record",
    "run",
    "was_interrupted",
]
