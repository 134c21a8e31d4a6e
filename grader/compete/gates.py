"""Gates: what an entry must do before its speed says anything.

A gate is passed, failed, or undecided; only passed lets a value count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from grader.compete.significance import above, below, fewer
from grader.models.base import Model
from grader.models.session import SeedResult, Session

State = Literal["passed", "failed", "undecided"]
Purpose = Literal["credit", "record"]

REFERENCE_SHARE: Final = 0.99
ENOUGH_SEEDS: Final = 5
CREDIT_P: Final = 0.05
RECORD_P: Final = 0.01
SUSPICIOUS_P: Final = 0.01


class Gate(Model):
    """One gate and what was held against it."""

    name: str
    state: State
    detail: str
    p_value: float | None = None  # of a miss for credit, of a pass for a record


def checks_gate(*, passed: int, required: int) -> Gate:
    """Return whether all required hidden checks pass."""
    state: State = "passed" if passed >= required else "failed"
    return Gate(
        name="checks", state=state, detail=f"{passed} of {required} required checks"
    )


class Outputs(Model):
    """How the outputs of timed batches compare with the reference's."""

    batches: int
    checked: int
    wrong: int
    blind: int  # batches of which nothing was compared


def outputs_of(session: Session) -> Outputs:
    """Count the compared outputs of a session."""
    pairs = [pair for launch in session.launches for pair in launch.pairs]
    return Outputs(
        batches=len(pairs),
        checked=sum(p.checked for p in pairs),
        wrong=sum(p.mismatched for p in pairs),
        blind=sum(not p.checked for p in pairs),
    )


def outputs_gate(sessions: Iterable[Session]) -> Gate:
    """Return whether every timed output matched; without any the gate is undecided."""
    return matching_gate(outputs_of(session) for session in sessions)


def matching_gate(outputs: Iterable[Outputs]) -> Gate:
    """Return the gate of `outputs_gate` from what was counted."""
    counted = [*outputs]
    wrong, blind = sum(o.wrong for o in counted), sum(o.blind for o in counted)
    state: State = "passed"
    if wrong:
        state = "failed"
    elif blind or not sum(o.batches for o in counted):
        state = "undecided"
    detail = f"{wrong} of {sum(o.checked for o in counted)} timed outputs differ"
    if blind:
        detail += f", {blind} batches unchecked"
    return Gate(name="outputs", state=state, detail=detail)


def accuracy_bound(floor: float, reference: Sequence[float]) -> float:
    """Return what the mean must reach: the floor, or 99 % of the reference's mean."""
    return max(floor, REFERENCE_SHARE * sum(reference) / len(reference))


def accuracy_gate(
    quality: Sequence[SeedResult], *, floor: float, purpose: Purpose
) -> Gate:
    """Hold accuracy over several seeds against the bound.

    For credit the doubt is the student's: only a significant miss fails. For a record
    it is not: only a significant pass passes, and what is unclear stays undecided.
    """
    count = len(quality)
    if count < ENOUGH_SEEDS:
        detail = f"{count} seeds, {ENOUGH_SEEDS} are needed"
        return Gate(name="accuracy", state="undecided", detail=detail)
    values = [q.student for q in quality]
    bound = accuracy_bound(floor, [q.reference for q in quality])
    missed, reached = below(values, bound), above(values, bound)
    if purpose == "credit":
        # A mean at the bound has reached it, whatever the spread.
        state: State = "failed" if missed < CREDIT_P else "passed"
    elif max(values) == min(values) == bound or reached < RECORD_P:
        state = "passed"
    else:
        state = "failed" if missed < RECORD_P else "undecided"
    mean = sum(values) / count
    return Gate(
        name="accuracy",
        state=state,
        detail=f"mean {mean:.4f} over {count} seeds, bound {bound:.4f}",
        p_value=missed if purpose == "credit" else reached,
    )


def learns_faster(quality: Sequence[SeedResult]) -> bool:
    """Tell whether training reached the target in significantly fewer steps.

    In the closed division only the package differs, so this asks for a look by staff;
    it rejects nothing. Runs without steps on either side are left out.
    """
    ours = [q.student_steps for q in quality if q.student_steps is not None]
    theirs = [q.reference_steps for q in quality if q.reference_steps is not None]
    if min(len(ours), len(theirs)) < ENOUGH_SEEDS:
        return False
    some = 2 * ENOUGH_SEEDS  # the test counts all splits, so their number is limited
    return fewer(ours[:some], theirs[:some]) < SUSPICIOUS_P
