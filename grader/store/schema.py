"""Bring a store's tables to this grader's version, or say why that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from grader.errors import StoreError
from grader.store.tables import alone

HEAD: Final = "0003"  # the last step in `migrations/versions`
FIRST: Final = "0001"  # stores that were made before steps were counted
STEPS: Final = Path(__file__).with_name("migrations")


def prepare(engine: sa.Engine, folder: Path) -> None:
    """Make the tables, or change those of an older grader, in one transaction.

    Raises:
        StoreError: they are of a newer grader, or are none of ours.
    """
    with engine.begin() as connection:
        alone(connection)
        found = _version(connection)
        if found == HEAD:
            return
        if found is not None and found not in _known():
            msg = f"the store in {folder} has schema {found}, this grader {HEAD}"
            raise StoreError(msg, hint="Use the grader that made it, or a newer one.")
        _run(connection, stamp=found if not _stamped(connection) else None)


def _version(connection: sa.Connection) -> str | None:
    """Return the step that the tables are at; None where there are none."""
    if _stamped(connection):
        text = sa.text("SELECT version_num FROM alembic_version")
        return str(connection.execute(text).scalar())
    if not sa.inspect(connection).has_table("events"):
        return None
    if sa.inspect(connection).has_table("schema"):
        number = connection.execute(sa.text("SELECT version FROM schema")).scalar()
        if number == 1:
            return FIRST
        return str(number)
    return "unknown"


def _stamped(connection: sa.Connection) -> bool:
    return sa.inspect(connection).has_table("alembic_version")


# Alembic takes 0.1 s to import, and nearly every store is up to date.
def _known() -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    steps = ScriptDirectory(str(STEPS)).walk_revisions()
    return {step.revision for step in steps}


def _run(connection: sa.Connection, stamp: str | None) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(STEPS).replace("%", "%%"))
    config.attributes["connection"] = connection
    if stamp is not None:
        command.stamp(config, stamp)
    command.upgrade(config, "head")
