"""What an overview says of a class; counts are of students unless a name says more."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from grader.models.base import CheckId, Model, ModuleName, Points

BINS: Final = 10  # tenths of the points; the last holds full marks too

PartKind = Literal["total", "module", "milestone"]
# How a check failed: a wrong answer; an error; a limit, a crash or no readable answer;
# something it builds on fails; not written; not judged, for a reason on our side.
FailKind = Literal["wrong", "raised", "stopped", "blocked", "todo", "unjudged"]
FAIL_KINDS: Final[dict[str, FailKind]] = {
    "mismatch": "wrong",
    "raised": "raised",
    "limit_exceeded": "stopped",
    "crashed": "stopped",
    "protocol_violation": "stopped",
    "blocked": "blocked",
    "not_implemented": "todo",
    "inconclusive": "unjudged",
}


class Spread(Model):
    """How points lie; quartiles interpolate between neighbours."""

    mean: float
    least: float
    lower: float
    median: float
    upper: float
    most: float


class Held(Model):
    """Checks that wait for something that fails, and the students they are of."""

    checks: int = 0
    students: int = 0


class Part(Model):
    """A module, a milestone, or all of them together.

    Attributes:
        points: that there are; the most, where results are out of different totals.
        graded: judged results; `spread`, `bins`, `full` and `untouched` are of these.
        no_result: nobody knows: no result at all, or one without this part.
        bins: how many earned up to one, two, ... ten tenths of the points.
        full: earned all points.
        untouched: every check is TODO; of a milestone, never ran so far as a metric.
        held: checks that are blocked because this module as a whole does not hold.
        reached: only of milestones, as `metric` and `cpu_s`, which are medians.
    """

    kind: PartKind
    key: str  # "tensor", "milestone_xor", "total"
    number: str
    title: str
    points: Points
    graded: int
    not_judged: int
    no_result: int
    spread: Spread | None
    bins: tuple[int, ...]
    full: int
    untouched: int
    held: Held = Held()
    reached: int | None = None
    metric_name: str = ""
    metric: float | None = None
    cpu_s: float | None = None


class Check(Model):
    """A check that somebody fails.

    Attributes:
        students: with a result in which the check's module is.
        held: checks blocked by this one, of students who fail it by a mistake.
        mistake: the commonest that was recognised here, and of how many.
    """

    id: CheckId
    module: ModuleName
    number: str
    title: str
    students: int
    wrong: int = 0
    raised: int = 0
    stopped: int = 0
    blocked: int = 0
    todo: int = 0
    unjudged: int = 0
    held: Held = Held()
    mistake: str = ""
    mistaken: int = 0

    @property
    def mistakes(self) -> int:
        """Students whose own code is wrong here."""
        return self.wrong + self.raised + self.stopped


class MistakeIn(Model):
    """A check in which a mistake was recognised, and of how many students."""

    id: CheckId
    title: str
    students: int


class Mistake(Model):
    """A mistake that the suites know by its answer; a student counts once."""

    text: str
    students: int
    checks: tuple[MistakeIn, ...]


class Who(Model):
    """A student; the name is empty without a roster."""

    student: str
    name: str = ""


class Stuck(Model):
    """A student who hands in and gains nothing; see `grader.overview.stuck`.

    Attributes:
        since: of the attempt that gained something last.
        attempts: different submissions from then on, that one included.
        check: the first that fails in the module: a mistake, else what is not written.
        mistake: the first that was recognised in the module; may be empty.
    """

    who: Who
    module: ModuleName
    number: str
    title: str
    earned: Points
    points: Points
    since: datetime
    latest: datetime
    attempts: int
    check: CheckId
    check_title: str
    how: FailKind
    mistake: str = ""


class Overview(Model):
    """One round of a course in one profile.

    Attributes:
        as_of: when the newest result that counts was graded; None without any.
        checks: that fail, real mistakes first.
        stuck: longest first.
        without: on the roster, but without a result.
    """

    schema_version: Literal[1] = 1
    course: str
    round: str
    profile: str
    as_of: datetime | None
    students: int
    total: Part
    modules: tuple[Part, ...]
    milestones: tuple[Part, ...]
    checks: tuple[Check, ...]
    mistakes: tuple[Mistake, ...]
    stuck: tuple[Stuck, ...]
    without: tuple[Who, ...]
