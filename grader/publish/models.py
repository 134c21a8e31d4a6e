"""What can become public, as frozen data: `data/v1/leaderboard.json` and its rows.

No student id, label, message or output of a submission has a field here.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from grader.models.base import Digest, Model, ModuleName, Profile
from grader.models.measure import Tier

FORMULA = "points-1"  # shown on the page; changes when the ranking rule does


PastState = Literal["counts", "earlier", "withdrawn", "not judged"]


class ModuleScore(Model):
    """One module; `earned` is None where a check could not be judged."""

    name: ModuleName
    number: str
    title: str
    earned: float | None
    points: float


class MilestoneScore(Model):
    """One milestone; None where it was not judged or never got as far."""

    name: ModuleName
    number: str
    title: str
    earned: float | None
    points: float
    reached: bool | None
    metric_name: str
    metric: float | None
    cpu_s: float | None
    peak_memory_bytes: int | None


class Provenance(Model):
    """What a row rests on."""

    submission: Digest
    suites: Digest
    reference: Digest
    tier: Tier
    host_class: str
    engine: str
    graded_on: date


class PastResult(Model):
    """An earlier result, or one that no longer counts."""

    graded_on: date
    total: float | None
    submission: Digest
    state: PastState


class Entry(Model):
    """One public row."""

    rank: int | None  # None: not ranked, because not judged
    tied: bool
    name: str  # an alias, or the name the student chose to show
    slug: str
    total: float | None
    points: float
    modules: tuple[ModuleScore, ...]
    milestones: tuple[MilestoneScore, ...]
    provenance: Provenance
    history: tuple[PastResult, ...]


class Board(Model):
    """All public rows of one round and profile, best first."""

    round: str
    round_kind: Literal["feedback", "final", "demo"]
    profile: Profile
    shown: bool  # False: too few public entries, so there are none here
    frozen_at: datetime | None = None  # nothing newer is shown until it is revealed
    entries: tuple[Entry, ...]


class Leaderboard(Model):
    """The whole public data set: `data/v1/leaderboard.json`."""

    schema_version: Literal[1] = 1
    course: str
    generated_at: datetime
    minimum_group: int
    formula: str = FORMULA
    boards: tuple[Board, ...]
