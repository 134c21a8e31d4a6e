"""What the service took in: one row a submission, beside the work that it asks for.

The row, its work and the event that says when it came are written in one transaction;
whoever was told an id can rely on all three.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from grader.store.events import Submitted
from grader.store.jobs import State, Wanted
from grader.store.tables import (
    alone,
    events_table,
    jobs_table,
    our_errors,
    submissions_table,
)

# Work that ended so is our fault, and is not counted against anybody.
OURS: Final[tuple[State, ...]] = ("failed", "unclear")
WINDOW: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Received:
    """One submission as it was taken in."""

    id: str
    student: str  # whose it is: a person or a team
    sender: str  # the person who sent it; empty once they are erased
    round: str
    digest: str
    received_at: datetime
    key: str  # of its work
    size_bytes: int
    notes: tuple[str, ...] = ()  # of intake


@dataclass(frozen=True)
class Standing:
    """A submission and how far its work is."""

    received: Received
    state: State
    message: str
    document: str | None
    ahead: int  # how many wait before it; 0 if it does not wait


class TooManyError(Exception):
    """Somebody sends more than they may; nothing was written.

    Attributes:
        again_at: when one more will be taken.
    """

    def __init__(self, again_at: datetime) -> None:
        super().__init__(again_at)
        self.again_at = again_at


class Inbox:
    """The table of submissions of one store."""

    def __init__(
        self, folder: Path, engine: sa.Engine, now: Callable[[], datetime]
    ) -> None:
        self._folder, self._engine, self._now = folder, engine, now

    def receive(self, new: Received, label: str, per_hour: int) -> tuple[str, bool]:
        """Write a submission down, with its work and the time that it came.

        The same from the same student in the same round is there already.

        Args:
            label: of its work, as lists of work show it.
            per_hour: how many of one sender are taken in an hour.

        Returns:
            the id that holds, and whether it is new.

        Raises:
            TooManyError: the sender has sent as many as that; a repeat is no more.
            StoreError: nothing was written.
        """
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            if known := connection.execute(_same(new)).scalar():
                return str(known), False
            counted = self._counted(connection, new.sender)
            if len(counted) >= per_hour:
                raise TooManyError(counted[-per_hour] + WINDOW)
            values = asdict(new) | {
                "received_at": _text(new.received_at),
                "notes": json.dumps(new.notes),
            }
            connection.execute(sa.insert(submissions_table).values(**values))
            _want(connection, Wanted(new.key, label, new.student))
            connection.execute(sa.insert(events_table).values(**self._event(new)))
        return new.id, True

    def known(self, new: Received) -> str | None:
        """Return the id of the same submission, if it is there."""
        with our_errors(self._folder), self._engine.connect() as connection:
            known: str | None = connection.execute(_same(new)).scalar()
            return known

    def left(self, sender: str, per_hour: int) -> int:
        """Return how many more submissions of somebody are taken now."""
        with our_errors(self._folder), self._engine.connect() as connection:
            return max(0, per_hour - len(self._counted(connection, sender)))

    def standing(
        self, *, ids: Sequence[str] = (), students: Sequence[str] = ()
    ) -> list[Standing]:
        """Return submissions by id or by whose they are, the newest first."""
        table = submissions_table.c
        chosen = sa.or_(table.id.in_(ids), table.student.in_(students))
        with our_errors(self._folder), self._engine.connect() as connection:
            rows = connection.execute(
                _WITH_WORK.where(chosen).order_by(table.received_at.desc(), table.id)
            ).all()
            queue = [row.key for row in connection.execute(_WAITING)]
        place = {key: number for number, key in enumerate(queue)}
        return [_standing(row, place) for row in rows]

    def latest(self, most: int, states: Sequence[State] = ()) -> list[Standing]:
        """Return the submissions that came last, of some states or of all."""
        table, chosen = submissions_table.c, _WITH_WORK
        if states:
            chosen = chosen.where(jobs_table.c.state.in_(states))
        chosen = chosen.order_by(table.received_at.desc(), table.id).limit(most)
        with our_errors(self._folder), self._engine.connect() as connection:
            rows = connection.execute(chosen).all()
            queue = [row.key for row in connection.execute(_WAITING)]
        place = {key: number for number, key in enumerate(queue)}
        return [_standing(row, place) for row in rows]

    def probe(self) -> None:
        """Write nothing, as far as a transaction that writes.

        Raises:
            StoreError: nothing can be written.
        """
        nothing = sa.update(submissions_table).where(submissions_table.c.id == "")
        with our_errors(self._folder), self._engine.begin() as connection:
            connection.execute(nothing.values(sender=""))

    def counts(self) -> dict[State, int]:
        """Return how much of what was taken in is in which state."""
        count = sa.select(jobs_table.c.state, sa.func.count()).join_from(
            submissions_table, jobs_table, _WORK
        )
        with our_errors(self._folder), self._engine.connect() as connection:
            found = connection.execute(count.group_by(jobs_table.c.state)).all()
        return dict[State, int](found)

    def of_key(self, key: str) -> Received | None:
        """Return the submission that asks for some work."""
        chosen = sa.select(submissions_table).where(submissions_table.c.key == key)
        with our_errors(self._folder), self._engine.connect() as connection:
            row = connection.execute(chosen).first()
        return _received(row) if row else None

    def keys(self, states: Sequence[State]) -> dict[str, Received]:
        """Return what was taken in and whose work is in one of these states."""
        chosen = _WITH_WORK.where(jobs_table.c.state.in_(states))
        with our_errors(self._folder), self._engine.connect() as connection:
            rows = connection.execute(chosen.order_by(jobs_table.c.added)).all()
        return {row.key: _received(row) for row in rows}

    def rekey(self, old: str, new: str) -> bool:
        """Let waiting work go under another key; False if it waits no longer.

        Work that is there under the new key is what the submission then asks for.
        """
        table = jobs_table.c
        waiting = (table.key == old, table.state == "waiting")
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            there = sa.select(table.key).where(table.key == new)
            if connection.execute(there).first():
                done = connection.execute(sa.delete(jobs_table).where(*waiting))
            else:
                change = sa.update(jobs_table).where(*waiting)
                done = connection.execute(change.values(key=new))
            if done.rowcount != 1:
                return False
            move = sa.update(submissions_table).where(submissions_table.c.key == old)
            connection.execute(move.values(key=new))
        return True

    def _counted(self, connection: sa.Connection, sender: str) -> list[datetime]:
        """Return when what counts against a sender came, the oldest first."""
        table, since = submissions_table.c, _text(self._now() - WINDOW)
        mine = (table.sender == sender, table.received_at > since)
        chosen = sa.select(table.received_at).join_from(
            submissions_table, jobs_table, _WORK
        )
        fair = jobs_table.c.state.not_in(OURS)
        rows = connection.execute(chosen.where(*mine, fair).order_by(table.received_at))
        return [datetime.fromisoformat(row.received_at) for row in rows]

    def _event(self, new: Received) -> dict[str, Any]:
        payload = Submitted(
            round=new.round,
            submission=new.digest,
            at=new.received_at,
            told_by="received",
        )
        return {
            "at": _text(self._now()),
            "kind": payload.kind,
            "student": new.student,
            "document": None,
            "payload": payload.model_dump_json(),
        }


_WORK: Final = submissions_table.c.key == jobs_table.c.key
_WITH_WORK: Final = sa.select(
    submissions_table,
    jobs_table.c.state,
    jobs_table.c.message,
    jobs_table.c.document,
).join_from(submissions_table, jobs_table, _WORK)
_WAITING: Final = (
    sa.select(jobs_table.c.key)
    .join_from(submissions_table, jobs_table, _WORK)
    .where(jobs_table.c.state == "waiting")
    .order_by(jobs_table.c.added)
)


def _same(new: Received) -> sa.Select[Any]:
    table = submissions_table.c
    return sa.select(table.id).where(
        table.student == new.student,
        table.round == new.round,
        table.digest == new.digest,
    )


def _want(connection: sa.Connection, wanted: Wanted) -> None:
    """Add work that is not there yet."""
    there = sa.select(jobs_table.c.key).where(jobs_table.c.key == wanted.key)
    if connection.execute(there).first() is None:
        connection.execute(sa.insert(jobs_table).values(**asdict(wanted)))


def _standing(row: sa.Row[Any], place: dict[str, int]) -> Standing:
    return Standing(
        received=_received(row),
        state=row.state,
        message=row.message,
        document=row.document,
        ahead=place.get(row.key, 0),
    )


def _received(row: sa.Row[Any]) -> Received:
    return Received(
        id=row.id,
        student=row.student,
        sender=row.sender,
        round=row.round,
        digest=row.digest,
        received_at=datetime.fromisoformat(row.received_at),
        key=row.key,
        size_bytes=row.size_bytes,
        notes=tuple(json.loads(row.notes)),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
