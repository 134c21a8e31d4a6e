"""A class with many attempts, made from two real reports: the template's and the right.

Every check of a made result is one of the two real ones, or the real one with a made
failure; the milestones are made. Nothing here is a measurement of a submission.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from grader.models.course import Course, Milestone
from grader.models.measure import Limits, Sample, Usage
from grader.models.outcome import (
    Blocked,
    Limit,
    LimitExceeded,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
    Raised,
)
from grader.models.report import (
    CheckResult,
    Epoch,
    GradeReport,
    Measurements,
    MilestoneMeasure,
    MilestoneResult,
    ModuleResult,
    Verdict,
)

START: Final = datetime(2026, 9, 14, 8, 0, tzinfo=UTC)
MIB: Final = 2**20
FIRST: Final = ("Ada", "Alan", "Emmy", "Grace", "Kurt", "Lise", "Max", "Mary", "Niels")
LAST: Final = ("Abel", "Boole", "Curie", "Dirac", "Euler", "Fermi", "Gauss", "Hopper")


@dataclass(frozen=True)
class Student:
    """What a made student is like; `stall` is the attempt after which nothing comes."""

    id: str
    name: str
    skill: float
    reach: float  # modules done at the end
    stall: int


@dataclass(frozen=True)
class Source:
    """What results are made from."""

    course: Course
    blank: GradeReport  # of the untouched template
    right: GradeReport  # of the reference
    known: dict[str, str]  # a mistake that the suites recognise, by check

    @classmethod
    def read(cls, course: Course, blank: bytes, right: bytes, mutants: Path) -> Source:
        """Return the source from two reports as JSON and the folder of mutants."""
        known = {
            check: edit["mistake"]
            for path in sorted(mutants.glob("[0-9]*.toml"))
            for edit in tomllib.loads(path.read_text("utf8"))["edits"]
            if edit.get("mistake")
            for check in edit["catches"]
        }
        return cls(
            course,
            GradeReport.model_validate_json(blank),
            GradeReport.model_validate_json(right),
            known,
        )


def students(count: int, attempts: int, seed: int) -> list[Student]:
    """Return a class of mixed skill; about one in twelve stalls half-way."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        name = f"{FIRST[number % len(FIRST)]} {LAST[number // 3 % len(LAST)]}"
        stalls = rng.random() < 1 / 12
        found.append(
            Student(
                id=f"s{number:04d}",
                name=name,
                skill=float(rng.beta(5, 2)),
                reach=float(np.clip(rng.normal(15, 6), 0, 20.5)),
                stall=attempts // 2 if stalls else attempts,
            )
        )
    return found


def results(
    source: Source, who: Student, attempts: int, seed: int
) -> Iterator[GradeReport]:
    """Yield the results of one student, oldest first."""
    rng = np.random.default_rng([seed, int(who.id[1:])])
    hard = np.random.default_rng(seed)  # the same checks are hard for everybody
    luck = {
        c.id: float(rng.random()) * float(1 - 0.9 * hard.beta(0.3, 2))
        for m in _modules(source)
        for c in m.checks
    }
    kinds = {name: float(rng.random()) for name in luck}
    for attempt in range(1, attempts + 1):
        done = who.reach * min(attempt, who.stall) / attempts
        slips = (1 - who.skill) * (1.2 - 0.7 * min(attempt, who.stall) / attempts)
        modules = _attempted(source, done, slips * 0.35, luck, kinds)
        yield _report(source, who, attempt, modules, rng)


def _modules(source: Source) -> tuple[ModuleResult, ...]:
    return source.right.verdict.modules


def _attempted(
    source: Source,
    done: float,
    slips: float,
    luck: dict[str, float],
    kinds: dict[str, float],
) -> list[ModuleResult]:
    found: list[ModuleResult] = []
    failed: list[str] = []
    blanks = source.blank.verdict.modules
    for place, (right, blank) in enumerate(zip(_modules(source), blanks, strict=True)):
        written = float(np.clip(done - place, 0, 1))
        checks: list[CheckResult] = []
        for number, (good, stub) in enumerate(
            zip(right.checks, blank.checks, strict=True)
        ):
            if number >= round(written * len(right.checks)):
                checks.append(stub)
            elif luck[good.id] >= slips * (1 if written == 1 else 2):
                checks.append(good)
            else:
                outcome = _failure(source, good, kinds[good.id], failed)
                checks.append(_changed(good, outcome))
                if not isinstance(outcome, Blocked):
                    failed.append(good.id)
        found.append(_module(right, checks))
    return found


def _failure(
    source: Source, check: CheckResult, kind: float, failed: list[str]
) -> Outcome:
    if kind < 0.2 and failed:
        return Blocked(by=(failed[int(kind * 997) % len(failed)],))
    if kind < 0.3:
        return Raised(
            error="IndexError",
            message="tuple index out of range",
            where="tinytorch/tensor.py:41, in reshape",
            call=check.title,
            hint="One size may be -1; compute it from the others.",
        )
    if kind < 0.34:
        return LimitExceeded(which=Limit.CPU, limit="5 s", where="in the check's call")
    return Mismatch(
        what="value",
        call=check.title,
        expected="0.268941 at index (0, 0)",
        got="nan   (2 of 20 entries differ)",
        hint="`*` multiplies entry by entry; matmul also sums over k.",
        misconception=source.known.get(check.id, "") if kind < 0.7 else "",
    )


def _changed(check: CheckResult, outcome: Outcome) -> CheckResult:
    return CheckResult(**{**dict(check), "earned": 0.0, "outcome": outcome})


def _module(module: ModuleResult, checks: list[CheckResult]) -> ModuleResult:
    won = sum(check.earned for check in checks)
    whole = sum(check.points for check in checks)
    earned = round(module.points * won / whole, 4)
    return ModuleResult(**{**dict(module), "earned": earned, "checks": tuple(checks)})


def _report(
    source: Source,
    who: Student,
    attempt: int,
    modules: list[ModuleResult],
    rng: np.random.Generator,
) -> GradeReport:
    share = {m.name: m.earned / m.points for m in modules}
    runs = [_milestone(m, share, rng) for m in source.course.milestones]
    base = source.right.verdict
    at = START + timedelta(hours=12 * attempt, seconds=7 * int(who.id[1:]))
    digest = hashlib.sha256(f"{who.id} {attempt}".encode()).hexdigest()
    everything = [*modules, *(result for result, _ in runs)]
    verdict = Verdict(
        **{
            **dict(base),
            "submission": f"sha256:{digest}",
            "earned": round(sum(r.earned for r in everything), 4),
            "points": sum(r.points for r in everything),
            "modules": tuple(modules),
            "milestones": tuple(result for result, _ in runs),
        }
    )
    costs = tuple(cost for _, cost in runs if cost is not None)
    measured = dict(source.right.measurements) | {"started_at": at, "milestones": costs}
    return GradeReport(
        student=who.id,
        label=f"submissions/{who.id}",
        verdict=verdict,
        measurements=Measurements(**measured),
    )


def _milestone(
    stone: Milestone, share: dict[str, float], rng: np.random.Generator
) -> tuple[MilestoneResult, MilestoneMeasure | None]:
    how = stone.quick
    assert how is not None
    weak = tuple(name for name in stone.needs if share[name] < 0.5)
    outcome: Outcome = Blocked(by=weak) if weak else Passed()
    metric = None
    if not weak:
        miss = float(rng.exponential(0.02))
        metric = how.target + (0.1 - miss) * (-1 if how.lower_is_better else 1) * 0.3
        if miss > 0.1:
            outcome = NotImplementedYet(message="")
    passed = isinstance(outcome, Passed)
    result = MilestoneResult(
        name=stone.name,
        number=stone.number,
        year=stone.year,
        title=stone.title,
        points=stone.points,
        earned=stone.points if passed else 0.0,
        outcome=outcome,
        metric=metric,
        metric_name=how.metric,
        target=how.target,
        curve=()
        if metric is None
        else tuple(Epoch(epoch=i + 1, metric=metric) for i in range(how.epochs)),
        replayed=passed,
        data=how.data,
    )
    return result, None if weak else _cost(stone.name, how.cpu_s, rng)


def _cost(name: str, limit_s: float, rng: np.random.Generator) -> MilestoneMeasure:
    cpu_s = limit_s * float(rng.uniform(0.2, 0.9))
    curve = tuple(
        Sample(
            wall_s=cpu_s * i / 40,
            cpu_s=cpu_s * i / 40,
            rss_bytes=int(MIB * rng.uniform(30, 60)),
        )
        for i in range(41)
    )
    return MilestoneMeasure(
        name=name,
        usage=Usage(
            cpu_s=cpu_s, wall_s=1.1 * cpu_s, peak_rss_bytes=60 * MIB, curve=curve
        ),
        cpu_limit_s=limit_s,
        wall_limit_s=10 * limit_s,
        memory_limit_bytes=Limits().memory_bytes,
        budget_factor=1.0,
    )
