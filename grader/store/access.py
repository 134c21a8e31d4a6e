"""Who may come in: tokens, one-time links and browser sessions, each kept as a hash.

The secrets have 256 bits of chance, so that a plain SHA-256 of them tells nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

import sqlalchemy as sa

from grader.store.tables import alone, credentials_table, our_errors

Kind = Literal["token", "link", "session"]
Role = Literal["student", "staff"]
State = Literal["valid", "expired", "ended"]
PREFIX: Final[dict[Kind, str]] = {"token": "tt_", "link": "tl_", "session": "ts_"}
KEPT: Final = timedelta(days=30)  # what has ended is shown for so long


@dataclass(frozen=True, order=True)
class Who:
    """Whom a secret lets in."""

    role: Role
    name: str  # the student of the roster, or how staff are called


@dataclass(frozen=True)
class Credential:
    """A token, link or session as it is kept."""

    hash: str
    kind: Kind
    who: Who
    created_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None  # revoked, used or signed out

    def state(self, now: datetime) -> State:
        """Return whether it still lets anybody in."""
        if self.ended_at is not None:
            return "ended"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "valid"


def new_secret(kind: Kind) -> str:
    """Return a secret that nobody knows; it is told once and kept nowhere."""
    return PREFIX[kind] + secrets.token_urlsafe(32)


def hash_of(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Access:
    """The table of credentials of one store."""

    def __init__(
        self, folder: Path, engine: sa.Engine, now: Callable[[], datetime]
    ) -> None:
        self._folder, self._engine, self._now = folder, engine, now

    def issue(self, kind: Kind, who: Who, lasts: timedelta | None = None) -> str:
        """Make a secret and return it; without `lasts` it holds until it is ended."""
        secret = new_secret(kind)
        self.keep(kind, {secret: who}, lasts)
        return secret

    def keep(
        self, kind: Kind, made: Mapping[str, Who], lasts: timedelta | None = None
    ) -> None:
        """Let secrets of `new_secret` hold from now on, all of them or none.

        Raises:
            StoreError: they cannot be written.
        """
        rows = [self._values(kind, secret, who, lasts) for secret, who in made.items()]
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            if rows:
                connection.execute(sa.insert(credentials_table), rows)

    def find(self, kind: Kind, secret: str) -> Credential | None:
        """Return what is kept of a secret, whatever its state; None if unknown."""
        table = credentials_table.c
        mine = (table.hash == hash_of(secret), table.kind == kind)
        chosen = sa.select(credentials_table).where(*mine)
        with our_errors(self._folder), self._engine.connect() as connection:
            row = connection.execute(chosen).first()
        return _credential(row) if row else None

    def redeem(self, link: str, lasts: timedelta) -> tuple[str, Who] | None:
        """Use a one-time link up; return a session and whose, or None if it is void."""
        table, now = credentials_table.c, self._now()
        unused = (table.hash == hash_of(link), table.kind == "link")
        chosen = sa.select(credentials_table).where(*unused)
        use = sa.update(credentials_table).where(*unused, table.ended_at.is_(None))
        secret = new_secret("session")
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            row = connection.execute(chosen).first()
            if row is None or _credential(row).state(now) != "valid":
                return None
            if connection.execute(use.values(ended_at=_text(now))).rowcount != 1:
                return None
            who = _credential(row).who
            values = self._values("session", secret, who, lasts)
            connection.execute(sa.insert(credentials_table).values(**values))
        return secret, who

    def end(self, secret: str) -> bool:
        """End one secret, as signing out does; False if it had ended or is unknown."""
        return bool(self._end(credentials_table.c.hash == hash_of(secret)))

    def revoke(self, who: Who) -> int:
        """End all that lets somebody in; return how many tokens, links, sessions."""
        table = credentials_table.c
        return self._end(table.role == who.role, table.name == who.name)

    def all(self, kind: Kind = "token") -> list[Credential]:
        """Return all credentials of a kind, the oldest first."""
        table = credentials_table.c
        chosen = sa.select(credentials_table).where(table.kind == kind)
        with our_errors(self._folder), self._engine.connect() as connection:
            rows = connection.execute(chosen.order_by(table.created_at)).all()
        return [_credential(row) for row in rows]

    def tidy(self) -> int:
        """Delete links and sessions that ended or expired long ago; return how many."""
        table, before = credentials_table.c, _text(self._now() - KEPT)
        old = sa.or_(table.ended_at < before, table.expires_at < before)
        gone = sa.delete(credentials_table).where(table.kind != "token", old)
        with our_errors(self._folder), self._engine.begin() as connection:
            return int(connection.execute(gone).rowcount)

    def _end(self, *which: sa.ColumnElement[bool]) -> int:
        change = sa.update(credentials_table).where(
            *which, credentials_table.c.ended_at.is_(None)
        )
        with our_errors(self._folder), self._engine.begin() as connection:
            done = connection.execute(change.values(ended_at=_text(self._now())))
            return int(done.rowcount)

    def _values(
        self, kind: Kind, secret: str, who: Who, lasts: timedelta | None
    ) -> dict[str, Any]:
        now = self._now()
        return {
            "hash": hash_of(secret),
            "kind": kind,
            "role": who.role,
            "name": who.name,
            "created_at": _text(now),
            "expires_at": _text(now + lasts) if lasts else None,
        }


def _credential(row: sa.Row[Any]) -> Credential:
    return Credential(
        hash=row.hash,
        kind=row.kind,
        who=Who(row.role, row.name),
        created_at=datetime.fromisoformat(row.created_at),
        expires_at=_moment(row.expires_at),
        ended_at=_moment(row.ended_at),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
