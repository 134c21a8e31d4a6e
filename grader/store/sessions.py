"""Sessions of the competition: documents by digest, each with one event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from grader.compete.documents import digest as digest_of
from grader.compete.documents import from_bytes, to_bytes
from grader.errors import StoreError, UsageError
from grader.models.session import Session
from grader.store import documents, rows
from grader.store.events import Measured
from grader.store.tables import alone, our_errors


class Sessions:
    """Measured sessions; `Store.sessions` makes it."""

    def __init__(
        self, folder: Path, engine: sa.Engine, now: Callable[[], datetime]
    ) -> None:
        self._folder, self._engine, self._now = folder, engine, now

    def add(self, student: str, session: Session, *, opponent: str = "") -> str:
        """Store a session and return its digest; storing it again changes nothing.

        Args:
            student: who entered; in a head-to-head, the challenger.
            opponent: the holder, who must not be known in a session of another kind.

        Raises:
            UsageError: an opponent without a head-to-head, or the other way round.
            StoreError: the document or the event cannot be written.
        """
        if (session.kind == "head-to-head") != bool(opponent):
            msg = f"a session of kind {session.kind!r} with the opponent {opponent!r}"
            raise UsageError(msg, hint="Only a head-to-head has an opponent.")
        data = to_bytes(session)
        digest = digest_of(data)
        documents.write_once(documents.path_of(self._folder, digest, "sessions"), data)
        row = rows.values(self._now(), student, _event(session, opponent), digest)
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            connection.execute(rows.insert_once(row))
        return digest

    def read(self, digest: str) -> Session:
        """Return the session stored under `digest`.

        Raises:
            StoreError: it is missing or damaged.
        """
        path = documents.path_of(self._folder, digest, "sessions")
        try:
            data = path.read_bytes()
        except OSError as exc:
            msg = f"session {path} cannot be read: {exc.strerror}"
            raise StoreError(msg, hint="Restore it from a backup.") from exc
        if digest_of(data) != digest:
            msg = f"session {path} is damaged: its content has another digest"
            raise StoreError(msg, hint="Restore it from a backup.")
        return from_bytes(data)


def _event(session: Session, opponent: str) -> Measured:
    return Measured(
        session_kind=session.kind,
        event=session.event,
        division=session.division,
        workload=session.workload,
        host_class=session.conditions.host_class,
        submission=session.digests.submission,
        started_at=session.started_at,
        counts=session.counts,
        opponent=opponent,
    )
