"""One word of staff about one student: points, a comment, a choice; and why a mark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader.administration.desk import Desk, Place, desk, made, one_of
from grader.errors import UsageError
from grader.exports.gradebook import Choice, Row, gradebook
from grader.marks.attempts import counting
from grader.marks.person import person_of
from grader.roster import Person
from grader.store import StoredResult
from grader.store.events import Chosen, Commented, Overridden

SHORTEST = 6  # digits of a digest that may stand for it


@dataclass(frozen=True)
class Word:
    """Whom something is said about, in which round, by whom and why."""

    student: str
    round: str = ""
    by: str = ""
    reason: str = ""
    new: bool = False  # nothing is stored of the student so far


def override(place: Place, word: Word, points: float | None, part: str = "") -> str:
    """Set the points of a part, or of the whole; None takes that back.

    Returns:
        what was written, in a line.

    Raises:
        UsageError: unknown student, round or part, or no number of points.
    """
    if points is not None and not (math.isfinite(points) and points >= 0):
        raise UsageError(f"{points} points", hint="points are 0 or more")
    with desk(place) as at:
        round_, student = at.round(word.round), at.student(word.student, new=word.new)
        if part:
            one_of("part", part, at.parts)
        said = made(
            lambda: Overridden(
                round=round_, part=part, points=points, by=word.by, reason=word.reason
            )
        )
        at.store.record(student, said)
    what = f"{part} is" if part else "the mark is"
    if points is None:
        return f"{student}, {round_}: {what} what is computed again"
    return f"{student}, {round_}: {what} {points:.2f}, whatever is graded"


def comment(place: Place, word: Word, text: str) -> str:
    """Say something to a student; an empty text takes it back.

    Raises:
        UsageError: unknown student or round, or a text that is too long.
    """
    with desk(place) as at:
        round_, student = at.round(word.round), at.student(word.student, new=word.new)
        said = made(lambda: Commented(round=round_, text=text, by=word.by))
        at.store.record(student, said)
    done = "commented" if text.strip() else "the comment is taken back"
    return f"{student}, {round_}: {done}"


def choose(place: Place, word: Word, digest: str | None) -> str:
    """Let one attempt count whatever the policy keeps; None takes that back.

    Args:
        digest: of a result or submission, or how it begins.

    Raises:
        UsageError: unknown student, round or digest.
    """
    with desk(place) as at:
        round_, student = at.round(word.round), at.student(word.student)
        found = _result(at, student, round_, digest) if digest is not None else None
        said = made(
            lambda: Chosen(
                round=round_,
                chosen=found is not None,
                by=word.by,
                reason=word.reason,
            )
        )
        at.store.record(student, said, document=found.digest if found else "")
    if found is None:
        return f"{student}, {round_}: what counts is as the policy says again"
    return f"{student}, {round_}: submission {found.summary.submission} counts"


def _result(at: Desk, student: str, round_: str, digest: str) -> StoredResult:
    """Return the latest result of the only submission that is meant.

    Raises:
        UsageError: there is none, or more than one.
    """
    names = person_of(student, at.said(round_)).names
    theirs = [
        one
        for event, one in counting(at.export)
        if event.student in names and one.summary.round == round_
    ]
    start = digest.removeprefix("sha256:")
    meant = [one for one in theirs if len(start) >= SHORTEST and _begins(one, start)]
    if len({one.summary.submission for one in meant}) > 1:
        raise UsageError(f"{digest!r} may be several", hint="give more of its digits")
    if not meant:
        known = dict.fromkeys(one.summary.submission[7:19] for one in theirs)
        hint = f"submissions: {', '.join(known)}" if known else "nothing was graded"
        msg = f"{student} has no result or submission {digest!r} in {round_}"
        raise UsageError(msg, hint=hint)
    return meant[-1]


def _begins(one: StoredResult, start: str) -> bool:
    whole: Sequence[str] = (one.digest, one.summary.submission)
    return any(text.removeprefix("sha256:").startswith(start) for text in whole)


def explain(place: Place, student: str, choice: Choice) -> Row:
    """Return a student's row of the gradebook, with the steps of its mark.

    Raises:
        UsageError: unknown student or round, or nothing was graded there.
    """
    with desk(place) as at:
        round_ = at.round(choice.round)
        at.student(student)
        asked = Choice(round=round_, profile=choice.profile)
        book = gradebook(at.export, asked, {student: Person(student)})
    return next(row for row in book.rows if row.student == student)
