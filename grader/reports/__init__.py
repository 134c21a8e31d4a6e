"""Turn a `GradeReport` into text for people: terminal, HTML, charts, JSON Schema.

Pure: no clock, no network, no file but our own templates. Every text that a submission
could have written passes `display` on its way out.
"""

from typing import TYPE_CHECKING

from grader.later import later

if TYPE_CHECKING:
    from grader.reports.html import to_html
    from grader.reports.proof import to_proof_table
    from grader.reports.schema import report_schema
    from grader.reports.terminal import to_table
else:
    __getattr__ = later(
        __name__,
        {
            "grader.reports.html": ("to_html",),
            "grader.reports.proof": ("to_proof_table",),
            "grader.reports.schema": ("report_schema",),
            "grader.reports.terminal": ("to_table",),
        },
    )

__all__ = ["report_schema", "to_html", "to_proof_table", "to_table"]
