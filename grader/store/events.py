"""What can be written into the event table: a closed set, and nothing is ever changed.

Whatever a gradebook or a leaderboard says is computed from these and the results.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, TypeAdapter, model_validator

from grader.models.base import Digest, Model, ModuleName
from grader.models.session import Division, HostClass, MeasuredEvent, SessionKind

Visibility = Literal["hidden", "alias", "named"]
Share = Annotated[float, Field(ge=0, le=1)]
Note = Annotated[str, Field(max_length=4000)]
Who = Annotated[str, Field(min_length=1, max_length=256)]


class GradedAt(Model):
    """A report was stored; `regrade` names the set that brought it, if one did."""

    kind: Literal["graded"] = "graded"
    regrade: str = ""


class VisibilitySet(Model):
    """A student decided what the public may see; the record of consent."""

    kind: Literal["visibility"] = "visibility"
    visibility: Visibility
    by: str  # who entered it: the student, or staff on their behalf
    name: str = ""  # shown in public, only with "named"

    @model_validator(mode="after")
    def _named_has_a_name(self) -> Self:
        if (self.visibility == "named") != bool(self.name.strip()):
            msg = "a name goes with 'named', and with nothing else"
            raise ValueError(msg)
        return self


class Withdrawn(Model):
    """A result no longer counts; it stays in the history."""

    kind: Literal["withdrawn"] = "withdrawn"
    by: str
    reason: str


class Submitted(Model):
    """When a submission was handed in; the earliest time of a submission counts.

    The date of a git commit is no evidence, since who commits sets it.

    Attributes:
        anew: what was told of this submission before was wrong and no longer counts.
    """

    kind: Literal["submitted"] = "submitted"
    round: str
    submission: Digest
    at: AwareDatetime
    told_by: Literal["roster", "received", "staff"]
    anew: bool = False


class PolicySet(Model):
    """How a round turns results into marks; the latest of a round holds.

    Attributes:
        due_at: None: never late.
        grace_s: so much later is not late; days of lateness begin after it.
        per_day: taken off for every 24 hours begun, as a share of what `of` names.
        most: the largest share that is ever taken off.
        closes_after_days: what comes later than so many days counts as not handed in;
            None: never.
        keep: which attempt counts. A chosen one always goes first.
    """

    kind: Literal["policy"] = "policy"
    round: str
    due_at: AwareDatetime | None = None
    grace_s: int = Field(default=0, ge=0)
    per_day: Share = 0.0
    of: Literal["earned", "possible"] = "earned"
    most: Share = 1.0
    closes_after_days: int | None = Field(default=None, ge=1)
    keep: Literal["best", "last"] = "last"
    by: Who


class Extended(Model):
    """A student's or team's own due date of a round; the latest told holds.

    It never takes time away: the round's own date holds where that is later.
    """

    kind: Literal["extension"] = "extension"
    round: str
    due_at: AwareDatetime
    by: Who
    reason: Note = ""


class Chosen(Model):
    """The submission of the event's result counts in its round.

    The latest holds; `chosen=False` takes it back. What a regrade says about the same
    submission counts, as for everybody.
    """

    kind: Literal["chosen"] = "chosen"
    round: str
    chosen: bool = True
    by: Who
    reason: Note = ""


class Overridden(Model):
    """Points set by staff; they survive every regrade.

    Attributes:
        part: a module ("tensor"), a milestone ("milestone_xor"), or "" for the whole.
        points: None takes an earlier override back.
    """

    kind: Literal["override"] = "override"
    round: str
    part: str = ""
    points: float | None = Field(ge=0)
    by: Who
    reason: Note


class Commented(Model):
    """A word of staff to the student about a round; an empty one takes it back."""

    kind: Literal["comment"] = "comment"
    round: str
    text: Note
    by: Who


class TeamSet(Model):
    """The event's student is a team of these people; an empty list dissolves it.

    Attributes:
        round: only there, whatever is said for all rounds; "" is all rounds.
    """

    kind: Literal["team"] = "team"
    round: str = ""
    members: tuple[Who, ...]
    by: Who

    @model_validator(mode="after")
    def _everybody_once(self) -> Self:
        if len({*self.members}) != len(self.members):
            msg = "a member stands twice"
            raise ValueError(msg)
        return self


class RegradeSet(Model):
    """A set of regradings was planned, applied or cancelled, each as a whole."""

    kind: Literal["regrade"] = "regrade"
    name: str
    state: Literal["planned", "applied", "cancelled"]
    round: str
    by: Who
    reason: Note = ""


class Measured(Model):
    """A session of the competition was stored; the event's document is its digest.

    Attributes:
        started_at: when it was measured; the event's own time is when it was stored.
        counts: neither void nor failed.
        opponent: in a head-to-head, the holder; the event's student is the challenger.
    """

    kind: Literal["measured"] = "measured"
    session_kind: SessionKind
    event: MeasuredEvent
    division: Division
    workload: ModuleName
    host_class: HostClass
    submission: Digest
    started_at: AwareDatetime
    counts: bool
    opponent: str = ""


class BoardFrozen(Model):
    """A public board shows nothing newer than this event, until it is revealed.

    Attributes:
        board: a round, or "tinymlperf".
        frozen: False reveals it.
    """

    kind: Literal["freeze"] = "freeze"
    board: str
    frozen: bool
    by: Who


class Forgotten(Model):
    """All that was kept of one person was erased; whose it was is not kept."""

    kind: Literal["forgotten"] = "forgotten"
    by: Who
    reason: Note
    results: int


class ProjectRun(Model):
    """A project was reproduced; the event's document is its `Project`."""

    kind: Literal["project"] = "project"
    title: str = Field(max_length=80)
    state: str = Field(max_length=32)  # the claim: "reproduced", "not judged", ...


class ProjectApproved(Model):
    """Staff let a project be shown, or take that back; the latest of it holds.

    Without one a project is not public, whatever its author allows.
    """

    kind: Literal["project_approved"] = "project_approved"
    approved: bool
    by: Who
    reason: Note = ""


Payload = Annotated[
    GradedAt
    | VisibilitySet
    | Withdrawn
    | Submitted
    | PolicySet
    | Extended
    | Chosen
    | Overridden
    | Commented
    | TeamSet
    | RegradeSet
    | Measured
    | BoardFrozen
    | Forgotten
    | ProjectRun
    | ProjectApproved,
    Field(discriminator="kind"),
]
PAYLOAD: TypeAdapter[Payload] = TypeAdapter(Payload)


class Event(Model):
    """One line of the event table; `id` gives the order."""

    id: int
    at: datetime  # UTC
    student: str
    document: Digest | None = None
    payload: Payload
