"""What one command of the competition measures: events, packages, scripts and data."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader import datasets
from grader.checks.runner import preload_of
from grader.checks.suites import suites_digest
from grader.config import Home, find_home, load_course, state_folder
from grader.datasets import DataSet
from grader.errors import ConfigError, UsageError
from grader.grading import Talk
from grader.measuring.rounds import Entrants
from grader.measuring.session import Order
from grader.models.base import Digest
from grader.models.course import CompetitionEvent, Course, Workload
from grader.models.session import SessionDigests, SessionPlan
from grader.models.submission import Submission
from grader.pipeline import digest_of, reference_files
from grader.sandbox import Package, Wall, choose, docker
from grader.sandbox.package import package_of

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

    def pairs(self) -> Iterator[tuple[CompetitionEvent, Workload]]:
        """Yield what is to be measured.

        Raises:
            UsageError: there is nothing of that name.
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
        yield from wanted

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
        entrants = Entrants(
            student=packages[0],
            reference=packages[1] if duel else self.reference,
            truth=self.reference if duel else None,
        )
        given = _given(self.home, self.course, workload)
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
            launches=self.options.launches,
            pairs=self.options.pairs,
            offsets=offsets,
            progress=self.progress,
        )


@dataclass(frozen=True)
class Given:
    """What staff give to every entry of a workload."""

    script: str
    build: str
    data: DataSet | None
    digest: Digest


def _given(home: Home, course: Course, workload: Workload) -> Given:
    """Read script and data of a workload.

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
