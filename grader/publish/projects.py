"""The gallery of capstone projects, as frozen data: no HTML here.

`gallery` makes it; pages, JSON and CSV are rendered from it and from nothing else.

    Gallery                  all of `data/v1/projects.json`
      shown                  False: too few public people, so there are no cards
      cards                  newest first
    Card                     one project; its page is projects/<slug>.html
      name, person_slug      as on the points board, entry/<person_slug>.html
      title, summary, task   a student's text: escape it on every surface
      data                   DataCard: source, licence, sha256, own or the course's
      metric                 MetricCard: claimed, reproduced with interval, the verdict
      budget, cost           what was declared, and what was measured
      draws                  DrawCard: metric and learning curve of each training
      resources              memory and processor over time of the first draw
      provenance             what it rests on, and the one command that repeats it

A project is shown if staff approved it, it was not withdrawn, and its author is public.
Of one author's projects with the same title the newest approved one is shown. Metrics
of projects are never ranked: they are about different things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Literal

from grader.models.base import Digest, Model
from grader.models.measure import Sample, Tier
from grader.models.project import (
    ClaimMissed,
    ClaimNotJudged,
    ClaimUnclear,
    Draw,
    Point,
    Project,
)
from grader.publish.people import Public
from grader.store.events import Event, ProjectApproved, ProjectRun, Withdrawn

ClaimState = Literal[
    "reproduced", "unclear", "not reproduced", "reported", "not judged"
]


class DataCard(Model):
    """What a project learned from.

    Attributes:
        set: name of the course's data set; None: `own` is true, a file of the author's,
            who knows every answer in it.
        sha256: of the author's file, or of the course's data.
    """

    title: str
    own: bool
    set: str | None
    source: str
    licence: str
    sha256: str
    size_bytes: int | None
    train: int
    held_out: int


class MetricCard(Model):
    """Claimed and measured.

    Attributes:
        value, low, high: measured by us, with the 95 % interval; None: not measured.
        over: what the interval is over.
        reported: mean of the submission's own values; of a metric of its own alone.
        state: what became of the claim.
        by: how far the measured value falls short of the claim, where it does.
    """

    name: str
    unit: str
    higher_is_better: bool
    claimed: float
    value: float | None
    low: float | None
    high: float | None
    over: Literal["draws", "examples"] | None
    draws: int
    reported: float | None
    state: ClaimState
    by: float | None


class Cost(Model):
    """Processor time of one training, and memory above an idle sandbox.

    Measured: the median and the largest of all draws; None: no draw ran.
    """

    cpu_s: float | None
    memory_bytes: int | None


class DrawCard(Model):
    """One training with its learning curve."""

    number: int
    metric: float | None
    cpu_s: float | None
    curve: tuple[Point, ...]


class Card(Model):
    """One public project."""

    slug: str
    name: str
    person_slug: str
    title: str
    summary: str
    task: str
    data: DataCard
    metric: MetricCard
    budget: Cost
    cost: Cost
    draws: tuple[DrawCard, ...]
    resources: tuple[Sample, ...]
    submission: Digest
    project: Digest  # of capstone.toml, script and own data
    document: Digest  # of the stored measurement
    round: str
    engine: str
    tier: Tier
    host: str  # processor
    budget_factor: float
    measured_on: date
    reproduce: str


class Gallery(Model):
    """The whole gallery: `data/v1/projects.json`."""

    schema_version: Literal[1] = 1
    generated_at: datetime
    minimum_group: int
    shown: bool
    cards: tuple[Card, ...]


def gallery(
    events: Iterable[Event],
    read_project: Callable[[str], Project],
    public: Mapping[str, Public],
    *,
    minimum_group: int,
    now: datetime,
) -> Gallery:
    """Return the public projects, newest first; equal arguments give equal values.

    Args:
        events: all of the store's, in order.
        read_project: `Store.projects.read`; asked for what is shown alone.
        public: who may be shown and as what, by student.
        minimum_group: with fewer public authors no card is shown, unless all of them
            are shown by name.
    """
    chosen = [e for e in _approved(events) if e.student in public]
    people = {public[e.student] for e in chosen}
    enough = len(people) >= minimum_group or all(who.named for who in people)
    cards = [
        _card(event, read_project(event.document or ""), public[event.student])
        for event in (reversed(chosen) if enough else ())
    ]
    return Gallery(
        generated_at=now.astimezone(UTC),
        minimum_group=minimum_group,
        shown=enough,
        cards=tuple(cards),
    )


def _approved(events: Iterable[Event]) -> list[Event]:
    """Return the runs that staff let be shown, the newest of each author and title."""
    runs: dict[str, Event] = {}
    approved: dict[str, bool] = {}
    for event in events:
        match event.payload:
            case ProjectRun():
                runs[event.document or ""] = event
            case ProjectApproved() as said:
                approved[event.document or ""] = said.approved
            case Withdrawn():
                approved[event.document or ""] = False
            case _:
                pass
    latest: dict[tuple[str, str], Event] = {}
    for digest, event in runs.items():
        if approved.get(digest) and isinstance(event.payload, ProjectRun):
            key = event.student, event.payload.title
            latest.pop(key, None)  # its place is that of the newest
            latest[key] = event
    return list(latest.values())


def _card(event: Event, project: Project, who: Public) -> Card:
    declared = project.capstone
    digest = event.document or ""
    return Card(
        slug=f"{who.slug}-{digest.removeprefix('sha256:')[:8]}",
        name=who.name,
        person_slug=who.slug,
        title=declared.title,
        summary=declared.summary,
        task=declared.task,
        data=_data(project),
        metric=_metric(project),
        budget=Cost(
            cpu_s=declared.budget.cpu_s, memory_bytes=declared.budget.memory_bytes
        ),
        cost=_cost(project.draws),
        draws=tuple(_draw(draw) for draw in project.draws),
        resources=_resources(project.draws),
        submission=project.digests.submission,
        project=project.digests.project,
        document=digest,
        round=project.round,
        engine=project.engine,
        tier=project.isolation.tier,
        host=project.host.cpu,
        budget_factor=project.budget_factor,
        measured_on=project.started_at.astimezone(UTC).date(),
        reproduce=f"grader project run SUBMISSION --round {project.round}",
    )


def _data(project: Project) -> DataCard:
    declared, facts = project.capstone.data, project.data
    return DataCard(
        title=facts.title,
        own=facts.own,
        set=declared.set,
        source=declared.source or "a data set of the course",
        licence=declared.licence or "as in the course's list of data sets",
        sha256=declared.sha256 or project.digests.data.removeprefix("sha256:"),
        size_bytes=facts.size_bytes,
        train=facts.train,
        held_out=facts.held_out,
    )


def _metric(project: Project) -> MetricCard:
    declared, found, claim = (
        project.capstone.metric,
        project.reproduction,
        project.claim,
    )
    reported = [d.reported for d in project.draws if d.reported is not None]
    by = claim.by if isinstance(claim, ClaimUnclear | ClaimMissed) else None
    judged = not isinstance(claim, ClaimNotJudged)
    return MetricCard(
        name=declared.name,
        unit=declared.unit,
        higher_is_better=declared.higher_is_better,
        claimed=declared.claimed,
        value=found.value if found else None,
        low=found.low if found else None,
        high=found.high if found else None,
        over=found.over if found else None,
        draws=len(project.draws),
        reported=sum(reported) / len(reported) if reported and judged else None,
        state=claim.kind,
        by=by,
    )


def _cost(draws: tuple[Draw, ...]) -> Cost:
    used = [draw.usage for draw in draws if draw.usage is not None]
    if not used:
        return Cost(cpu_s=None, memory_bytes=None)
    times = sorted(usage.cpu_s for usage in used)
    middle = (times[(len(times) - 1) // 2] + times[len(times) // 2]) / 2
    return Cost(cpu_s=middle, memory_bytes=max(u.peak_rss_bytes for u in used))


def _draw(draw: Draw) -> DrawCard:
    cpu_s = draw.usage.cpu_s if draw.usage else None
    return DrawCard(
        number=draw.number, metric=draw.metric, cpu_s=cpu_s, curve=draw.curve
    )


def _resources(draws: tuple[Draw, ...]) -> tuple[Sample, ...]:
    return next((d.usage.curve for d in draws if d.usage is not None), ())
