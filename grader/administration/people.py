"""The roster: who may hand in, and the secrets that let them in, each told once."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from grader.administration.desk import Desk, Place, desk, one_of
from grader.errors import ConfigError, UsageError
from grader.intake.bundle import StudentId
from grader.marks.words import counted
from grader.models.base import Model
from grader.reports.display import csv_cell
from grader.roster import Person, read_roster
from grader.rounds import write_private
from grader.store.access import Credential, State, Who, new_secret

LINK_LASTS: Final = timedelta(hours=24)
LONGEST_NAME: Final = 256
_ID: Final = TypeAdapter(StudentId)


class PersonRow(Model):
    """One line of `grader roster list`."""

    role: str
    name: str  # the student, or how staff are called
    full_name: str
    email: str
    section: str
    token: State | None  # of the token made last; None: there was none
    expires_at: datetime | None


def import_roster(
    place: Place, table: bytes, tokens: Path | None, lasts: timedelta | None
) -> list[str]:
    """Take over a roster; who has a valid token keeps it.

    Args:
        tokens: a new file for the tokens of everybody who has none; None: none is made.

    Returns:
        lines to say.

    Raises:
        ConfigError: the roster is none, or the file exists; then nothing was written.
    """
    people = read_roster(table)
    _usable(people)
    if tokens is not None and tokens.exists():
        msg = f"{tokens} exists already"
        raise ConfigError(msg, hint="choose another name; nothing was written")
    with desk(place) as at:
        done = at.store.people.put(list(people.values()))
        size = "1 person" if len(people) == 1 else f"{len(people)} people"
        said = [f"{size}: {len(done.new)} new"]
        if done.changed:
            said[0] += f", {len(done.changed)} changed"
        if done.missing:
            shown = ", ".join(done.missing[:6])
            more = ", ..." if len(done.missing) > 6 else ""
            said.append(f"not in this file, and still let in: {shown}{more}")
        if tokens is not None:
            made = _issue_missing(at, people, tokens, lasts)
            told = f"{counted(made, 'token')} in {tokens}, which nobody else may read"
            said.append(told if made else "everybody has a valid token")
        return said


def _usable(people: Mapping[str, Person]) -> None:
    for student in people:
        try:
            _ID.validate_python(student)
        except ValidationError:
            msg = f"{student!r} is no student id that a submission can name"
            hint = "at most 64 letters, digits and . _ @ + -; nothing was written"
            raise ConfigError(msg, hint=hint) from None
    if not people:
        raise ConfigError("the roster is empty", hint="a line a student")


def _issue_missing(
    at: Desk, people: Mapping[str, Person], target: Path, lasts: timedelta | None
) -> int:
    """Write the file first: a token that is told and void is better than one lost."""
    now = datetime.now(UTC)
    there = {c.who for c in at.store.access.all() if c.state(now) == "valid"}
    wanted = [Who("student", name) for name in people]
    made = {new_secret("token"): who for who in wanted if who not in there}
    if not made:
        return 0
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("student", "name", "email", "token"))
    for secret, who in made.items():
        person = people[who.name]
        texts = (person.student, person.full_name, person.email)
        writer.writerow([*map(csv_cell, texts), secret])
    write_private(target, out.getvalue().encode())
    try:
        at.store.access.keep("token", made, lasts)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return len(made)


def list_people(place: Place) -> list[PersonRow]:
    """Return everybody of the roster, then staff who have or had a token."""
    now = datetime.now(UTC)
    with desk(place) as at:
        people = at.store.people.all()
        tokens = {c.who: c for c in _best_last(at.store.access.all(), now)}
    rows = [_row(Who("student", name), p, tokens, now) for name, p in people.items()]
    staff = sorted(who for who in tokens if who.role == "staff")
    strangers = sorted(
        who for who in tokens if who.role == "student" and who.name not in people
    )
    others = (*strangers, *staff)
    return [*rows, *(_row(who, Person(who.name), tokens, now) for who in others)]


def _best_last(found: Sequence[Credential], now: datetime) -> list[Credential]:
    return sorted(found, key=lambda c: (c.state(now) == "valid", c.created_at))


def _row(
    who: Who, person: Person, tokens: Mapping[Who, Credential], now: datetime
) -> PersonRow:
    token = tokens.get(who)
    return PersonRow(
        role=who.role,
        name=who.name,
        full_name=person.full_name,
        email=person.email,
        section=person.section,
        token=token.state(now) if token else None,
        expires_at=token.expires_at if token else None,
    )


def make_token(
    place: Place, who: Who, lasts: timedelta | None, *, also: bool = False
) -> str:
    """Return a new token, in place of all that let the person in so far.

    Args:
        also: what they have stays valid.

    Raises:
        UsageError: there is no such student.
    """
    with desk(place) as at:
        _known(at, who)
        if not also:
            at.store.access.revoke(who)
        return at.store.access.issue("token", who, lasts)


def make_link(place: Place, student: str, lasts: timedelta = LINK_LASTS) -> str:
    """Return a secret that signs a student in once.

    Raises:
        UsageError: there is no such student.
    """
    who = Who("student", student)
    with desk(place) as at:
        _known(at, who)
        return at.store.access.issue("link", who, lasts)


def revoke(place: Place, who: Who) -> int:
    """End tokens, links and sessions; return how many.

    Raises:
        UsageError: there was none.
    """
    with desk(place) as at:
        ended = at.store.access.revoke(who)
    if not ended:
        msg = f"nothing lets {who.name!r} in"
        raise UsageError(msg, hint="grader roster list shows who has a token")
    return ended


def _known(at: Desk, who: Who) -> None:
    if who.role == "student":
        people = at.store.people.all()
        one_of("student", who.name, people, otherwise="grader roster import FILE")
    elif not who.name.strip() or len(who.name) > LONGEST_NAME:
        raise UsageError("staff need a name", hint='--staff "A. Teacher"')
