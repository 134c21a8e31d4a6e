"""The course's command for students; it does not need the grader."""

from __future__ import annotations

__version__ = "0.1.0"
