"""What staff said about rounds, as the events have it; read again when there is more.

The whole export takes seconds for a large class; these few kinds of events do not.
"""

from __future__ import annotations

import threading
from typing import Final

from grader.marks.person import Person, person_of
from grader.marks.said import Said
from grader.store import Store
from grader.store.events import Event, PolicySet

# An erasure changes teams that are there already.
KINDS: Final = ("policy", "extension", "team", "forgotten")


class Spoken:
    """Policies, dates and teams of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._newest = -1
        self._events: tuple[Event, ...] = ()
        self._said: dict[str, Said] = {}
        self._lock = threading.Lock()

    def of(self, round_: str) -> Said:
        """Return what holds in a round now.

        Raises:
            StoreError: the events cannot be read.
        """
        with self._lock:
            newest = self._store.newest(KINDS)
            if newest != self._newest:
                self._events = self._store.events(kinds=KINDS)
                self._said.clear()
                self._newest = newest
            if round_ not in self._said:
                self._said[round_] = self._heard(round_)
            return self._said[round_]

    def person(self, student: str, round_: str) -> Person:
        """Return somebody with the teams and the date that they have in a round."""
        return person_of(student, self.of(round_))

    def _heard(self, round_: str) -> Said:
        said = Said(round_, PolicySet(round=round_, by="nobody"), {})
        for event in self._events:
            said.hear(event)
        _ = said.memberships  # computed here, under the lock
        return said
