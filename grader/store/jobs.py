"""One row a piece of work: who holds it until when, how often it was tried, its end.

A row is leased by one worker at a time and only a worker that still holds it may end
it, in the same transaction in which the result becomes an event. So no submission has
two accepted results, however many coordinators and crashes there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa

from grader.models.report import GradeReport
from grader.store import documents, summaries
from grader.store.events import GradedAt
from grader.store.export import has_inconclusive
from grader.store.tables import (
    alone,
    events_table,
    jobs_table,
    our_errors,
    submissions_table,
)

State = Literal["waiting", "leased", "graded", "unclear", "refused", "failed"]
# What needs no more work; "unclear" holds a result with something inconclusive.
ENDED: Final = ("graded", "unclear", "refused", "failed")
LEASE: Final = timedelta(seconds=60)
MOST_ATTEMPTS: Final = 3  # of work whose worker died
_DIED = "its worker ended three times while grading it; it was set aside"


@dataclass(frozen=True)
class Job:
    """A piece of work as it stands."""

    key: str
    label: str
    student: str
    state: State
    attempts: int
    document: str | None
    message: str


@dataclass(frozen=True)
class Wanted:
    """A piece of work as it is asked for; `key` is a digest of all it depends on."""

    key: str
    label: str
    student: str
    regrade: str = ""  # the set it belongs to: its result counts once that is applied


class Jobs:
    """The job table of one store."""

    def __init__(
        self, folder: Path, engine: sa.Engine, now: Callable[[], datetime]
    ) -> None:
        self._folder, self._engine, self._now = folder, engine, now

    def want(self, wanted: Sequence[Wanted]) -> None:
        """Add what is not there yet; what is stays as it is."""
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            keys = [w.key for w in wanted]
            rows = connection.execute(
                sa.select(jobs_table.c.key).where(jobs_table.c.key.in_(keys))
            )
            known = {row.key for row in rows}
            new = {w.key: w for w in wanted if w.key not in known}
            for one in new.values():
                connection.execute(sa.insert(jobs_table).values(**asdict(one)))

    def again(self, keys: Sequence[str], states: Sequence[State]) -> int:
        """Let ended work of these states wait again; return how much."""
        change = (
            sa.update(jobs_table)
            .where(jobs_table.c.key.in_(keys), jobs_table.c.state.in_(states))
            .values(state="waiting", attempts=0, message="")
        )
        with our_errors(self._folder), self._engine.begin() as connection:
            return int(connection.execute(change).rowcount)

    def lease(self, keys: Sequence[str], owner: str) -> Job | None:
        """Take one piece of work, or None if none of `keys` is free.

        Work whose lease has run out is free again, but for what has ended so many
        workers that it is set aside.
        """
        return self._lease(jobs_table.c.key.in_(keys), owner)

    def lease_received(self, owner: str) -> Job | None:
        """Take the oldest work that the service took in, as `lease`."""
        received = sa.select(submissions_table.c.key)
        return self._lease(jobs_table.c.key.in_(received), owner)

    def _lease(self, wanted: sa.ColumnElement[bool], owner: str) -> Job | None:
        table, now = jobs_table.c, self._now()
        late = sa.and_(table.state == "leased", table.until < _text(now))
        free = sa.and_(wanted, sa.or_(table.state == "waiting", late))
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            connection.execute(
                sa.update(jobs_table)
                .where(free, table.attempts >= MOST_ATTEMPTS)
                .values(state="failed", message=_DIED)
            )
            chosen = sa.select(table.key).where(free).order_by(table.added).limit(1)
            key = connection.execute(chosen).scalar()
            if key is None:
                return None
            values = {"state": "leased", "owner": owner, "until": _text(now + LEASE)}
            connection.execute(
                sa.update(jobs_table).where(free, table.key == key).values(**values)
            )
        (job,) = self.rows([key])
        return job

    def renew(self, key: str, owner: str) -> bool:
        """Hold work a little longer; False if it is no longer this worker's."""
        return self._mine(key, owner, until=_text(self._now() + LEASE))

    def release(self, owner: str, *, died: bool = False) -> int:
        """Give back what a worker holds that has ended; return how much that was.

        Args:
            died: by itself, so that its work may be what ended it; counted.
        """
        more = jobs_table.c.attempts + int(died)
        change = (
            sa.update(jobs_table)
            .where(jobs_table.c.owner == owner, jobs_table.c.state == "leased")
            .values(state="waiting", owner="", attempts=more)
        )
        with our_errors(self._folder), self._engine.begin() as connection:
            return int(connection.execute(change).rowcount)

    def owners(self, keys: Sequence[str] | None = None) -> set[str]:
        """Return who holds any of this work, or any at all."""
        table = jobs_table.c
        held = sa.select(table.owner)
        if keys is not None:
            held = held.where(table.key.in_(keys))
        with our_errors(self._folder), self._engine.connect() as connection:
            rows = connection.execute(held.where(table.state == "leased"))
            return {row.owner for row in rows}

    def accept(self, key: str, owner: str, report: GradeReport) -> bool:
        """Store a result and end its work; False if it is no longer this worker's.

        The document is on disk first; its event and the end of the work are one. A
        result of a regrade set has no event until the set is applied.
        """
        digest = documents.write(self._folder, report)
        state = "unclear" if has_inconclusive(report) else "graded"
        payload = GradedAt()
        event = {
            "at": _text(self._now()),
            "kind": payload.kind,
            "student": report.student,
            "document": digest,
            "payload": payload.model_dump_json(),
        }
        with our_errors(self._folder), self._engine.begin() as connection:
            change = _held(key, owner).values(state=state, document=digest, message="")
            if connection.execute(change).rowcount != 1:
                return False
            summaries.keep(connection, digest, report)
            of_set = sa.select(jobs_table.c.regrade).where(jobs_table.c.key == key)
            if not connection.execute(of_set).scalar():
                connection.execute(sa.insert(events_table).values(**event))
        return True

    def refuse(self, key: str, owner: str, message: str) -> None:
        """End work on a submission that cannot be taken in."""
        self._mine(key, owner, state="refused", message=message)

    def fail(self, key: str, owner: str, message: str) -> None:
        """End work that something of ours prevents."""
        self._mine(key, owner, state="failed", message=message)

    def rows(self, keys: Sequence[str]) -> list[Job]:
        """Return work as it stands, in the order in which it was added."""
        table = jobs_table.c
        columns = (table.key, table.label, table.student, table.state)
        more = (table.attempts, table.document, table.message)
        chosen = sa.select(*columns, *more).where(table.key.in_(keys))
        with our_errors(self._folder), self._engine.connect() as connection:
            found = connection.execute(chosen.order_by(table.added)).all()
        return [Job(*row) for row in found]

    def states(self, keys: Sequence[str]) -> Counter[State]:
        """Return how much work is in which state."""
        table = jobs_table.c
        count = sa.select(table.state, sa.func.count()).where(table.key.in_(keys))
        with our_errors(self._folder), self._engine.connect() as connection:
            found = connection.execute(count.group_by(table.state)).all()
        return Counter(dict[State, int](found))

    def of_set(self, regrade: str) -> list[Job]:
        """Return the work of a regrade set, in the order in which it was added."""
        chosen = sa.select(jobs_table.c.key).where(jobs_table.c.regrade == regrade)
        with our_errors(self._folder), self._engine.connect() as connection:
            keys = [row.key for row in connection.execute(chosen)]
        return self.rows(keys)

    def _mine(self, key: str, holder: str, /, **values: Any) -> bool:
        with our_errors(self._folder), self._engine.begin() as connection:
            done = connection.execute(_held(key, holder).values(**values))
            return bool(done.rowcount == 1)


def _held(key: str, owner: str) -> sa.Update:
    table = jobs_table.c
    mine = (table.key == key, table.owner == owner, table.state == "leased")
    return sa.update(jobs_table).where(*mine)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
