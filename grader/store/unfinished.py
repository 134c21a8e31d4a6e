"""An erasure that was cut off between its rows and its files.

Results say whose they are, so the next erasure finds those that no row names. Sessions
and projects name nobody: which of them are to go is written down before the rows go.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from grader.errors import StoreError
from grader.files import write_whole
from grader.store import documents
from grader.store.tables import events_table

PLAN: Final = "erasing.json"


def begin(folder: Path, digests: frozenset[str]) -> None:
    """Write down what is to go.

    Raises:
        StoreError: the folder cannot be written.
    """
    kept = sorted(digests | planned(folder))
    try:
        write_whole(folder / PLAN, json.dumps(kept).encode())
    except OSError as exc:
        msg = f"cannot write {folder / PLAN}: {exc.strerror}"
        raise StoreError(msg, hint="Check free space and permissions.") from exc


def end(folder: Path) -> None:
    """Say that all of it is gone."""
    (folder / PLAN).unlink(missing_ok=True)


def planned(folder: Path) -> frozenset[str]:
    """Return the digests that were to go, of erasures that did not end."""
    try:
        return frozenset(json.loads((folder / PLAN).read_bytes()))
    except FileNotFoundError:
        return frozenset()


def resume(connection: sa.Connection, folder: Path) -> int:
    """Delete what was to go and no row names any more; return how many there were.

    What a row still names was never erased: the transaction did not end.
    """
    wanted = planned(folder)
    if not wanted:
        return 0
    rows = connection.execute(sa.select(events_table.c.document))
    left = wanted - {row.document for row in rows}
    paths = [
        documents.path_of(folder, digest, kind)
        for digest in left
        for kind in documents.KINDS[1:]
    ]
    there = [path for path in paths if path.exists()]
    for path in there:
        path.unlink()
    end(folder)
    return len(there)
