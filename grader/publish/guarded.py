"""What the roster, the store and the course know that must not become public."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, get_args

from grader import rounds
from grader.publish.aliases import aliases
from grader.publish.leaks import Guarded, Scanner, Secret
from grader.roster import Person
from grader.store import Event, Export, Store, VisibilitySet
from grader.store.access import Kind
from grader.store.events import (
    Chosen,
    Commented,
    Extended,
    Measured,
    Overridden,
    TeamSet,
    Withdrawn,
)

JOINS: Final = (" ", "-", "_", ".", "+", "")  # of first and last name
SHORTEST_NOTE: Final = 16  # characters of what staff wrote
# Packages whose texts the site is made of; none of them names anybody.
OURS: Final = ("publish", "reports", "compete", "models")


def scanner(
    store: Store,
    export: Export,
    state: Path,
    own: Iterable[bytes] = (),
) -> Scanner:
    """Return what finds everything of people and of secrets in a site.

    Args:
        state: the folder with the secrets of the course and of its rounds.
        own: texts of the course and of the site's assets.

    Raises:
        StoreError, ConfigError: something of it cannot be read.
    """
    secret = rounds.course_secret(state)
    names = _shown_names(export)
    people = store.people.all().values()
    return Scanner(
        [*_of_people(people, names), *_of_store(store, export, names)],
        allowed=[*names.values(), *_public_aliases(export, secret)],
        own=[*own, *_own_texts(export)],
        secrets=[Secret("course secret", secret), *_of_rounds(state)],
    )


def _shown_names(export: Export) -> dict[str, str]:
    """Return the names that students chose to show, by student."""
    latest = _choices(export)
    return {s: c.name for s, c in latest.items() if c.visibility == "named"}


def _public_aliases(export: Export, secret: bytes) -> Iterator[str]:
    """Yield aliases as pages write them; they are of words that names have, too."""
    shown = {s for s, c in _choices(export).items() if c.visibility == "alias"}
    alias_of = aliases((e.student for e in export.events if e.student), secret)
    for student, alias in alias_of.items():
        if student in shown:
            yield from (alias, alias.replace("-", " "))


def _choices(export: Export) -> dict[str, VisibilitySet]:
    payloads = ((e.student, e.payload) for e in export.events)
    return {s: p for s, p in payloads if isinstance(p, VisibilitySet)}


def _of_people(people: Iterable[Person], names: Mapping[str, str]) -> Iterator[Guarded]:
    for person in people:
        for kind, text in (
            ("student id", person.student),
            ("gradebook id", person.id),
            ("SIS id", person.sis_id),
            ("login", person.login),
            ("e-mail address", person.email),
            ("e-mail address", person.email.partition("@")[0]),
        ):
            # Who shows an id of their own as a name has decided so.
            if text and text not in names.get(person.student, ""):
                yield Guarded(kind, text)
        yield from _of_name(person)


def _of_name(person: Person) -> Iterator[Guarded]:
    """Yield a whole name as people and programs write it, and its parts as words."""
    first, last = person.names
    written = {person.full_name, *(f"{first}{join}{last}" for join in JOINS)}
    written |= {f"{last}, {first}", f"{last} {first}"} if first and last else set()
    parts = set(re.split(r"[\s,-]+", f"{person.name} {first} {last}"))
    for text in sorted(written - parts - {""}):
        yield Guarded("name", text)
    for part in sorted(parts):
        if len(part) > 2:  # an initial or "de" says nothing alone
            yield Guarded("part of a name", part, word=True)


def _of_store(
    store: Store, export: Export, names: Mapping[str, str]
) -> Iterator[Guarded]:
    teams = {e.student for e in export.events if isinstance(e.payload, TeamSet)}
    for student in sorted({e.student for e in export.events}):
        if student and student not in names.get(student, ""):
            yield Guarded("team" if student in teams else "student id", student)
    for event in export.events:
        yield from _of_event(event, names.get(event.student, ""))
    for job in store.jobs.of_set(""):
        yield Guarded("label of a submission", job.label)
    for kind in get_args(Kind):
        for credential in store.access.all(kind):
            yield Guarded(f"hash of a {kind}", credential.hash)


def _of_event(event: Event, shown: str) -> Iterator[Guarded]:
    match event.payload:
        case VisibilitySet(name=name) if name not in ("", shown):
            yield Guarded("name no longer shown", name)
        case TeamSet(members=members):
            yield from (Guarded("student id", member) for member in members)
        case Measured(opponent=opponent) if opponent:
            yield Guarded("student id", opponent)
        case Commented(text=note):
            yield from _of_note(note)
        case Chosen() | Extended() | Overridden() | Withdrawn():
            yield from _of_note(event.payload.reason)
        case _:
            pass


def _of_note(note: str) -> Iterator[Guarded]:
    if len(note) >= SHORTEST_NOTE:
        yield Guarded("note of staff", note)


def _of_rounds(state: Path) -> Iterator[Secret]:
    for name in rounds.round_names(state):
        yield Secret("round secret", rounds.load_round(state, name).secret)


def _own_texts(export: Export) -> Iterator[bytes]:
    """Yield what pages say without saying it of anybody."""
    for package in OURS:
        folder = Path(__file__).parents[1] / package
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".css", ".js", ".j2", ".svg"):
                yield path.read_bytes()
    about = set()
    for result in export.results:
        one = result.summary
        about |= {one.course, one.round, one.engine, one.tier, one.host}
        about |= {m.title for m in one.modules} | {m.title for m in one.milestones}
    for event in export.events:
        if isinstance(event.payload, Measured):
            about |= {event.payload.host_class, event.payload.workload}
    yield "\n".join(sorted(about)).encode()
