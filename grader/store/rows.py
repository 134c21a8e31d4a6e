"""Rows of the event table, as they are written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from grader.store.events import Payload
from grader.store.tables import events_table


def values(
    at: datetime, student: str, payload: Payload, document: str
) -> dict[str, Any]:
    """Return one event as a row; `document` may be empty."""
    return {
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "kind": payload.kind,
        "student": student,
        "document": document or None,
        "payload": payload.model_dump_json(),
    }


def insert_once(row: dict[str, Any]) -> sa.Insert:
    """Insert in one statement, unless the document has such an event."""
    same = sa.and_(
        events_table.c.kind == row["kind"],
        events_table.c.document == row["document"],
    )
    new = sa.select(*(sa.literal(v) for v in row.values())).where(
        ~sa.exists().where(same)
    )
    return sa.insert(events_table).from_select(list(row), new)
