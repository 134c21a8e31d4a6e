"""The JSON Schema of the report, generated from the models.

`grader schema > docs/reference/report-schema.json` writes the page; a test keeps it so.
"""

from __future__ import annotations

import json

from grader.models.report import GradeReport


def report_schema() -> str:
    """Return the schema of what `grader grade --format json` prints."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **GradeReport.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"
