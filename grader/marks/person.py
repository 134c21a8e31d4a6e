"""What holds for one person: their own word first, then that of their teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from grader.marks.said import Said
from grader.marks.words import latest
from grader.store.events import Chosen, Overridden

T = TypeVar("T")


@dataclass(frozen=True)
class Person:
    """A student with the teams they belong to in one round."""

    student: str
    teams: tuple[str, ...]
    said: Said

    @property
    def names(self) -> tuple[str, ...]:
        """Under which results are theirs; their own first."""
        return (self.student, *self.teams)

    @property
    def due_at(self) -> datetime | None:
        """The latest of all dates that hold for them; None: never late."""
        due = self.said.policy.due_at
        own = [e.due_at for e in self._found(self.said.extended)]
        return latest(due, *own) if due else None

    @property
    def extended_by(self) -> str:
        """Who gave them the date that holds; empty where it is the round's."""
        due = self.said.policy.due_at
        for one in self._found(self.said.extended):
            if due and one.due_at == self.due_at != due:
                return one.by
        return ""

    @property
    def chosen(self) -> tuple[str, Chosen] | None:
        """The submission that staff chose, and their word."""
        found = self._found(self.said.chosen)
        return next((one for one in found if one[1].chosen), None)

    @property
    def overrides(self) -> dict[str, Overridden]:
        """Points set by staff, by part; "" is the whole."""
        merged: dict[str, Overridden] = {}
        for by_part in reversed(self._found(self.said.overridden)):
            standing = {p: o for p, o in by_part.items() if o.points is not None}
            merged |= standing
        return merged

    @property
    def comment(self) -> str:
        """The word of staff that holds."""
        texts = [one.text for one in self._found(self.said.commented)]
        return next((text for text in texts if text.strip()), "")

    def _found(self, by_name: Mapping[str, T]) -> list[T]:
        return [by_name[name] for name in self.names if name in by_name]


def person_of(student: str, said: Said) -> Person:
    """Return a student with all teams that name them."""
    teams = said.memberships.get(student, ())
    return Person(student, tuple(t for t in teams if t != student), said)
