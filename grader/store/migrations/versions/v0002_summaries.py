"""Summaries of results, and the regrade set that a job belongs to.

Summaries of results that are there already are made when they are first asked for.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what 0001 lacks; its own mark of the version goes."""
    op.create_table(
        "summaries",
        sa.Column("document", sa.String(71), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.add_column(
        "jobs",
        sa.Column("regrade", sa.String(64), nullable=False, server_default=""),
    )
    op.drop_table("schema")
