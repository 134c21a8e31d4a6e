"""Regrade sets: graded aside, looked at, then applied or cancelled as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from grader.batch import Asked, Tally, grade_batch
from grader.batch.regrade import (
    Change,
    RegradeState,
    changes,
    chosen,
    entries_of,
    open_set,
    sets_of,
)
from grader.errors import UsageError
from grader.grading import GradeOptions
from grader.records import Place, opened
from grader.store.events import RegradeSet

__all__ = [
    "Change",
    "Regrade",
    "RegradeState",
    "apply_regrade",
    "cancel_regrade",
    "list_regrades",
    "preview",
    "regrade",
    "summed",
]


@dataclass(frozen=True)
class Regrade:
    """A regrade set as it is asked for."""

    name: str
    by: str
    reason: str = ""
    students: tuple[str, ...] = ()
    jobs: int = 2
    grade: GradeOptions = field(default_factory=GradeOptions)


def regrade(
    place: Place, asked: Regrade, progress: Callable[[Tally], None] = lambda _: None
) -> list[Change]:
    """Grade a set, or what is left of one, and return what it would change.

    Raises:
        UsageError: nothing to regrade, or the set has ended.
        GraderError: the course, the round, the wall or the store is not usable.
    """
    round_ = asked.grade.round
    with opened(place) as store:
        export = store.export()
        if asked.name in sets_of(export):
            open_set(export, asked.name)
        wanted = chosen(export, round_, asked.grade.profile, asked.students)
        entries = entries_of(store, wanted)
        if asked.name not in sets_of(export):
            planned = RegradeSet(
                name=asked.name,
                state="planned",
                round=round_,
                by=asked.by,
                reason=asked.reason,
            )
            store.record("", planned)
    batch = Asked(
        entries=entries,
        options=asked.grade,
        store=place.path,
        url=place.url,
        jobs=asked.jobs,
        retry=("unclear", "failed"),
        regrade=asked.name,
    )
    grade_batch(batch, progress)
    return preview(place, asked.name)


def list_regrades(place: Place) -> list[RegradeState]:
    """Return all sets, the first planned first."""
    with opened(place) as store:
        return list(sets_of(store.export()).values())


def preview(place: Place, name: str) -> list[Change]:
    """Return what a set changes, attempt by attempt.

    Raises:
        UsageError: there is no such set.
    """
    with opened(place) as store:
        export = store.export()
        if name not in sets_of(export):
            open_set(export, name)
        return changes(export, store.jobs.of_set(name), store)


def apply_regrade(
    place: Place, name: str, *, by: str, reason: str = "", partly: bool = False
) -> list[Change]:
    """Let all results of a set count, in one transaction.

    Args:
        partly: also where some could not be judged; their old results stay.

    Raises:
        UsageError: the set has ended, or is not complete and `partly` is not said.
    """
    with opened(place) as store:
        export = store.export()
        state = open_set(export, name)
        found = changes(export, store.jobs.of_set(name), store)
        ready = [c for c in found if c.new is not None and c.new.judged]
        missing = len(found) - len(ready)
        if not ready or (missing and not partly):
            msg = f"{missing} of {len(found)} results of {name!r} are not judged"
            hint = "say `grader regrade new` again, or apply the others: --partly"
            raise UsageError(msg, hint=hint)
        ending = RegradeSet(
            name=name, state="applied", round=state.round, by=by, reason=reason
        )
        results = [(c.student, c.new_document) for c in ready if c.new_document]
        store.end_regrade(ending, results)
        return ready


def cancel_regrade(place: Place, name: str, *, by: str, reason: str = "") -> None:
    """End a set without any effect.

    Raises:
        UsageError: there is no such set, or it has ended.
    """
    with opened(place) as store:
        state = open_set(store.export(), name)
        ending = RegradeSet(
            name=name, state="cancelled", round=state.round, by=by, reason=reason
        )
        store.end_regrade(ending)


def summed(found: Sequence[Change]) -> dict[str, int]:
    """Return how many attempts a set raises, lowers, leaves, and cannot judge."""
    moved = [change.by for change in found]
    return {
        "up": sum(by is not None and by > 0 for by in moved),
        "down": sum(by is not None and by < 0 for by in moved),
        "same": sum(by == 0 for by in moved),
        "not judged": sum(by is None for by in moved),
    }
