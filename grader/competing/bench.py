"""What one command of the competition measures: events, packages, scripts and data."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

from grader import datasets
from grader.checks.runner import preload_of
from grader.checks.suites import suites_digest
from grader.config import Home, find_home, load_course, state_folder
from grader.datasets import DataSet
from grader.errors import ConfigError, UsageError
from grader.grading import Talk
from grader.measuring.rounds import Entrants
from grader.measuring.session import Order
from grader.measuring.side import Role
from grader.models.base import Digest
from grader.models.course import CompetitionEvent, Course, Workload
from grader.models.session import (
    MAX_LAUNCHES,
    Division,
    SessionDigests,
    SessionPlan,
)
from grader.models.submission import Submission
from grader.pipeline import digest_of, reference_files
from grader.sandbox import Package, Wall, choose, docker
from grader.sandbox.package import package_of

Wanted = list[tuple[CompetitionEvent, Workload]]
Offsets = Callable[[str], Sequence[float]]  # of earlier canaries, by host class
REQUEUES: Final = 3
IMAGE_VARIABLE: Final = "GRADER_IMAGE_DIGEST"


@dataclass(frozen=True)
class CompeteOptions:
    """What to measure, and behind which wall."""

    course: Path | None = None
    events: tuple[str, ...] = ()  # empty: all
    workloads: tuple[str, ...] = ()  # empty: all of the events
    sandbox: str = "auto"
    launches: int = SessionPlan.model_fields["launches"].default
    pairs: int = SessionPlan.model_fields["pairs"].default
    requeues: int = REQUEUES
    division: Division = "closed"


class Rhythm(TypedDict):
    """How often a session measures."""

    launches: int
    pairs: int
    warm_ups: int


@dataclass(frozen=True)
class Bench:
    """What all sessions of one command have in common."""

    home: Home
    course: Course
    wall: Wall
    reference: Package
    reference_digest: Digest
    suites: Digest
    options: CompeteOptions
    progress: Talk

    @property
    def scripts(self) -> tuple[str, ...]:
        """Paths of the scripts that submissions bring themselves, each once.

        Raises:
            UsageError: as `pairs`.
        """
        if self.options.division == "closed":
            return ()
        return tuple(dict.fromkeys(workload.open for _, workload in self.pairs()))

    def pairs(self) -> Iterator[tuple[CompetitionEvent, Workload]]:
        """Yield what is to be measured.

        Raises:
            UsageError: there is nothing of that name, or not in that division.
        """
        known = [event.name for event in self.course.events]
        for name in self.options.events:
            if name not in known:
                msg = f"there is no event {name!r} that is measured"
                raise UsageError(msg, hint=f"events: {', '.join(known) or 'none'}")
        wanted = [
            (event, workload)
            for event in self.course.events
            if not self.options.events or event.name in self.options.events
            for workload in event.workloads
            if not self.options.workloads or workload.name in self.options.workloads
        ]
        if not wanted:
            names = ", ".join(self.options.workloads)
            msg = f"no event that was named has a workload {names!r}"
            raise UsageError(msg, hint="see `events` in course.toml")
        yield from self._held(wanted)

    def _held(self, wanted: Wanted) -> Wanted:
        """Return what of `wanted` the division has.

        Raises:
            UsageError: an event that was named has nothing in it.
        """
        if self.options.division == "closed":
            return wanted
        found = [(event, workload) for event, workload in wanted if workload.open]
        names = {event.name for event, _ in found}
        for name in self.options.events or ("the competition",):
            if name not in names and (self.options.events or not found):
                msg = f"{name} is measured in the closed division only"
                raise UsageError(msg, hint=_open_events(self.course))
        return found

    def _plan(self) -> Rhythm:
        """Return how often to measure; a training of one's own has its own launch.

        A process that trains twice could keep what it learned.
        """
        launches, pairs = self.options.launches, self.options.pairs
        if self.options.division == "closed":
            return Rhythm(launches=launches, pairs=pairs, warm_ups=1)
        most = min(launches * pairs, MAX_LAUNCHES)
        return Rhythm(launches=most, pairs=1, warm_ups=0)

    def order(
        self,
        event: CompetitionEvent,
        workload: Workload,
        submissions: tuple[Submission, ...],
        offsets: Offsets,
    ) -> Order:
        """Return one session to be measured; two submissions: against each other."""
        packages = [package_of(self.course, s.files) for s in submissions]
        duel = len(packages) == 2
        is_open = self.options.division == "open"
        entrants = Entrants(
            student=packages[0],
            reference=packages[1] if duel else self.reference,
            truth=self.reference if duel else None,
            scripts=_scripts(workload, submissions) if is_open else {},
        )
        given = _given(self.home, self.course, workload, entrants.scripts)
        digests = SessionDigests(
            submission=submissions[0].digest,
            reference=submissions[1].digest if duel else self.reference_digest,
            suites=self.suites,
            data=given.digest,
            image=os.environ.get(IMAGE_VARIABLE) or None,
        )
        return Order(
            event=event.name,
            workload=workload,
            entrants=entrants,
            wall=self.wall,
            script=given.script,
            build=given.build,
            epochs=max(1, workload.slices),
            data=given.data,
            preload=sorted(
                {
                    name
                    for need in workload.needs
                    for name in preload_of(self.course, self.course.module(need))
                }
            ),
            load_limits=self.course.limits.load,
            digests=digests,
            kind="head-to-head" if duel else "entry",
            division=self.options.division,
            **self._plan(),
            offsets=offsets,
            progress=self.progress,
        )


def _open_events(course: Course) -> str:
    names = [e.name for e in course.events if any(w.open for w in e.workloads)]
    return f"open: {', '.join(names)}" if names else "leave out `--division open`"


def _scripts(
    workload: Workload, submissions: tuple[Submission, ...]
) -> dict[Role, str]:
    """Return the scripts of one session in the open division, by side."""
    own = [
        {file.path: file.data for file in one.scripts}[workload.open].decode()
        for one in submissions
    ]
    held: dict[Role, str] = {}
    if len(own) == 2:
        held = {"reference": own[1], "canary": own[1]}
    return {"student": own[0], **held}


@dataclass(frozen=True)
class Given:
    """What staff give to every entry of a workload."""

    script: str
    build: str
    data: DataSet | None
    digest: Digest


def _given(
    home: Home, course: Course, workload: Workload, own: Mapping[Role, str]
) -> Given:
    """Read script and data of a workload; the digest is of scripts of one's own too.

    Raises:
        ConfigError: they are not there.
    """
    path, build, data = home.milestones / workload.script, "build", None
    if workload.milestone is not None:
        milestone = next(m for m in course.milestones if m.name == workload.milestone)
        profile = milestone.quick
        if profile is None:
            msg = f"milestone {milestone.name} has no quick profile to compete in"
            raise ConfigError(msg, hint="see `events` in course.toml")
        path = home.milestones / milestone.folder / profile.script
        build = profile.build
        # Another split for every session: the private part is known to nobody.
        seed = secrets.randbits(62)
        roots = [home.milestones / "data"]
        found = datasets.load(
            profile.data, root=roots, profile="quick", seed=seed, compact=True
        )
        data = datasets.renamed(found, seed)
    try:
        script = path.read_text(encoding="utf8")
    except OSError as exc:
        msg = f"{path}: {exc.strerror}"
        raise ConfigError(msg, hint="see `events` in course.toml") from exc
    parts = [workload.model_dump_json(), script, data.digest if data else ""]
    parts += [text for _, text in sorted(own.items())]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return Given(script, build, data, f"sha256:{digest}")


def _wall(sandbox: str, home: Home) -> Wall:
    """Return the wall that is asked for; the one in a container is built in there.

    Raises:
        SandboxUnavailableError: this host cannot build it.
    """
    if sandbox == "docker":
        return Wall(docker.ISOLATION, bubblewrap=False, switch_uid=True, nest=False)
    return choose(sandbox, secrets=(home.reference, state_folder(home)))


def make_bench(options: CompeteOptions, progress: Talk) -> Bench:
    """Return what a command measures with.

    Raises:
        GraderError: the course or the wall is not usable.
    """
    home = find_home(options.course)
    course = load_course(home.course_file)
    files = reference_files(home.reference / course.package)
    return Bench(
        home=home,
        course=course,
        wall=_wall(options.sandbox, home),
        reference=package_of(course, files),
        reference_digest=digest_of(files),
        suites=suites_digest(home.suites),
        options=options,
        progress=progress,
    )
