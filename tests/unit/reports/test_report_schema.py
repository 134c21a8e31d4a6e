from __future__ import annotations

import json
from pathlib import Path

from grader.reports import report_schema

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "report-schema.json"


def test_the_page_in_docs_is_the_schema_of_the_models() -> None:
    assert PAGE.read_text("utf-8") == report_schema()


def test_the_schema_is_closed_and_names_every_outcome() -> None:
    definitions = json.loads(report_schema())["$defs"]

    assert definitions["Verdict"]["additionalProperties"] is False
    kinds = definitions["CheckResult"]["properties"]["outcome"]["discriminator"]
    assert len(kinds["mapping"]) == 9
