"""How a submission stands, in the words of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from grader.marks import closing
from grader.marks.late import days_late, is_closed, seconds_late, share_off
from grader.marks.person import Person
from grader.marks.words import counted, percent
from grader.models.summary import ResultSummary
from grader.service.models import Answer, Stand
from grader.service.problems import not_found
from grader.service.site import Site
from grader.store.access import Who
from grader.store.attempts import Graded, attempts
from grader.store.jobs import State
from grader.store.received import Received, Standing

STANDS: Final[dict[State, Stand]] = {
    "waiting": "waiting",
    "leased": "grading",
    "graded": "graded",
    "unclear": "inconclusive",
    "refused": "rejected",
    "failed": "failed",
}
# What waits for nothing more; "inconclusive" and "failed" are graded again, later.
FINAL: Final[frozenset[Stand]] = frozenset(
    {"graded", "inconclusive", "rejected", "failed"}
)
AGAIN: Final = "it will be graded again, there is nothing for you to do"
UNCLEAR: Final = f"part of it could not be judged, which is our fault; {AGAIN}"
FAILED: Final = f"it could not be graded, which is our fault; {AGAIN}"
SINCE: Final = (
    "you have handed in something else since; to let this count as your latest, change "
    "anything in it, a comment is enough, and hand it in again"
)


def owner_of(site: Site, student: str, round_: str) -> tuple[str, tuple[str, ...]]:
    """Return whose a submission is: the student's, or that of the team they are in.

    Returns:
        the name, and what has to be said about it.
    """
    teams = sorted(site.spoken.person(student, round_).teams)
    if not teams:
        return student, ()
    said = f"it is that of your team {teams[0]}"
    if len(teams) > 1:
        others = ", ".join(teams[1:])
        said += f"; you are in others too ({others}): tell your instructor"
    return teams[0], (said,)


def names_of(site: Site, student: str) -> tuple[str, ...]:
    """Return under which names submissions are a student's, in any round."""
    found = {student: None}
    for round_ in ("", *site.rounds):
        teams = site.spoken.person(student, round_).teams
        found |= dict.fromkeys(teams)
    return tuple(found)


def standing_of(site: Site, who: Who, id_: str) -> Standing:
    """Return a submission of somebody; staff may look at any.

    Raises:
        Problem: there is none, or it is not theirs.
    """
    found = site.store.inbox.standing(ids=[id_])
    if not found or not may_see(site, who, found[0].received):
        raise not_found()
    return found[0]


def may_see(site: Site, who: Who, received: Received) -> bool:
    """Return whether a submission is somebody's, or they are staff."""
    if who.role == "staff" or received.student == who.name:
        return True
    return received.student in site.spoken.person(who.name, received.round).teams


def answers(site: Site, found: Sequence[Standing], new: str = "") -> list[Answer]:
    """Return submissions as they stand.

    Args:
        new: the id of the one that has just come.
    """
    results = results_of(site, found)
    return [_answer(site, one, results, new) for one in found]


def details_shown(site: Site, who: Who, result: ResultSummary) -> bool:
    """Return whether somebody may see what was found, and not the points alone.

    Of a final round only when nothing that is handed in can count any more.
    """
    said = site.spoken.of(result.round)
    return who.role == "staff" or closing.details_shown(
        said, result.round_kind, site.now()
    )


def results_of(site: Site, found: Iterable[Standing]) -> dict[str, Graded]:
    """Return the result that counts of each submission, by id.

    That is the last one: graded again, it may have come of a regrade set.
    """
    ended = [one.received for one in found if one.document]
    if not ended:
        return {}
    export = site.store.export_of(sorted({one.student for one in ended}))
    latest = {
        (one.student, one.summary.round, one.summary.submission): one
        for one in attempts(export)
        if one.summary.profile == site.settings.grade.profile
    }
    places = {r.id: (r.student, r.round, r.digest) for r in ended}
    return {id_: latest[place] for id_, place in places.items() if place in latest}


def _answer(
    site: Site, one: Standing, results: Mapping[str, Graded], new: str
) -> Answer:
    received, result = one.received, results.get(one.received.id)
    person = site.spoken.person(received.student, received.round)
    counts = result.summary if result and one.state == "graded" else None
    return Answer(
        id=received.id,
        student=received.student,
        round=received.round,
        digest=received.digest,
        received_at=received.received_at,
        new=received.id == new,
        late_s=late_s(person, received),
        state=STANDS[one.state],
        ahead=one.ahead,
        message=_message(one),
        notes=[*received.notes, *_late_notes(person, received)],
        earned=_score(counts)[0],
        points=_score(counts)[1],
        page=f"{site.settings.root_path}/me/submissions/{received.id}",
    )


def _score(result: ResultSummary | None) -> tuple[float | None, float | None]:
    if result is None or not result.judged:
        return None, None
    return result.earned, result.points


def _message(one: Standing) -> str:
    if one.state == "unclear":
        return UNCLEAR
    if one.state == "failed":
        return FAILED  # the reason is for staff, and may name files of the host
    return one.message if one.state == "refused" else ""


def late_s(person: Person, received: Received) -> int:
    """Return how many seconds after the date that holds a submission came."""
    if person.due_at is None:
        return 0
    grace_s = person.said.policy.grace_s
    return seconds_late(received.received_at, person.due_at, grace_s)


def _late_notes(person: Person, received: Received) -> list[str]:
    """Say what lateness means."""
    policy = person.said.policy
    if person.due_at is None or not late_s(person, received):
        return []
    days = days_late(received.received_at, person.due_at, policy.grace_s)
    if is_closed(days, policy):
        closes = counted(policy.closes_after_days or 0, "day")
        return [f"the round closed {closes} after it was due: this counts as not sent"]
    off = share_off(days, policy)
    if off <= Fraction(0):
        return ["it came late, which costs nothing"]
    of = "what it earns" if policy.of == "earned" else "all points"
    return [f"it came late: {percent(off)} of {of} will be taken off"]
