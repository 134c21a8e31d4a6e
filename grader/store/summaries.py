"""Summaries kept beside the events, so that a class is one query and not 200 kB each.

They are a cache: what is missing or of an older version is made from the document.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import sqlalchemy as sa

from grader.models.report import GradeReport
from grader.models.summary import ResultSummary, summary_of
from grader.store.tables import alone, summaries_table

VERSION: Final = 2  # of `ResultSummary`; another one is made anew


def keep(connection: sa.Connection, digest: str, report: GradeReport) -> ResultSummary:
    """Keep the summary of a report; one that is there is replaced."""
    made = summary_of(report)
    table = summaries_table
    connection.execute(sa.delete(table).where(table.c.document == digest))
    values = {"document": digest, "version": VERSION, "data": made.model_dump_json()}
    connection.execute(sa.insert(table).values(values))
    return made


def of(
    connection: sa.Connection,
    digests: Sequence[str],
    read: Callable[[str], GradeReport],
) -> dict[str, ResultSummary]:
    """Return the summaries of `digests`; those that are missing are made by `read`."""
    table = summaries_table.c
    rows = connection.execute(
        sa.select(table.document, table.data).where(table.version == VERSION)
    )
    texts = {row.document: row.data for row in rows}
    found = {
        digest: ResultSummary.model_validate_json(texts[digest])
        for digest in digests
        if digest in texts
    }
    if missing := [digest for digest in digests if digest not in found]:
        alone(connection)
        found |= {digest: keep(connection, digest, read(digest)) for digest in missing}
    return found
