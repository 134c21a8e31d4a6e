"""The people of the roster, as it was imported last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from grader.roster import Person
from grader.store.tables import alone, our_errors, people_table


@dataclass(frozen=True)
class Imported:
    """What an import did; who is `missing` stands in the store and not in the file."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    missing: tuple[str, ...]


class People:
    """The table of people of one store."""

    def __init__(self, folder: Path, engine: sa.Engine) -> None:
        self._folder, self._engine = folder, engine

    def put(self, people: Sequence[Person]) -> Imported:
        """Add people, or change what is known of them; nobody is taken out.

        Raises:
            StoreError: they cannot be written; then none was.
        """
        with our_errors(self._folder), self._engine.begin() as connection:
            alone(connection)
            before = _all(connection)
            there = {one.student: one for one in people}
            new = [name for name in there if name not in before]
            same = before.keys() & there.keys()
            changed = sorted(n for n in same if before[n] != there[n])
            for name in changed:
                change = sa.update(people_table)
                change = change.where(people_table.c.student == name)
                connection.execute(change.values(**asdict(there[name])))
            if new:
                rows = [asdict(there[name]) for name in new]
                connection.execute(sa.insert(people_table), rows)
        missing = sorted(before.keys() - there.keys())
        return Imported(tuple(new), tuple(changed), tuple(missing))

    def all(self) -> dict[str, Person]:
        """Return everybody by student, in order."""
        with our_errors(self._folder), self._engine.connect() as connection:
            return _all(connection)

    def get(self, student: str) -> Person | None:
        """Return one person."""
        chosen = sa.select(people_table).where(people_table.c.student == student)
        with our_errors(self._folder), self._engine.connect() as connection:
            row = connection.execute(chosen).mappings().first()
        return Person(**row) if row else None


def _all(connection: sa.Connection) -> dict[str, Person]:
    rows = connection.execute(sa.select(people_table)).mappings().all()
    found = {row["student"]: Person(**row) for row in rows}
    return dict(sorted(found.items()))
