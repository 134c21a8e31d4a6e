"""Regrade sets: many results replaced as a whole, after a look at what that changes.

A set grades kept submissions again under its own name. Its results are stored like any
other and count for nothing until the set is applied; old results stay either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from grader.batch.sources import Entry
from grader.errors import UsageError
from grader.models.base import Model
from grader.models.summary import ResultSummary
from grader.store import Export, Store
from grader.store.attempts import Graded, attempts
from grader.store.events import RegradeSet
from grader.store.jobs import Job

NEW: Final = "grader regrade new NAME --round ROUND --by YOU"


class Change(Model):
    """What a set does to one attempt; a result is None where there is none yet."""

    student: str
    submission: str
    old: ResultSummary | None
    new: ResultSummary | None
    old_document: str | None
    new_document: str | None
    problem: str = ""  # why there is no new result

    @property
    def by(self) -> float | None:
        """Points won or lost; None where one side was not judged."""
        if self.old and self.new and self.old.judged and self.new.judged:
            return round(self.new.earned - self.old.earned, 4)
        return None

    @property
    def won(self) -> list[str]:
        """Ids of checks that fail in the old result alone."""
        return sorted(_failing(self.old) - _failing(self.new))

    @property
    def lost(self) -> list[str]:
        """Ids of checks that fail in the new result alone."""
        return sorted(_failing(self.new) - _failing(self.old))

    @property
    def why(self) -> list[str]:
        """What the two results rest on that differs."""
        if self.old is None or self.new is None:
            return []
        said = [
            f"{name} changed"
            for name in ("suites", "reference")
            if getattr(self.old, name) != getattr(self.new, name)
        ]
        for name in ("engine", "tier", "host"):
            before, after = getattr(self.old, name), getattr(self.new, name)
            if before != after:
                said.append(f"{name}: {before} -> {after}")
        if self.old.points != self.new.points:
            said.append(f"out of: {self.old.points:g} -> {self.new.points:g}")
        return said


class RegradeState(Model):
    """One set, as its events say."""

    name: str
    state: Literal["planned", "applied", "cancelled"]
    round: str
    by: str
    reason: str


def sets_of(export: Export) -> dict[str, RegradeState]:
    """Return all sets by name, the first planned first."""
    found: dict[str, RegradeState] = {}
    for event in export.events:
        if isinstance(payload := event.payload, RegradeSet):
            told = payload.model_dump(exclude={"kind"})
            before = found.get(payload.name)
            if before is not None and not payload.reason:
                told["reason"] = before.reason
            found[payload.name] = RegradeState(**told)
    return found


def open_set(export: Export, name: str) -> RegradeState:
    """Return a set that was neither applied nor cancelled.

    Raises:
        UsageError: there is none of that name, or it has ended.
    """
    known = sets_of(export)
    if name not in known:
        hint = f"sets: {', '.join(known)}" if known else NEW
        raise UsageError(f"there is no regrade set {name!r}", hint=hint)
    if known[name].state != "planned":
        msg = f"the regrade set {name!r} was {known[name].state} already"
        raise UsageError(msg, hint="what was done stays; make a set with another name")
    return known[name]


def chosen(
    export: Export, round_: str, profile: str, students: Iterable[str] = ()
) -> list[Graded]:
    """Return the latest valid result of every attempt of a round and profile.

    Raises:
        UsageError: there is none, or a student has none.
    """
    wanted = {*students}
    there = [g for g in attempts(export) if g.group == (round_, profile)]
    valid = [g for g in there if not g.withdrawn]
    if not valid:
        msg = f"no result of round {round_!r} and profile {profile!r} is stored"
        raise UsageError(msg, hint="grader history shows what is")
    if missing := wanted - {one.student for one in valid}:
        msg = f"no result of {min(missing)!r} is stored in this round and profile"
        raise UsageError(msg, hint="grader history shows what is")
    mine = [one for one in valid if not wanted or one.student in wanted]
    return list({one.attempt: one for one in mine}.values())


def entries_of(store: Store, wanted: Sequence[Graded]) -> list[Entry]:
    """Return where the submissions of these attempts are kept.

    Raises:
        UsageError: one was graded before submissions were kept.
    """
    found = []
    for one in wanted:
        path = store.source(one.summary.submission)
        if path is None:
            msg = f"the files of {one.student}'s submission were not kept"
            hint = "grade it once more by `grader batch`; from then on they are"
            raise UsageError(msg, hint=hint)
        found.append(Entry(one.student, str(path)))
    return found


def changes(export: Export, jobs: Sequence[Job], store: Store) -> list[Change]:
    """Return what the results of a set change, attempt by attempt."""
    documents = [job.document for job in jobs if job.document]
    results = store.summaries(documents)
    latest: dict[tuple[str, str, str, str], Graded] = {}
    for one in attempts(export):
        if not one.withdrawn and one.stored.digest not in results:
            before = latest.get(_place(one.student, one.summary))
            if one.summary.judged or before is None or not before.summary.judged:
                latest[_place(one.student, one.summary)] = one
    found = []
    for job in jobs:
        new = results.get(job.document or "")
        old = latest.get(_place(job.student, new)) if new else None
        found.append(
            Change(
                student=job.student,
                submission=new.submission if new else "",
                old=old.summary if old else None,
                new=new,
                old_document=old.stored.digest if old else None,
                new_document=job.document,
                problem="" if new else job.message or job.state,
            )
        )
    return found


def _place(student: str, result: ResultSummary) -> tuple[str, str, str, str]:
    return student, result.round, result.profile, result.submission


def _failing(result: ResultSummary | None) -> set[str]:
    if result is None:
        return set()
    return {check for ids in result.failing.values() for check in ids}
