"""The people of the roster, what lets them in, and what they handed in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
OF_PEOPLE = (
    *("name", "first_name", "last_name", "email"),
    *("id", "sis_id", "login", "section"),
)


def upgrade() -> None:
    """Add the tables of the service."""
    op.create_table(
        "people",
        sa.Column("student", sa.String(256), primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False, server_default="")
            for name in OF_PEOPLE
        ),
    )
    op.create_table(
        "credentials",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=True),
        sa.Column("ended_at", sa.String(32), nullable=True),
    )
    op.create_index("credentials_of_one", "credentials", ["role", "name"])
    op.create_table(
        "submissions",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("student", sa.String(256), nullable=False),
        sa.Column("sender", sa.String(256), nullable=False),
        sa.Column("round", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("received_at", sa.String(32), nullable=False),
        sa.Column("key", sa.String(71), nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("notes", sa.Text, nullable=False),
        sa.UniqueConstraint("student", "round", "digest", name="submissions_once"),
    )
    op.create_index("submissions_by_key", "submissions", ["key"])
    by_sender = ["sender", "received_at"]
    op.create_index("submissions_by_sender", "submissions", by_sender)
