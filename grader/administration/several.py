"""Dates, teams and times, one or a table of them: all are checked, then all written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from grader.administration.desk import Desk, Place, desk, made
from grader.administration.single import Word
from grader.administration.tables import Line, filled, read_table
from grader.errors import ConfigError, UsageError
from grader.marks.attempts import counting
from grader.marks.words import UnclearError, clock, counted, latest, moment
from grader.store.events import Extended, Payload, Submitted, TeamSet

Said = tuple[str, Payload]


def extend(place: Place, word: Word, due: str) -> list[str]:
    """Give one student, or team, a due date of their own.

    Returns:
        lines to say.

    Raises:
        UsageError: unknown student or round, or no time with an offset.
    """
    with desk(place) as at:
        round_, student = at.round(word.round), at.student(word.student, new=word.new)
        try:
            due_at = moment(due)
        except UnclearError as exc:
            raise UsageError(str(exc), hint=exc.hint) from exc
        said = made(
            lambda: Extended(
                round=round_, due_at=due_at, by=word.by, reason=word.reason
            )
        )
        at.store.record(student, said)
        return [f"{student}, {round_}: due {clock(due_at)}", *_idle(at, round_, [said])]


def extend_all(place: Place, word: Word, table: bytes) -> list[str]:
    """Give due dates as a table says: student, due, and a reason if wanted.

    Raises:
        GraderError: a line is wrong, and nothing was written.
    """
    with desk(place) as at:
        round_ = at.round(word.round)
        lines = read_table(table, ("student", "due"))
        said = [
            (
                line.read("student", partial(at.student, new=word.new)),
                line.read("reason", partial(_extended, line, round_, word)),
            )
            for line in lines
        ]
        _once(lines, "student")
        at.store.record_all(said)
        dates = [one for _, one in said]
        done = f"{round_}: {counted(len(said), 'date')} of their own"
        return [done, *_idle(at, round_, dates)]


def _extended(line: Line, round_: str, word: Word, reason: str) -> Extended:
    due_at, why = line.read("due", moment), reason or word.reason
    return made(lambda: Extended(round=round_, due_at=due_at, by=word.by, reason=why))


def _idle(at: Desk, round_: str, dates: Sequence[Extended]) -> list[str]:
    """Say which dates change nothing."""
    due = at.said(round_).policy.due_at
    if due is None:
        return [f"{round_} has no due date, so nobody is late in it as yet"]
    idle = sum(latest(due, one.due_at) == due for one in dates)
    said = f"not after the round's own date, {clock(due)}, so without effect: {idle}"
    return [said] if idle else []


def team(place: Place, word: Word, members: Sequence[str]) -> list[str]:
    """Make the event's student a team of these people; nobody dissolves it.

    Raises:
        UsageError: a member stands twice, or a name is no name.
    """
    with desk(place) as at:
        round_ = at.round(word.round) if word.round else ""
        return _write_teams(at, {word.student: list(members)}, round_, word.by)


def team_all(place: Place, word: Word, table: bytes) -> list[str]:
    """Make teams as a table says: team, member, a line a member.

    Raises:
        GraderError: a line is wrong, and nothing was written.
    """
    with desk(place) as at:
        round_ = at.round(word.round) if word.round else ""
        teams: dict[str, list[str]] = {}
        for line in read_table(table, ("team", "member")):
            members = teams.setdefault(line.read("team", filled), [])
            member = line.read("member", filled)
            if member in members:
                msg = f"line {line.number}, column member: {member!r} stands twice"
                raise ConfigError(msg, hint="nothing was written")
            members.append(member)
        return _write_teams(at, teams, round_, word.by)


def _write_teams(
    at: Desk, teams: dict[str, list[str]], round_: str, by: str
) -> list[str]:
    said: list[Said] = [
        (name, _team(name, members, round_, by)) for name, members in teams.items()
    ]
    named = {name for pair in teams.items() for name in (pair[0], *pair[1])}
    strange = sorted(named - at.students)
    at.store.record_all(said)
    lines = [
        f"{name}: {', '.join(members)}" if members else f"{name}: dissolved"
        for name, members in teams.items()
    ]
    if strange:
        lines.append(f"nothing is stored so far of: {', '.join(strange)}")
    return lines


def _team(name: str, members: Sequence[str], round_: str, by: str) -> TeamSet:
    if not name.strip():
        raise UsageError("a team without a name", hint="grader mark team red ann bob")
    return made(lambda: TeamSet(round=round_, members=tuple(members), by=by))


def times(place: Place, round_: str, table: bytes, *, anew: bool) -> list[str]:
    """Tell when submissions were handed in: student, submitted_at, and a submission.

    Without a submission it is that of the student's latest result. With `anew`, what
    was told of these submissions before no longer counts.

    Raises:
        GraderError: a line is wrong, and nothing was written.
    """
    with desk(place) as at:
        name = at.round(round_)
        graded = _graded(at, name)
        lines = read_table(table, ("student", "submitted_at"))
        said: list[Said] = []
        for line in lines:
            student = line.read("student", at.student)
            told = Submitted(
                round=name,
                submission=_submission(line, graded.get(student, [])),
                at=line.read("submitted_at", moment),
                told_by="staff",
                anew=anew,
            )
            said.append((student, told))
        at.store.record_all(said)
        return [f"{name}: {counted(len(said), 'time')} of handing in"]


def _graded(at: Desk, round_: str) -> dict[str, list[str]]:
    """Return the submissions of everybody, the latest last."""
    found: dict[str, dict[str, None]] = {}
    for event, one in counting(at.export):
        if one.summary.round == round_:
            theirs = found.setdefault(event.student, {})
            theirs.pop(one.summary.submission, None)
            theirs[one.summary.submission] = None
    return {student: list(theirs) for student, theirs in found.items()}


def _submission(line: Line, graded: Sequence[str]) -> str:
    if not graded:
        line.read("student", _nothing_graded)
    if not line.cells.get("submission"):
        return graded[-1]
    return line.read("submission", partial(_of, graded))


def _nothing_graded(student: str) -> str:
    msg = f"{student!r} has no result in this round"
    raise UsageError(msg, hint="graded yet? a team is told by its own name")


def _of(graded: Sequence[str], text: str) -> str:
    start = text.removeprefix("sha256:")
    found = [s for s in graded if s.removeprefix("sha256:").startswith(start)]
    if len(found) != 1:
        known = ", ".join(one[7:19] for one in graded)
        msg = f"no submission {text!r}" if not found else f"{text!r} may be several"
        raise UsageError(msg, hint=f"submissions: {known}")
    return found[0]


def _once(lines: Sequence[Line], column: str) -> None:
    """Refuse a table in which somebody stands twice.

    Raises:
        ConfigError: somebody does.
    """
    seen: dict[str, int] = {}
    for line in lines:
        name = line.cells[column]
        if name in seen:
            msg = f"line {line.number}, column {column}: {name!r} stands in line "
            msg += f"{seen[name]} already"
            raise ConfigError(msg, hint="nothing was written")
        seen[name] = line.number
