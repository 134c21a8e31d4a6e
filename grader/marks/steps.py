"""A mark, told step by step, so that whoever doubts it can check it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from grader.marks.late import share_off
from grader.marks.person import Person
from grader.marks.scored import Scored
from grader.marks.shares import decimal, hundredths, shares_of
from grader.marks.words import clock, counted, percent, span
from grader.reports.display import one_line
from grader.store.events import Chosen, Overridden

DIGITS: Final = 12  # of a digest, as it is shown


@dataclass(frozen=True)
class Choice:
    """All attempts, the one that counts, and why."""

    tried: Sequence[Scored]
    counts: Scored | None
    waiting: bool  # the latest could not be judged
    chosen: Chosen | None = None
    missed: bool = False  # staff chose one that is not here


def steps(choice: Choice, person: Person) -> tuple[str, ...]:
    """Return the way from results to the mark, a line a step."""
    return tuple(one_line(step, limit=600) for step in _steps(choice, person))


def _steps(choice: Choice, person: Person) -> Iterator[str]:
    counts = choice.counts
    if choice.missed:
        yield "the result chosen by staff is not among those that count"
    if counts is None:
        yield _nothing(choice, person)
    else:
        yield _which(choice, counts, person)
        yield from _parts(counts, person)
        if counts.earned is None:
            yield "could not be judged (our side): no mark until it is graded again"
        else:
            of = decimal(counts.points)
            yield f"earned {decimal(counts.earned)} of {of}"
            yield from _time(counts, person)
            yield from _penalty(counts, person)
    whole = person.overrides.get("")
    if whole is not None:
        yield _set("the mark", whole)
    elif counts is not None and counts.value is not None:
        yield f"mark {decimal(counts.value)}"


def _nothing(choice: Choice, person: Person) -> str:
    if not choice.tried:
        return "nothing was handed in and graded"
    days = counted(person.said.policy.closes_after_days or 0, "day")
    late = counted(min(one.late_days for one in choice.tried), "day")
    return (
        f"{late} late, and the round closes after {days}: counts as not handed in "
        f"({clock_of(choice.tried[-1], person)})"
    )


def _which(choice: Choice, counts: Scored, person: Person) -> str:
    digest = counts.attempt.submission.removeprefix("sha256:")[:DIGITS]
    owner = counts.attempt.owner
    whose = "" if owner == person.student else f" of the team {owner}"
    return f"counts: submission {digest}{whose}, {_why(choice, counts, person)}"


def _why(choice: Choice, counts: Scored, person: Person) -> str:
    if choice.chosen is not None:
        return f"chosen by {_by(choice.chosen)}"
    if len(choice.tried) == 1:
        return "the only attempt"
    closed = sum(one.closed for one in choice.tried)
    late = f", {closed} after the round closed" if closed else ""
    word: str = person.said.policy.keep
    if word == "last" and counts is not choice.tried[-1] and choice.waiting:
        word = "last judged"
    return f"the {word} of {len(choice.tried)} attempts{late}"


def _parts(counts: Scored, person: Person) -> Iterator[str]:
    before = {part.key: part for part in shares_of(counts.stored.summary)}
    for key, override in person.overrides.items():
        if key in before:
            was = before[key]
            said = decimal(was.earned) if was.judged else "not judged"
            yield f"{_set(key, override)} (was {said})"
        elif key:
            yield f"{key}: points were set by staff, but the result has no such part"


def _time(counts: Scored, person: Person) -> Iterator[str]:
    if person.due_at is None:
        return
    if counts.submitted_at is None:
        yield f"{clock_of(counts, person)}: counts as in time"
    elif not counts.late_days:
        yield f"{clock_of(counts, person)}: in time"
    else:
        yield clock_of(counts, person)


def clock_of(counts: Scored, person: Person) -> str:
    """Return when an attempt came, and by when it should have."""
    due, at = person.due_at, counts.submitted_at
    if due is None:
        return "no due date"
    came = "no time of handing in is known"
    if at is not None:
        came = f"handed in {clock(at, like=due)}"
    until = f"due {clock(due)}"
    if person.extended_by:
        until += f" (own date, given by {person.extended_by})"
    if grace := person.said.policy.grace_s:
        until += f" and {span(grace)} of grace"
    return f"{came}, {until}"


def _penalty(counts: Scored, person: Person) -> Iterator[str]:
    if not counts.late_days or counts.penalty is None:
        return
    policy = person.said.policy
    off = percent(share_off(counts.late_days, policy))
    late = f"{counted(counts.late_days, 'day')} late"
    yield f"{late}: -{off} of {policy.of} = -{decimal(counts.penalty)}"


def _set(what: str, override: Overridden) -> str:
    points = decimal(hundredths(override.points or 0.0))
    return f"{what} set to {points} by {_by(override)}"


def _by(said: Chosen | Overridden) -> str:
    return f"{said.by}: {said.reason}" if said.reason else said.by
