"""The store: a folder of result documents and one append-only table of events.

A document is on disk before its event is written, so that every event can be followed.
A crash in between leaves a document that nothing names, which does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from pydantic import ValidationError

from grader.collector import no_cycles
from grader.errors import StoreError, UsageError
from grader.models.report import GradeReport
from grader.models.submission import Submission
from grader.models.summary import ResultSummary
from grader.store import documents, rows, schema, summaries, unfinished
from grader.store.access import Access
from grader.store.erasure import Kept, erase, erase_files, kept_of
from grader.store.events import (
    PAYLOAD,
    Event,
    Forgotten,
    GradedAt,
    Payload,
    RegradeSet,
    Visibility,
    VisibilitySet,
    Withdrawn,
)
from grader.store.export import Export, StoredReport, StoredResult
from grader.store.jobs import Jobs
from grader.store.people import People
from grader.store.projects import Projects
from grader.store.received import Inbox
from grader.store.sessions import Sessions
from grader.store.tables import alone, events_table, our_errors

BUSY_S: Final = 30  # another grader may be writing
PORTION: Final = 50  # summaries made in one go: nobody who writes waits for all


def _now() -> datetime:
    return datetime.now(UTC)


# What is said of a class, and all of it is needed to tell how one of it stands.
OF_ALL: Final = ("regrade", "policy", "extension", "team")


class Store:
    """Append-only results of one course. Open it with `Store.open`."""

    def __init__(
        self, folder: Path, engine: sa.Engine, now: Callable[[], datetime]
    ) -> None:
        self._folder = folder
        self._engine = engine
        self._now = now

    @classmethod
    def open(
        cls, folder: Path, *, url: str = "", now: Callable[[], datetime] = _now
    ) -> Store:
        """Open the store in `folder`, or make one there.

        Args:
            url: SQLAlchemy address of the event table; default a SQLite file inside.
            now: the clock, for tests.

        Raises:
            StoreError: unreadable, not writable, or of a newer schema.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            msg = f"no store can be made in {folder}: {exc.strerror}"
            raise StoreError(msg, hint="Name a folder you may write to.") from exc
        address = url or f"sqlite:///{(folder / 'events.db').absolute()}"
        options = {"timeout": BUSY_S} if address.startswith("sqlite") else {}
        with our_errors(folder):
            engine = sa.create_engine(address, connect_args=options)
            if engine.dialect.name == "sqlite":
                _lock_on_begin(engine)
            schema.prepare(engine, folder)
        return cls(folder, engine, now)

    @property
    def jobs(self) -> Jobs:
        """The work that leads to results."""
        return Jobs(self._folder, self._engine, self._now)

    @property
    def people(self) -> People:
        """Everybody of the roster."""
        return People(self._folder, self._engine)

    @property
    def access(self) -> Access:
        """Tokens, one-time links and browser sessions."""
        return Access(self._folder, self._engine, self._now)

    @property
    def inbox(self) -> Inbox:
        """What the service took in."""
        return Inbox(self._folder, self._engine, self._now)

    @property
    def sessions(self) -> Sessions:
        """Measured sessions of the competition."""
        return Sessions(self._folder, self._engine, self._now)

    @property
    def projects(self) -> Projects:
        """Capstone projects, reproduced."""
        return Projects(self._folder, self._engine, self._now)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def add_report(self, report: GradeReport) -> str:
        """Store `report` and return its digest; storing it again changes nothing.

        Raises:
            StoreError: the document or the event cannot be written.
        """
        digest = documents.write(self._folder, report)
        values = self._values(report.student, GradedAt(), digest)
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            summaries.keep(connection, digest, report)
            connection.execute(rows.insert_once(values))
        return digest

    def keep_source(self, submission: Submission, package: str) -> None:
        """Keep the files of a submission, so that it can be graded again.

        Raises:
            StoreError: they cannot be written.
        """
        documents.keep_source(self._folder, submission, package)

    def source(self, digest: str) -> Path | None:
        """Return the bundle with the files of a submission, if they were kept."""
        path = documents.source_path(self._folder, digest)
        return path if path.is_file() else None

    def record(self, student: str, payload: Payload, *, document: str = "") -> None:
        """Append one event.

        Raises:
            StoreError: it cannot be written.
        """
        self.record_all([(student, payload)], document=document)

    def record_all(
        self, events: Iterable[tuple[str, Payload]], *, document: str = ""
    ) -> None:
        """Append events, all of them or none."""
        values = [self._values(who, payload, document) for who, payload in events]
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            if values:
                connection.execute(sa.insert(events_table), values)

    def set_visibility(
        self, student: str, visibility: Visibility, *, by: str, name: str = ""
    ) -> None:
        """Record what `student` allows the public to see.

        Args:
            by: who entered it, kept as the record of consent.
            name: shown in public; required with "named", refused otherwise.

        Raises:
            UsageError: a name without "named", or "named" without a name.
        """
        try:
            payload = VisibilitySet(visibility=visibility, by=by, name=name)
        except ValidationError as exc:
            msg = f"{visibility!r} and the name {name!r} do not go together"
            hint = "A name goes with 'named', and with nothing else."
            raise UsageError(msg, hint=hint) from exc
        self.record(student, payload)

    def withdraw(self, digest: str, *, by: str, reason: str) -> None:
        """Let the result `digest` no longer count; it stays in the history.

        Raises:
            UsageError: no such result was stored.
        """
        graded = [
            e
            for e in self.events()
            if e.document == digest and isinstance(e.payload, GradedAt)
        ]
        if not graded:
            msg = f"no result {digest} is stored"
            raise UsageError(msg, hint="Name the whole digest of a stored result.")
        gone = Withdrawn(by=by, reason=reason)
        self.record(graded[0].student, gone, document=digest)

    def end_regrade(
        self, ending: RegradeSet, results: Sequence[tuple[str, str]] = ()
    ) -> None:
        """End a set, with the events that make its results count, or with none.

        Args:
            ending: applied or cancelled.
            results: student and digest of each.

        Raises:
            UsageError: it has ended already.
        """
        counting = GradedAt(regrade=ending.name)
        values = [self._values(who, counting, digest) for who, digest in results]
        values.append(self._values("", ending, ""))
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            rows = connection.execute(
                sa.select(events_table.c.payload).where(
                    events_table.c.kind == ending.kind
                )
            )
            sets = [PAYLOAD.validate_json(row.payload) for row in rows]
            if any(_ended(one, ending.name) for one in sets):
                msg = f"the regrade set {ending.name!r} has ended already"
                raise UsageError(msg, hint="grader regrade list")
            connection.execute(sa.insert(events_table), values)

    def kept_of(self, student: str) -> Kept:
        """Return what the store has of one person."""
        with our_errors(self._folder), self._engine.connect() as connection:
            return kept_of(connection, self._folder, student)

    def forget(self, student: str, *, by: str, reason: str) -> Kept:
        """Erase one person; return what was kept of them.

        Raises:
            UsageError: nothing is kept, or a submission of theirs is being graded.
            StoreError: something cannot be deleted; saying it again goes on.
        """
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            unfinished.resume(connection, self._folder)
            kept = kept_of(connection, self._folder, student)
            if kept.nothing:
                msg = f"nothing is kept of {student!r}"
                raise UsageError(msg, hint="the id is the one results were stored by")
            said = Forgotten(by=by, reason=reason, results=len(kept.documents))
            values = self._values("", said, "")
            unfinished.begin(self._folder, kept.documents)
            erase(connection, student, kept)
            connection.execute(sa.insert(events_table), [values])
        erase_files(self._folder, kept)
        unfinished.end(self._folder)
        return kept

    def end_erasures(self) -> int:
        """Delete what an erasure that was cut off left; return how many documents."""
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            return unfinished.resume(connection, self._folder)

    def events(
        self, *, kinds: Sequence[str] = (), students: Sequence[str] = ()
    ) -> tuple[Event, ...]:
        """Return all events in order, or those of some kinds, or of some students.

        Raises:
            StoreError: the table is unreadable or holds events this grader lacks.
        """
        table = events_table.c
        chosen = sa.select(events_table)
        if kinds or students:
            some = sa.or_(table.kind.in_(kinds), table.student.in_(students))
            chosen = chosen.where(some)
        with our_errors(self._folder), self._engine.connect() as connection:
            rows = connection.execute(chosen.order_by(table.id)).all()
        try:
            return tuple(_event(row) for row in rows)
        except (ValidationError, ValueError) as exc:
            msg = f"the store in {self._folder} holds an event that cannot be read"
            hint = "A newer grader wrote it: upgrade this one."
            raise StoreError(msg, hint=hint) from exc

    def newest(self, kinds: Sequence[str]) -> int:
        """Return the id of the last event of these kinds; 0 where there is none."""
        last = sa.select(sa.func.max(events_table.c.id))
        last = last.where(events_table.c.kind.in_(kinds))
        with our_errors(self._folder), self._engine.connect() as connection:
            return connection.execute(last).scalar() or 0

    def report(self, digest: str) -> GradeReport:
        """Return the report stored under `digest`.

        Raises:
            StoreError: it is missing or damaged.
        """
        return documents.read(self._folder, digest)

    def runs(self, digest: str) -> documents.Runs:
        """Return the milestones of the report stored under `digest`.

        Raises:
            StoreError: it is missing or damaged.
        """
        return documents.read_runs(self._folder, digest)

    def reports(self) -> tuple[StoredReport, ...]:
        """Return all reports whole, in the order they were stored first; slow.

        Raises:
            StoreError: a document is missing or damaged.
        """
        return tuple(
            StoredReport(digest=digest, report=self.report(digest))
            for digest in _graded(self.events())
        )

    def summaries(self, digests: Sequence[str]) -> dict[str, ResultSummary]:
        """Return the summaries of results by digest.

        Raises:
            StoreError: a document that has no summary yet is missing or damaged.
        """
        with our_errors(self._folder), self._engine.connect() as connection:
            found = summaries.of(connection, digests)
        missing = [digest for digest in digests if digest not in found]
        for start in range(0, len(missing), PORTION):
            portion = missing[start : start + PORTION]
            reports = [(digest, self.report(digest)) for digest in portion]
            with our_errors(self._folder), self._engine.begin() as connection:
                alone(connection)
                for digest, report in reports:
                    found[digest] = summaries.keep(connection, digest, report)
        return found

    def export(self) -> Export:
        """Return events and results as one frozen value.

        Raises:
            StoreError: an event cannot be read, or a document that has no summary yet.
        """
        with no_cycles():
            return self._exported(self.events())

    def export_of(self, students: Sequence[str]) -> Export:
        """Return what there is of some students and teams, and what holds for a class.

        That is regrade sets, policies, extensions and teams: these are few.

        Raises:
            StoreError: as `export`.
        """
        return self._exported(self.events(kinds=OF_ALL, students=students))

    def _exported(self, events: tuple[Event, ...]) -> Export:
        digests = _graded(events)
        found = self.summaries(digests)
        results = (StoredResult(digest=d, summary=found[d]) for d in digests)
        return Export(events=events, results=tuple(results))

    def _values(self, student: str, payload: Payload, document: str) -> dict[str, Any]:
        return rows.values(self._now(), student, payload, document)


def _graded(events: Iterable[Event]) -> list[str]:
    """Return the digests of all results, in the order of their first event."""
    kinds = (e.document for e in events if isinstance(e.payload, GradedAt))
    return list(dict.fromkeys(digest for digest in kinds if digest))


def _ended(payload: Payload, name: str) -> bool:
    """Return whether this is the end of the regrade set `name`."""
    if not isinstance(payload, RegradeSet) or payload.name != name:
        return False
    return payload.state != "planned"


def _event(row: sa.Row[Any]) -> Event:
    payload = PAYLOAD.validate_json(row.payload)
    if payload.kind != row.kind:
        raise ValueError(row.kind)
    return Event(
        id=row.id,
        at=datetime.fromisoformat(row.at),
        student=row.student,
        document=row.document,
        payload=payload,
    )


def _lock_on_begin(engine: sa.Engine) -> None:
    """Make every transaction take the write lock first, table creation included.

    Left to itself, Python's sqlite3 commits each CREATE on its own, and two graders
    that open a new store at once would meet half of it.
    """

    def connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        # What is erased must not stay in a free page of the file.
        connection.execute("PRAGMA secure_delete = ON")

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    sa.event.listen(engine, "connect", connect)
    sa.event.listen(engine, "begin", begin)
