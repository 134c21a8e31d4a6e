"""Earlier canaries of a store: how strict the next ones are judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grader.compete import canary
from grader.models.session import Division
from grader.store import Store
from grader.store.events import Measured as MeasuredEvent

KNOWN_CANARIES: Final = 200  # the latest of a host class; more change nothing


@dataclass(frozen=True)
class Earlier:
    """Finds the offsets of earlier canaries in a store.

    Those of the other division are another measure: cold processes, a pair each.
    """

    store: Store | None = None
    division: Division = "closed"

    def __call__(self, host_class: str) -> Sequence[float]:
        """Return those of a host class."""
        return self.by_class().get(host_class, ())

    def by_class(self) -> dict[str, tuple[float, ...]]:
        """Return those of every host class."""
        digests: dict[str, list[str]] = {}
        for event in self.store.export().events if self.store else ():
            measured = event.payload
            if not isinstance(measured, MeasuredEvent):
                continue
            if measured.event != "memory" and measured.division == self.division:
                digests.setdefault(measured.host_class, []).append(event.document or "")
        return {name: self._offsets(known) for name, known in digests.items()}

    def _offsets(self, digests: Sequence[str]) -> tuple[float, ...]:
        if self.store is None:
            return ()
        read = self.store.sessions.read
        sessions = [read(d) for d in digests[-KNOWN_CANARIES:] if d]
        timed = (s for s in sessions if any(x.pairs for x in s.launches))
        return tuple(canary.offset(s) for s in timed)
