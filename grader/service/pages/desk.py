"""The page of the staff, worked out from what the store says: pure, no HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from grader.batch.regrade import Change, RegradeState
from grader.models.outcome import Inconclusive
from grader.models.report import GradeReport
from grader.reports import units
from grader.roster import Person
from grader.service.answers import STANDS
from grader.service.pages.look import STYLES
from grader.store.jobs import State
from grader.store.received import Standing

# In the order in which staff want to see them: what needs them first.
GROUPS: Final[tuple[tuple[State, str, str], ...]] = (
    ("failed", "Failed", "Something of ours kept these from being graded."),
    ("unclear", "Inconclusive", "A part could not be judged, for a reason of ours."),
    ("leased", "Being graded", ""),
    ("waiting", "Waiting", ""),
)
SHOWN: Final = 20  # of one group
SHOWN_REASONS: Final = 3
SHOWN_CHECKS: Final = 6


class Item(NamedTuple):
    """One submission in a list."""

    id: str
    student: str
    name: str
    round: str
    at: str
    state: str
    style: str
    told: str  # the place in the queue
    reasons: tuple[str, ...]


class Group(NamedTuple):
    """Submissions in one state."""

    state: State
    title: str
    what: str
    total: int
    items: tuple[Item, ...]
    again: bool  # whether staff can have them graded again


class Desk(NamedTuple):
    """All of the staff's page."""

    counts: tuple[tuple[str, int], ...]
    groups: tuple[Group, ...]
    recent: tuple[Item, ...]
    open_sets: tuple[RegradeState, ...]
    ended_sets: tuple[RegradeState, ...]


class Known(NamedTuple):
    """What a desk is made from."""

    counts: Mapping[State, int]
    found: Mapping[State, Sequence[Standing]]
    recent: Sequence[Standing]
    reasons: Mapping[str, tuple[str, ...]]  # by id of the submission
    people: Mapping[str, Person]
    sets: Sequence[RegradeState]


def desk(known: Known) -> Desk:
    """Return what the page shows."""

    def items(found: Sequence[Standing]) -> tuple[Item, ...]:
        return tuple(_item(one, known) for one in found)

    groups = tuple(
        Group(
            state=state,
            title=title,
            what=what,
            total=known.counts.get(state, 0),
            items=items(known.found.get(state, ())),
            again=state in {"failed", "unclear"},
        )
        for state, title, what in GROUPS
        if known.counts.get(state, 0)
    )
    counts = [(STANDS[state], known.counts.get(state, 0)) for state in STANDS]
    return Desk(
        counts=tuple(counts),
        groups=groups,
        recent=items(known.recent),
        open_sets=tuple(s for s in known.sets if s.state == "planned"),
        ended_sets=tuple(s for s in reversed(known.sets) if s.state != "planned"),
    )


def reasons_in(report: GradeReport) -> tuple[str, ...]:
    """Return why parts of a report could not be judged, the same reason once."""
    verdict = report.verdict
    found: dict[str, list[str]] = {}
    for module in verdict.modules:
        for check in module.checks:
            if isinstance(check.outcome, Inconclusive):
                found.setdefault(check.outcome.reason, []).append(check.id)
    for stone in verdict.milestones:
        if isinstance(stone.outcome, Inconclusive):
            where = f"milestone {stone.number}"
            found.setdefault(stone.outcome.reason, []).append(where)
    told = [f"{reason} ({_some(where)})" for reason, where in found.items()]
    more = len(told) - SHOWN_REASONS
    return (*told[:SHOWN_REASONS], *((f"and {more} more reasons",) if more > 0 else ()))


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN_REASONS
    shown = ", ".join(names[:SHOWN_REASONS])
    return f"{shown} and {more} more" if more > 0 else shown


def _item(one: Standing, known: Known) -> Item:
    received, stand = one.received, STANDS[one.state]
    person = known.people.get(received.student)
    at: datetime = received.received_at
    told = f"{one.ahead} before it" if one.ahead else "next"
    reasons = known.reasons.get(received.id, ())
    if one.message:
        reasons = (one.message, *reasons)
    return Item(
        id=received.id,
        student=received.student,
        name=person.full_name if person else "",
        round=received.round,
        at=f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        state=stand,
        style=STYLES[stand],
        told=told if one.state == "waiting" else "",
        reasons=reasons,
    )


class Move(NamedTuple):
    """What a regrade set does to one attempt, as shown."""

    student: str
    old: str
    new: str
    by: str
    style: str
    won: tuple[str, ...]
    lost: tuple[str, ...]
    why: tuple[str, ...]


def moves(found: Sequence[Change]) -> tuple[Move, ...]:
    """Return what a set changes, those that lose first, those unchanged last."""
    ranked = sorted(found, key=_rank)
    return tuple(_move(change) for change in ranked)


def _rank(change: Change) -> tuple[int, float, str]:
    by = change.by
    if by is None:
        return (1, 0.0, change.student)
    return (0 if by < 0 else 2 if by > 0 else 3, by, change.student)


def _move(change: Change) -> Move:
    by = change.by
    style = "" if not by else "passed" if by > 0 else "failed"
    return Move(
        student=change.student,
        old=_points(change.old.earned, judged=change.old.judged) if change.old else "",
        new=_points(change.new.earned, judged=change.new.judged) if change.new else "",
        by="not judged" if by is None else _signed(by) if by else "same",
        style="unjudged" if by is None else style,
        won=tuple(change.won[:SHOWN_CHECKS]),
        lost=tuple(change.lost[:SHOWN_CHECKS]),
        why=(*change.why, *([change.problem] if change.problem else [])),
    )


def _points(earned: float, *, judged: bool) -> str:
    return units.points(earned) if judged else "not judged"


def _signed(by: float) -> str:
    return f"{'+' if by > 0 else '-'}{units.points(abs(by))}"
