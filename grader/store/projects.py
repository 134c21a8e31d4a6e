"""Projects: documents by digest, each with one event, shown once staff approve."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from pydantic import ValidationError

from grader.errors import StoreError, UsageError
from grader.models.project import Project
from grader.store import documents, rows
from grader.store.events import ProjectApproved, ProjectRun
from grader.store.tables import alone, events_table, our_errors

KIND: Final = "projects"
# Eight draws with a learning curve of 256 points and 240 samples each are 400 kB.
MAX_PROJECT_BYTES: Final = 2**20
RESTORE: Final = "Restore it from a backup, or reproduce the project again."


class Projects:
    """Reproduced projects; `Store.projects` makes it."""

    def __init__(
        self, folder: Path, engine: sa.Engine, now: Callable[[], datetime]
    ) -> None:
        self._folder, self._engine, self._now = folder, engine, now

    def add(self, student: str, project: Project) -> str:
        """Store a project and return its digest; storing it again changes nothing.

        Raises:
            StoreError: document or event cannot be written, or it is far too large.
        """
        data = project.model_dump_json().encode()
        if len(data) > MAX_PROJECT_BYTES:
            msg = f"a project of {len(data)} bytes exceeds {MAX_PROJECT_BYTES}"
            raise StoreError(
                msg, hint="Cap the texts of its outcomes before keeping it."
            )
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        documents.write_once(documents.path_of(self._folder, digest, KIND), data)
        said = ProjectRun(title=project.capstone.title, state=project.claim.kind)
        row = rows.values(self._now(), student, said, digest)
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            connection.execute(rows.insert_once(row))
        return digest

    def read(self, digest: str) -> Project:
        """Return the project stored under `digest`.

        Raises:
            StoreError: it is missing, damaged or of a newer schema.
        """
        path = documents.path_of(self._folder, digest, KIND)
        try:
            data = path.read_bytes()
        except OSError as exc:
            msg = f"project {path} cannot be read: {exc.strerror}"
            raise StoreError(msg, hint=RESTORE) from exc
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            msg = f"project {path} is damaged: its content has another digest"
            raise StoreError(msg, hint=RESTORE)
        try:
            return Project.model_validate_json(data)
        except ValidationError as exc:
            msg = f"project {path} is not of a schema this grader knows"
            raise StoreError(msg, hint="A newer grader wrote it.") from exc

    def approve(self, wanted: str, said: ProjectApproved) -> str:
        """Let a project be shown, or take that back; return its digest.

        Args:
            wanted: the digest, or enough of its beginning to be one project's alone.

        Raises:
            UsageError: no project has such a digest, or several have.
        """
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            student, digest = _one(connection, wanted)
            row = rows.values(self._now(), student, said, digest)
            connection.execute(sa.insert(events_table).values(row))
        return digest


def _one(connection: sa.Connection, wanted: str) -> tuple[str, str]:
    """Return student and digest of the only project whose digest begins so.

    Raises:
        UsageError: there is none, or more than one.
    """
    table = events_table.c
    found = connection.execute(
        sa.select(table.student, table.document).where(table.kind == "project")
    )
    bare = wanted.removeprefix("sha256:")
    matching = {
        (row.student, row.document)
        for row in found
        if bare and row.document.removeprefix("sha256:").startswith(bare)
    }
    if len(matching) != 1:
        many = "no project" if not matching else "more than one project"
        msg = f"{many} has a digest that begins with {wanted!r}"
        raise UsageError(msg, hint="grader project list")
    return matching.pop()
