"""Capstone projects: declared in `capstone.toml`, reproduced, held against the claim.

The student's script trains on the student's package in a sandbox and answers questions.
Data are read and split out here, answers of the held-out part never enter the sandbox,
and the metric is computed here from predictions. What the script reports itself is
shown as that and never compared.
"""

from grader.projects.declare import Problem, declare, declared_files
from grader.projects.reproduce import ProjectJob, reproduce

__all__ = ["Problem", "ProjectJob", "declare", "declared_files", "reproduce"]
