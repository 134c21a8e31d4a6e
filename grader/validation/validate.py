"""Run the hidden suites against right and wrong packages."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from grader.checks.runner import Ran
from grader.checks.suites import Check
from grader.models.course import Course
from grader.models.outcome import Inconclusive, Mismatch
from grader.models.validation import MutantResult, ValidationReport
from grader.validation.journal import Journal
from grader.validation.mutants import Files, Mutant
from grader.validation.plan import Plan, Right, failed, secret
from grader.validation.summary import report
from grader.validation.workers import Worker, spread


def validate(plan: Plan, journal: Path) -> ValidationReport:
    """Return what the suites do with right and wrong packages.

    Raises:
        GraderError: ours; nothing that a mutant does raises.
    """
    with Journal(journal) as kept:
        rights = list(_rights(plan))
        results = list(_mutants(plan, kept))
        idle = _idle(plan, results)
    return report(plan, rights, results, idle)


# Right packages, and those with nothing in them


def _rights(plan: Plan) -> Iterator[Right]:
    tasks: list[tuple[str, Files, int]] = [
        ("reference", plan.reference, number) for number in range(plan.rounds)
    ]
    tasks += [("empty", (), 0), ("template", plan.template, 0)]

    def act(worker: Worker, task: tuple[str, Files, int]) -> Right:
        what, files, number = task
        plan.progress(f"{what}, round {number + 1}")
        return Right(what, worker.run(files, plan.checks, secret(number)))

    def make() -> Worker:
        return Worker(plan.wall, plan.course, plan.reference)

    yield from spread(tasks, act, make, plan.jobs)


# Wrong packages


def _mutants(plan: Plan, kept: Journal) -> Iterator[MutantResult]:
    todo = [m for m in plan.mutants if not m.equivalent]
    for mutant in plan.mutants:
        if mutant.equivalent:
            yield _result(mutant, [])
    known = [m for m in todo if m.digest in kept.found]
    yield from (kept.found[m.digest] for m in known)
    fresh = [m for m in todo if m.digest not in kept.found]
    start, survived = time.monotonic(), 0

    def act(worker: Worker, mutant: Mutant) -> tuple[Mutant, MutantResult]:
        return mutant, _run(worker, mutant, plan)

    done = spread(fresh, act, plan.worker, plan.jobs)
    for count, (mutant, result) in enumerate(done, start=1):
        if result.killed or not result.inconclusive:  # else it is asked again
            kept.add(mutant.digest, result)
        survived += result.survived
        left_s = (time.monotonic() - start) / count * (len(fresh) - count)
        plan.progress(
            f"{count} of {len(fresh)} mutants, {survived} survived, "
            f"about {left_s / 60:.0f} min left"
        )
        yield result


def _run(worker: Worker, mutant: Mutant, plan: Plan) -> MutantResult:
    """Run the suites nearest to the change; where none notices, those built on it."""
    near = [c for c in plan.suites.checks if c.module in mutant.modules]
    if mutant.kind == "named":
        return _result(mutant, worker.run(mutant.files, near, secret(0)))
    turn = random.Random(mutant.name).randrange(len(near) or 1)  # noqa: S311
    order = near[turn:] + near[:turn]  # so that every check gets its chance to be first
    ran = worker.run(mutant.files, order, secret(0), failed)
    if not any(map(failed, ran)):
        far = dependents(plan.course, mutant.modules)
        checks = [c for c in plan.suites.checks if c.module in far]
        ran += worker.run(mutant.files, checks, secret(0), failed)
    return _result(mutant, ran)


def dependents(course: Course, modules: Iterable[str]) -> set[str]:
    """Return the modules that need one of `modules`, directly or not, without them."""
    found, start = set(modules), set(modules)
    while fresh := {m.name for m in course.modules if found & {*m.needs}} - found:
        found |= fresh
    return found - start


def _result(mutant: Mutant, ran: list[Ran]) -> MutantResult:
    noticed = {r.check.id: r.outcome for r in ran if failed(r)}
    first = noticed.get(mutant.catches[0]) if mutant.catches else None
    return MutantResult(
        name=mutant.name,
        kind=mutant.kind,
        module=mutant.module,
        place=mutant.place,
        old=mutant.old,
        new=mutant.new,
        why=mutant.why,
        killed_by=tuple(noticed),
        missed=tuple(c for c in mutant.catches if c not in noticed),
        declared=mutant.mistake,
        told=first.misconception if isinstance(first, Mismatch) else "",
        equivalent=mutant.equivalent,
        inconclusive=any(isinstance(r.outcome, Inconclusive) for r in ran),
    )


def _idle(plan: Plan, results: list[MutantResult]) -> set[str]:
    """Return the checks that no wrong package fails, after asking each alone.

    An operator mutant is run up to the first check that fails; a check that never
    came first is run on the mutants of its module until it fails on one.
    """
    useful = {check for r in results for check in r.killed_by}
    todo = [c for c in plan.checks if c.id not in useful]
    if plan.sampled:
        return set()  # a sample proves nothing of the kind

    def act(worker: Worker, check: Check) -> str:
        plan.progress(f"looking for a mutant that {check.id} notices")
        for mutant in plan.mutants:
            if check.module in mutant.modules and not mutant.equivalent:
                ran = worker.run(mutant.files, [check], secret(0))
                if any(map(failed, ran)):
                    return ""
        return check.id

    return {name for name in spread(todo, act, plan.worker, plan.jobs) if name}
