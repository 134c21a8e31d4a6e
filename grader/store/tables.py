"""The tables of the store, and what its database says in our words.

The tables are made and changed by `grader.store.migrations` alone; a test holds these
definitions against what the steps there make.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from grader.errors import StoreError

metadata = sa.MetaData()
events_table = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String(32), nullable=False),  # UTC, ISO 8601
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("student", sa.String(256), nullable=False),
    sa.Column("document", sa.String(71), nullable=True),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Index("one_graded_event_a_document", "kind", "document"),
    sqlite_autoincrement=True,  # an id is never used twice
)
jobs_table = sa.Table(
    "jobs",
    metadata,
    sa.Column("added", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(71), nullable=False, unique=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("student", sa.String(256), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, default="waiting"),
    sa.Column("owner", sa.String(128), nullable=False, default=""),
    sa.Column("until", sa.String(32), nullable=False, default=""),  # UTC, ISO 8601
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("document", sa.String(71), nullable=True),
    sa.Column("message", sa.Text, nullable=False, default=""),
    # The regrade set that asked for it; its results count only once that is applied.
    sa.Column("regrade", sa.String(64), nullable=False, server_default=""),
)
summaries_table = sa.Table(
    "summaries",
    metadata,
    sa.Column("document", sa.String(71), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),  # of what a summary holds
    sa.Column("data", sa.Text, nullable=False),
)
people_table = sa.Table(
    "people",
    metadata,
    sa.Column("student", sa.String(256), primary_key=True),
    *(
        sa.Column(name, sa.Text, nullable=False, server_default="")
        for name in (
            *("name", "first_name", "last_name", "email"),
            *("id", "sis_id", "login", "section"),
        )
    ),
)
# Tokens, one-time links and browser sessions: whoever reads this table can use none.
credentials_table = sa.Table(
    "credentials",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),  # SHA-256 of the secret
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),  # UTC, ISO 8601
    sa.Column("expires_at", sa.String(32), nullable=True),
    sa.Column("ended_at", sa.String(32), nullable=True),  # revoked, used, signed out
    sa.Index("credentials_of_one", "role", "name"),
)
submissions_table = sa.Table(
    "submissions",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("student", sa.String(256), nullable=False),  # a person or a team
    sa.Column("sender", sa.String(256), nullable=False),  # the person
    sa.Column("round", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(71), nullable=False),
    sa.Column("received_at", sa.String(32), nullable=False),  # UTC, ISO 8601
    sa.Column("key", sa.String(71), nullable=False),  # of its work
    sa.Column("size_bytes", sa.Integer, nullable=False),  # as it was sent
    sa.Column("notes", sa.Text, nullable=False),  # of intake, a JSON array
    sa.UniqueConstraint("student", "round", "digest", name="submissions_once"),
    sa.Index("submissions_by_key", "key"),
    sa.Index("submissions_by_sender", "sender", "received_at"),
)

# One number for all graders: whoever holds this lock of the database works alone.
_ALONE = sa.text("SELECT pg_advisory_xact_lock(7420260301)")


def alone(connection: sa.Connection) -> None:
    """Let nobody else be in such a transaction until this one ends.

    SQLite has one writer at a time as it is.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_ALONE)


@contextmanager
def our_errors(folder: Path) -> Iterator[None]:
    """Turn what the database says into a `StoreError`."""
    try:
        yield
    except SQLAlchemyError as exc:
        cause = getattr(exc, "orig", None) or exc
        msg = f"the event table of {folder} cannot be used: {cause}"
        hint = "Is it a store, on a disk with space, and not locked by another program?"
        raise StoreError(msg, hint=hint) from exc
