"""What was computed before: pages and estimates, by the digest of all they depend on.

The cache lies in the state folder and is never public. It is worth time alone: what is
missing, damaged or of another version is computed again, and a build without it gives
the same bytes. What a build did not ask for is dropped at its end, so that nothing is
left of a page whose owner withdrew.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

NAME: Final = "publish.db"
_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS kept"
    " (key BLOB PRIMARY KEY, digest BLOB NOT NULL, data BLOB NOT NULL) WITHOUT ROWID"
)


def key_of(kind: str, *parts: str | bytes) -> bytes:
    """Return a key of 32 bytes; equal only for equal parts in the same order."""
    found = hashlib.sha256(kind.encode())
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode()
        found.update(len(data).to_bytes(8, "big") + data)
    return found.digest()


class Cache:
    """Bytes by key. Use it in a `with` block, at the end of which it is written.

    Args:
        folder: where it lies; None: nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / NAME
        self._old: sqlite3.Connection | None = None
        self._used: set[bytes] = set()
        self._fresh: dict[bytes, bytes] = {}

    def __enter__(self) -> Self:
        if self._path is not None:
            with suppress(sqlite3.Error, OSError):
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._old = _opened(self._path)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        old, self._old = self._old, None
        if self._path is None:
            return
        try:
            if old is None:
                raise sqlite3.DatabaseError("it could not be opened")
            with closing(old):
                if kind is None:
                    self._write(old)
        except (sqlite3.Error, OSError):
            # Whatever it was, it was of use for time alone.
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def get(self, key: bytes) -> bytes | None:
        """Return what was kept, if it is whole."""
        if key in self._fresh:
            return self._fresh[key]
        row = None
        if self._old is not None:
            try:
                found = self._old.execute(
                    "SELECT digest, data FROM kept WHERE key = ?", (key,)
                )
                row = found.fetchone()
            except sqlite3.Error:
                self._old = None  # what is left of it is not worth a second look
        if row is None or not _whole(key, *row):
            return None
        self._used.add(key)
        data: bytes = row[1]
        return data

    def put(self, key: bytes, data: bytes) -> None:
        """Keep `data` for the next build."""
        self._fresh[key] = data

    def of(self, key: bytes, make: Callable[[], bytes]) -> bytes:
        """Return what was kept, or make it and keep that."""
        data = self.get(key)
        if data is None:
            data = make()
            self.put(key, data)
        return data

    def _write(self, old: sqlite3.Connection) -> None:
        rows = ((k, _digest(k, data), data) for k, data in self._fresh.items())
        with old:
            old.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY) WITHOUT ROWID")
            keys = self._used | self._fresh.keys()
            old.executemany("INSERT INTO used VALUES (?)", ((key,) for key in keys))
            old.execute("DELETE FROM kept WHERE key NOT IN (SELECT key FROM used)")
            old.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", rows)


def _opened(path: Path) -> sqlite3.Connection:
    path.touch(mode=0o600)
    connection = sqlite3.connect(path, timeout=30)
    connection.execute("PRAGMA secure_delete = ON")
    # A torn write after a crash of the machine is found by its digest.
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(_TABLE)
    return connection


def _digest(key: bytes, data: bytes) -> bytes:
    return hashlib.sha256(key + data).digest()


def _whole(key: bytes, digest: object, data: object) -> bool:
    return isinstance(data, bytes) and digest == _digest(key, data)
