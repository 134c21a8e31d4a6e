"""Summaries kept beside the events, so that a class is one query and not 200 kB each.

They are a cache: what is missing or of an older version is made from the document.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import sqlalchemy as sa

from grader.models.report import GradeReport
from grader.models.summary import ResultSummary, summary_of
from grader.store.tables import summaries_table

VERSION: Final = 2  # of `ResultSummary`; another one is made anew

FEW: Final = 100  # so many are asked for by name; of more, all are read


def keep(connection: sa.Connection, digest: str, report: GradeReport) -> ResultSummary:
    """Keep the summary of a report; one that is there is replaced."""
    made = summary_of(report)
    table = summaries_table
    connection.execute(sa.delete(table).where(table.c.document == digest))
    values = {"document": digest, "version": VERSION, "data": made.model_dump_json()}
    connection.execute(sa.insert(table).values(values))
    return made


def of(connection: sa.Connection, digests: Iterable[str]) -> dict[str, ResultSummary]:
    """Return the summaries that are kept of `digests`; those of other versions lack."""
    wanted = {*digests}
    table = summaries_table.c
    chosen = sa.select(table.document, table.data).where(table.version == VERSION)
    if len(wanted) <= FEW:
        chosen = chosen.where(table.document.in_(wanted))
    rows = connection.execute(chosen)
    return {
        row.document: ResultSummary.model_validate_json(row.data)
        for row in rows
        if row.document in wanted
    }
