"""A class at a glance, for its staff: how points lie, what fails, who is stuck.

Pure functions of what the store holds. Of a student the result counts that the
gradebook counts. Nothing here is for the public: students are named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from grader.overview.build import Taught, overview
from grader.overview.html import to_html
from grader.overview.models import Overview
from grader.overview.sheet import to_csv, to_json
from grader.overview.table import to_table

__all__ = ["FORMATS", "Overview", "Taught", "overview", "to_html"]

FORMATS: Final[dict[str, Callable[[Overview], str]]] = {
    "table": to_table,
    "html": to_html,
    "csv": to_csv,
    "json": to_json,
}
