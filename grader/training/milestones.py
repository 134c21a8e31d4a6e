"""Run and judge the milestones of one submission."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from grader import datasets
from grader.checks.judge import judge, raised
from grader.checks.runner import preload_of, seed_of
from grader.errors import GraderError
from grader.models.base import Profile
from grader.models.course import Course, Milestone, MilestoneProfile
from grader.models.outcome import (
    Blocked,
    Crashed,
    Inconclusive,
    Limit,
    LimitExceeded,
    Mismatch,
    NotImplementedYet,
    Outcome,
    Passed,
)
from grader.models.report import MilestoneMeasure, MilestoneResult, ModuleResult
from grader.sandbox import Died, LimitHit, StudentError, Zygote
from grader.training.attempt import Attempt, Trained
from grader.training.requirements import barely_missed
from grader.training.run import train_once

TRIES: Final = 3  # inconclusive runs are repeated twice
INTERRUPTED: Final = Inconclusive(reason="interrupted by Ctrl-C")


@dataclass(frozen=True)
class MilestoneContext:
    """What the milestones of one grading share."""

    course: Course
    zygote: Zygote
    reference: Zygote
    secret: bytes
    profile: Profile
    scripts: Path
    data: Path | None
    wanted: tuple[str, ...] | None  # None: all
    progress: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Chosen:
    """Which milestones belong to a grading."""

    course: Course
    profile: Profile
    scripts: Path
    wanted: tuple[str, ...] | None  # None: all

    def pairs(self) -> Iterator[tuple[Milestone, MilestoneProfile]]:
        """Yield them; points exist only for those that can be run."""
        for milestone in self.course.milestones:
            profile = milestone.profile(self.profile)
            if profile is None:
                continue
            asked = self.wanted is None or milestone.name in self.wanted
            script = self.scripts / milestone.folder / profile.script
            if asked and script.is_file():
                yield milestone, profile


@dataclass(frozen=True)
class MilestoneRun:
    """A verdict and, where it ran, what it cost."""

    result: MilestoneResult
    measure: MilestoneMeasure | None


def run_milestones(
    context: MilestoneContext, modules: Sequence[ModuleResult]
) -> list[MilestoneRun]:
    """Run every milestone that has a script in this profile.

    Ctrl-C ends the one that runs and leaves out the others; all that was measured so
    far is in the result.
    """
    runs: list[MilestoneRun] = []
    chosen = Chosen(context.course, context.profile, context.scripts, context.wanted)
    for milestone, profile in chosen.pairs():
        if any(run.result.outcome == INTERRUPTED for run in runs):
            runs.append(_not_run(milestone, profile, INTERRUPTED))
        else:
            runs.append(_run(context, milestone, profile, modules))
    return runs


def ended_milestones(chosen: Chosen, why: Outcome) -> list[MilestoneRun]:
    """Return the milestones of a grading that ended as a whole before they ran."""
    return [_not_run(m, profile, why) for m, profile in chosen.pairs()]


def _not_run(
    milestone: Milestone, profile: MilestoneProfile, why: Outcome
) -> MilestoneRun:
    return MilestoneRun(_result(milestone, profile, why, Trained(), "not run"), None)


def _run(
    context: MilestoneContext,
    milestone: Milestone,
    profile: MilestoneProfile,
    modules: Sequence[ModuleResult],
) -> MilestoneRun:
    waiting = _waiting_for(milestone, modules)
    if waiting is not None:
        return _not_run(milestone, profile, waiting)
    attempt = _attempt(context, milestone, profile)
    trained = _judged(context, attempt)
    tries = 1
    while tries < TRIES and _again(trained, attempt, tries):
        tries += 1
        if isinstance(trained.outcome, Inconclusive):
            context.zygote.restart()
        elif _narrowly(trained):  # the same once more would end the same
            attempt = _attempt(context, milestone, profile, ":again")
        trained = _judged(context, attempt)
    result = _result(
        milestone, profile, _final(trained, attempt), trained, attempt.data_title
    )
    return MilestoneRun(result, _measure(milestone, attempt, trained, tries))


def _again(trained: Trained, attempt: Attempt, tries: int) -> bool:
    """Return whether to run again: not judged, or on the wrong side by very little."""
    if trained.outcome == INTERRUPTED:
        return False
    if isinstance(trained.outcome, Inconclusive):
        return True
    return tries == 1 and (_barely_over(trained, attempt) or _narrowly(trained))


def _narrowly(trained: Trained) -> bool:
    """Return whether it ran to its end and missed its conditions by very little."""
    ended = isinstance(trained.outcome, Mismatch)
    return ended and barely_missed(trained.requirements)


def _attempt(
    context: MilestoneContext,
    milestone: Milestone,
    profile: MilestoneProfile,
    word: str = "",
) -> Attempt:
    """Return what to run; `word` gives it another draw of the same round."""
    seed = seed_of(context.secret, f"milestone:{milestone.name}{word}")
    shipped = [context.scripts / "data"]
    roots = [context.data, *shipped] if context.data else shipped
    size: datasets.Profile = "quick" if context.profile == "quick" else "full"
    data = datasets.load(
        profile.data, root=roots, profile=size, seed=seed, compact=True
    )
    script = context.scripts / milestone.folder / profile.script
    return Attempt(
        name=milestone.name,
        script=script.read_text(encoding="utf8"),
        profile=profile,
        data=datasets.renamed(data, seed),
        seed=seed,
        preload=preload_of(context.course, context.course.module(milestone.needs[-1])),
        load_limits=context.course.limits.load,
    )


def _judged(context: MilestoneContext, attempt: Attempt) -> Trained:
    """Train once and turn whatever happened into an outcome."""
    trained = Trained()
    try:
        train_once(
            context.zygote, context.reference, attempt, trained, context.progress
        )
    except GraderError:
        raise
    except KeyboardInterrupt:
        trained.outcome = INTERRUPTED
    except Exception as exc:  # noqa: BLE001 -- judged, whatever it is
        trained.outcome = _outcome(
            exc, trained, attempt, lambda: _holds(context, attempt)
        )
    return trained


def _holds(context: MilestoneContext, attempt: Attempt) -> bool:
    """Return whether the reference passes the same milestone, run now."""
    trained = Trained()
    try:
        train_once(
            context.reference, context.reference, attempt, trained, lambda _: None
        )
    except Exception:  # noqa: BLE001 -- any failure here is our own
        return False
    return isinstance(trained.outcome, Passed)


def _outcome(
    exc: Exception, trained: Trained, attempt: Attempt, holds: Callable[[], bool]
) -> Outcome:
    place, limits, how = trained.stage, attempt.limits, trained.how
    match exc:
        case StudentError():
            return raised(exc, place, limits)
        case LimitHit():
            return LimitExceeded(
                which=exc.which, limit=attempt.stated(exc), where=place
            )
        case Died():
            return Crashed(how=how or str(exc), where=place)
        case _:
            return judge(exc, how=how, call=place, limits=limits, holds=holds)


def _barely_over(trained: Trained, attempt: Attempt) -> bool:
    return trained.usage is not None and trained.usage.cpu_s > attempt.cpu_limit_s


def _final(trained: Trained, attempt: Attempt) -> Outcome:
    """A run that reached its target over the limit twice has still failed."""
    if isinstance(trained.outcome, Passed) and _barely_over(trained, attempt):
        most = attempt.stated(LimitHit(Limit.CPU, ""))
        return LimitExceeded(which=Limit.CPU, limit=most, where="in training")
    return trained.outcome


def _waiting_for(
    milestone: Milestone, modules: Sequence[ModuleResult]
) -> Outcome | None:
    """Return why the milestone cannot be run yet, if a module it needs fails."""
    by_name = {m.name: m for m in modules}
    missing = []
    for need in milestone.needs:
        module = by_name.get(need)
        right = (
            sum(isinstance(c.outcome, Passed) for c in module.checks) if module else 0
        )
        if module and 2 * right < len(module.checks):
            missing.append(module)
    if not missing:
        return None
    if all(isinstance(c.outcome, NotImplementedYet) for m in missing for c in m.checks):
        first = missing[0]
        return NotImplementedYet(message=f"needs {first.number} {first.name} first")
    return Blocked(by=tuple(m.name for m in missing))


def _result(
    milestone: Milestone,
    profile: MilestoneProfile,
    outcome: Outcome,
    trained: Trained,
    data: str,
) -> MilestoneResult:
    right = isinstance(outcome, Passed)
    # How far a run got before its limit differs from run to run: `reached` has it.
    ended = trained.metric is not None or outcome == INTERRUPTED
    return MilestoneResult(
        name=milestone.name,
        number=milestone.number,
        year=milestone.year,
        title=milestone.title,
        points=milestone.points,
        earned=milestone.points if right else 0.0,
        outcome=outcome,
        metric=trained.metric,
        metric_name=profile.metric,
        target=profile.target,
        requirements=tuple(c.stated for c in trained.requirements),
        curve=tuple(trained.curve) if ended else (),
        replayed=trained.replayed,
        sample=trained.sample,
        data=data,
    )


def _measure(
    milestone: Milestone, attempt: Attempt, trained: Trained, tries: int
) -> MilestoneMeasure | None:
    if trained.usage is None:
        return None
    exceeded = (
        trained.outcome.which if isinstance(trained.outcome, LimitExceeded) else None
    )
    return MilestoneMeasure(
        name=milestone.name,
        usage=trained.usage,
        cpu_limit_s=attempt.cpu_limit_s,
        wall_limit_s=attempt.profile.wall_s,
        memory_limit_bytes=attempt.profile.memory_mib * 2**20,
        budget_factor=attempt.factor,
        attempts=tries,
        exceeded=exceeded,
        reached=f"epoch {len(trained.curve)} of {attempt.profile.epochs}",
        facts=trained.facts,
    )
