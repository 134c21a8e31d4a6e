"""Erase one person: the only thing that ever deletes events, and it says that it did.

What other people share stays: a team's results without the person as a member, and the
files of a submission that somebody else handed in as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from grader.errors import StoreError, UsageError
from grader.store import documents
from grader.store.tables import (
    credentials_table,
    events_table,
    jobs_table,
    people_table,
    submissions_table,
    summaries_table,
)

_TRIGGERS: Final = sa.text(
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'events'"
)


@dataclass(frozen=True)
class Kept:
    """What the store has of one person."""

    events: int
    jobs: int
    documents: frozenset[str]  # results, those of regrade sets too, and sessions
    sources: frozenset[str]  # submissions that nobody else handed in
    teams: frozenset[str]
    people: int = 0  # lines of the roster
    credentials: int = 0  # tokens, links and sessions, ended ones too
    received: int = 0  # submissions that the service took in; sent for a team, too

    @property
    def nothing(self) -> bool:
        """Whether the person is unknown."""
        rows = self.events + self.jobs + self.people + self.credentials + self.received
        return not (rows or self.documents or self.teams)


def kept_of(connection: sa.Connection, folder: Path, student: str) -> Kept:
    """Return what is kept of `student`.

    Raises:
        StoreError: a result document is damaged.
    """
    events, jobs = events_table.c, jobs_table.c
    own = _documents(connection, student, own=True)
    own |= _strays(folder, student, own | _documents(connection, student, own=False))
    theirs = _submissions(connection, _documents(connection, student, own=False))
    theirs |= _handed_in(connection, student, own=False)
    sources = _submissions(connection, own, folder)
    sources |= _handed_in(connection, student, own=True)
    sent = submissions_table.c

    def count(*which: sa.ColumnElement[bool]) -> int:
        rows = sa.select(sa.func.count()).where(*which)
        return connection.execute(rows).scalar() or 0

    return Kept(
        events=count(events.student == student),
        jobs=count(jobs.student == student),
        documents=frozenset(own),
        sources=frozenset(sources - theirs),
        teams=frozenset(name for _, name, _ in _teams(connection, student)),
        people=count(people_table.c.student == student),
        credentials=count(*_lets_in(student)),
        received=count(sa.or_(sent.student == student, sent.sender == student)),
    )


def erase(connection: sa.Connection, student: str, kept: Kept) -> None:
    """Delete the rows of `student`; the files are deleted once that is committed.

    Raises:
        UsageError: a submission of theirs is being graded.
    """
    jobs = jobs_table.c
    busy = sa.select(jobs.key).where(jobs.student == student, jobs.state == "leased")
    if connection.execute(busy).first():
        msg = f"a submission of {student!r} is being graded"
        raise UsageError(msg, hint="wait until the batch has ended, and say it again")
    with _unlocked(connection):
        for id_, _, payload in _teams(connection, student):
            payload["members"].remove(student)
            change = sa.update(events_table).where(events_table.c.id == id_)
            connection.execute(change.values(payload=json.dumps(payload)))
        for id_, payload in _against(connection, student):
            change = sa.update(events_table).where(events_table.c.id == id_)
            connection.execute(
                change.values(payload=json.dumps(payload | {"opponent": ""}))
            )
        connection.execute(
            sa.delete(events_table).where(events_table.c.student == student)
        )
    connection.execute(sa.delete(jobs_table).where(jobs.student == student))
    gone = summaries_table.c.document.in_(kept.documents)
    connection.execute(sa.delete(summaries_table).where(gone))
    _erase_from_service(connection, student)


def _erase_from_service(connection: sa.Connection, student: str) -> None:
    """Delete a line of the roster, what lets the person in, and what they sent.

    What they sent for a team is the team's; that it was them is not kept.
    """
    sent = submissions_table.c
    connection.execute(sa.delete(people_table).where(people_table.c.student == student))
    connection.execute(sa.delete(credentials_table).where(*_lets_in(student)))
    connection.execute(sa.delete(submissions_table).where(sent.student == student))
    change = sa.update(submissions_table).where(sent.sender == student)
    connection.execute(change.values(sender=""))


def _lets_in(student: str) -> tuple[sa.ColumnElement[bool], ...]:
    table = credentials_table.c
    return (table.role == "student", table.name == student)


def erase_files(folder: Path, kept: Kept) -> None:
    """Delete documents and sources.

    Raises:
        StoreError: one cannot be deleted.
    """
    paths = [
        documents.path_of(folder, digest, kind)
        for digest in kept.documents
        for kind in documents.KINDS
    ]
    paths += [documents.source_path(folder, digest) for digest in kept.sources]
    for path in paths:
        try:
            path.unlink(missing_ok=True)
        except OSError as exc:
            msg = f"{path} cannot be deleted: {exc.strerror}"
            raise StoreError(msg, hint="delete it, or say the same once more") from exc


def _documents(connection: sa.Connection, student: str, *, own: bool) -> set[str]:
    """Return the digests of a student's results, or of everybody else's."""
    found: set[str] = set()
    for table in (events_table, jobs_table):
        whose = table.c.student == student if own else table.c.student != student
        rows = connection.execute(sa.select(table.c.document).where(whose))
        found |= {row.document for row in rows if row.document}
    return found


def _handed_in(connection: sa.Connection, student: str, *, own: bool) -> set[str]:
    """Return what the service took in from a student, or from everybody else."""
    table = submissions_table.c
    whose = table.student == student if own else table.student != student
    rows = connection.execute(sa.select(table.digest).where(whose))
    return {row.digest for row in rows}


def _strays(folder: Path, student: str, known: set[str]) -> set[str]:
    """Return results of `student` that no row names: an erasure that was cut off."""
    found = set()
    for path in (folder / "results").glob("??/*.json"):
        digest = f"sha256:{path.stem}"
        if digest not in known and documents.read(folder, digest).student == student:
            found.add(digest)
    return found


def _submissions(
    connection: sa.Connection, digests: set[str], folder: Path | None = None
) -> set[str]:
    """Return the submissions behind results; from documents where a summary lacks."""
    table = summaries_table.c
    rows = connection.execute(sa.select(table.document, table.data)).all()
    texts = {row.document: row.data for row in rows}
    found = set()
    for digest in digests:
        if digest in texts:
            found.add(json.loads(texts[digest]).get("submission", ""))
        elif folder is not None and documents.path_of(folder, digest).exists():
            found.add(documents.read(folder, digest).verdict.submission)
    return found


def _teams(
    connection: sa.Connection, student: str
) -> list[tuple[int, str, dict[str, list[str]]]]:
    """Return id, team and payload of the events that name `student` as a member."""
    table = events_table.c
    rows = connection.execute(
        sa.select(table.id, table.student, table.payload).where(table.kind == "team")
    )
    teams = [(row.id, row.student, json.loads(row.payload)) for row in rows]
    return [team for team in teams if student in team[2]["members"]]


def _against(
    connection: sa.Connection, student: str
) -> list[tuple[int, dict[str, Any]]]:
    """Return id and payload of the events in which somebody measured against them."""
    table = events_table.c
    rows = connection.execute(
        sa.select(table.id, table.payload).where(table.kind == "measured")
    )
    events = [(row.id, json.loads(row.payload)) for row in rows]
    return [event for event in events if event[1]["opponent"] == student]


@contextmanager
def _unlocked(connection: sa.Connection) -> Iterator[None]:
    """Let events be changed until the end of the block, in this transaction alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("ALTER TABLE events DISABLE TRIGGER USER"))
        yield
        connection.execute(sa.text("ALTER TABLE events ENABLE TRIGGER USER"))
        return
    triggers = connection.execute(_TRIGGERS).all()
    for trigger in triggers:
        connection.execute(sa.text(f'DROP TRIGGER "{trigger.name}"'))
    yield
    for trigger in triggers:
        connection.exec_driver_sql(trigger.sql)
