"""The store and state of one course, and the names that are known there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from grader.config import Home, find_home, load_course, state_folder
from grader.errors import UsageError
from grader.marks import Said, said_of
from grader.rounds import round_names
from grader.store import Export, Store
from grader.store.events import Event, Payload, TeamSet

P = TypeVar("P")
SHOWN: Final = 6  # names in a hint


@dataclass(frozen=True)
class Place:
    """Where a course and its results are; the defaults of every command."""

    course: Path | None = None
    store: Path | None = None
    url: str = ""  # SQLAlchemy address of the store's tables


@dataclass(frozen=True)
class Desk:
    """What one command reads, and where it writes."""

    home: Home
    store: Store

    @property
    def state(self) -> Path:
        """The folder of secrets."""
        return state_folder(self.home)

    @cached_property
    def export(self) -> Export:
        """All that was stored when it is asked for first."""
        return self.store.export()

    @cached_property
    def rounds(self) -> list[str]:
        """Rounds that have a secret or results, or were spoken of."""
        told = (getattr(e.payload, "round", "") for e in self.export.events)
        graded = (one.summary.round for one in self.export.results)
        return sorted({*round_names(self.state), *graded, *told} - {""})

    @cached_property
    def students(self) -> set[str]:
        """Everybody of whom something is stored, teams and their members too."""
        return {name for event in self.export.events for name in _names(event)} - {""}

    @cached_property
    def parts(self) -> list[str]:
        """What points can be set for."""
        course = load_course(self.home.course_file)
        found = {module.name: None for module in course.modules}
        found |= {f"milestone_{stone.name}": None for stone in course.milestones}
        for one in self.export.results:
            found |= {module.name: None for module in one.summary.modules}
        return list(found)

    def round(self, name: str) -> str:
        """Return the round called `name`, or the only one.

        Raises:
            UsageError: there is none, or it is not clear which.
        """
        if not name and len(self.rounds) == 1:
            return self.rounds[0]
        if not name and self.rounds:
            hint = f"`--round` is one of: {', '.join(self.rounds)}"
            raise UsageError("which round?", hint=hint)
        return one_of("round", name, self.rounds, otherwise="grader round new week-1")

    def student(self, name: str, *, new: bool | None = None) -> str:
        """Return `name` if something is stored of them, or they are said to be new.

        With None, nobody can be.

        Raises:
            UsageError: nothing is stored of such a student.
        """
        if new and name.strip():
            return name
        hint = "" if new is None else NEW
        return one_of("student", name, self.students, otherwise=hint)

    def said(self, round_: str) -> Said:
        """Return what was said about a round."""
        return said_of(self.export, round_)


NEW: Final = "`--new` for somebody of whom nothing is stored so far"


@contextmanager
def desk(place: Place) -> Iterator[Desk]:
    """Open the store of a course.

    Raises:
        GraderError: the course or the store is not usable.
    """
    home = find_home(place.course)
    store = Store.open(place.store or state_folder(home) / "store", url=place.url)
    try:
        yield Desk(home, store)
    finally:
        store.close()


def one_of(what: str, name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return `name` if it is known.

    Raises:
        UsageError: it is not; the hint has the names nearest to it.
    """
    there = sorted(known)
    if name in there:
        return name
    near = get_close_matches(name, there, n=SHOWN, cutoff=0.5)
    shown = ", ".join(near or there[:SHOWN])
    more = ", ..." if not near and len(there) > SHOWN else ""
    if near:
        hint = f"near it: {shown}"
    elif there:
        hint = f"{what}s: {shown}{more}"
    else:
        hint = "there is none so far"
    hints = [part for part in (hint, otherwise) if part]
    raise UsageError(f"there is no {what} {name!r}", hint="; ".join(hints))


def made(build: Callable[[], P]) -> P:
    """Return what `build` makes.

    Raises:
        UsageError: a value does not fit, as pydantic tells.
    """
    try:
        return build()
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"]))
        msg = f"{where or 'this'}: {first['msg']}"
        raise UsageError(
            msg, hint="names and reasons are short, points 0 or more"
        ) from (exc)


def _names(event: Event) -> tuple[str, ...]:
    payload: Payload = event.payload
    if isinstance(payload, TeamSet):
        return (event.student, *payload.members)
    return (event.student,)
