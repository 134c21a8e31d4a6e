"""Events, which nothing changes or deletes, and jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SQLITE = (
    "CREATE TRIGGER events_no_{verb} BEFORE {verb} ON events "
    "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
)
POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$; "
    "CREATE TRIGGER events_no_{verb} BEFORE {verb} ON events "
    "FOR EACH STATEMENT EXECUTE FUNCTION events_refuse()"
)


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("student", sa.String(256), nullable=False),
        sa.Column("document", sa.String(71), nullable=True),
        sa.Column("payload", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("one_graded_event_a_document", "events", ["kind", "document"])
    op.create_table(
        "jobs",
        sa.Column("added", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(71), nullable=False, unique=True),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("student", sa.String(256), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("owner", sa.String(128), nullable=False),
        sa.Column("until", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("document", sa.String(71), nullable=True),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_table("schema", sa.Column("version", sa.Integer))
    dialect = op.get_context().dialect.name
    rule, verbs = (
        (POSTGRESQL, ("update", "delete", "truncate"))
        if dialect == "postgresql"
        else (SQLITE, ("update", "delete"))
    )
    for verb in verbs:
        op.execute(rule.format(verb=verb))
