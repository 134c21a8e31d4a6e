"""From runs to a report: what was noticed, what was missed, what that proves."""

from __future__ import annotations

from collections.abc import Iterable

import grader
from grader.models.outcome import Blocked, NotImplementedYet, Passed
from grader.models.validation import ModuleProof, MutantResult, ValidationReport
from grader.validation.plan import Plan, Right


def report(
    plan: Plan, rights: list[Right], results: list[MutantResult], idle: set[str]
) -> ValidationReport:
    """Return the report of all runs of a validation."""
    alarms = {
        r.check.id
        for right in rights
        if right.what == "reference"
        for r in right.ran
        if not isinstance(r.outcome, Passed)
    }
    modules = tuple(
        _proof(plan, m.name, results, alarms, idle)
        for m in plan.course.modules
        if any(c.module == m.name for c in plan.checks)
    )
    empty, template = (
        [r for right in rights if right.what == what for r in right.ran]
        for what in ("empty", "template")
    )
    declared = [r for r in results if r.declared]
    found = {
        "course": plan.course.name,
        "suites": plan.digests[0],
        "reference": plan.digests[1],
        "engine": grader.__version__,
        "tier": plan.wall.isolation.tier,
        "rounds": plan.rounds,
        "sampled": plan.sampled,
        "checks": len(plan.checks),
        "modules": modules,
        "survivors": tuple(r for r in _sorted(results) if r.survived),
        "equivalents": tuple(r for r in _sorted(results) if r.equivalent),
        "declared": len(declared),
        "diagnosed": sum(r.told == r.declared for r in declared),
        "empty_passed": sum(isinstance(r.outcome, Passed) for r in empty),
        "template_passed": sum(isinstance(r.outcome, Passed) for r in template),
        "template_other": tuple(
            r.check.id
            for r in template
            if not isinstance(r.outcome, NotImplementedYet | Blocked | Passed)
        ),
    }
    report = ValidationReport.model_validate(found)
    return ValidationReport.model_validate(
        found | {"problems": _problems(plan, report)}
    )


def _sorted(results: Iterable[MutantResult]) -> list[MutantResult]:
    return sorted(results, key=lambda r: (r.module, r.kind, r.place, r.name))


def _proof(
    plan: Plan,
    module: str,
    results: list[MutantResult],
    alarms: set[str],
    idle: set[str],
) -> ModuleProof:
    own = [r for r in results if r.module == module and not r.equivalent]
    named = [r for r in own if r.kind == "named"]
    machine = [r for r in own if r.kind == "operator"]
    checks = [c.id for c in plan.checks if c.module == module]
    return ModuleProof(
        module=module,
        checks=len(checks),
        named=len(named),
        named_killed=sum(r.killed for r in named),
        operators=len(machine),
        operators_killed=sum(r.killed for r in machine),
        equivalents=sum(r.module == module and bool(r.equivalent) for r in results),
        false_alarms=tuple(c for c in checks if c in alarms),
        idle=tuple(c for c in checks if c in idle),
    )


def _problems(plan: Plan, report: ValidationReport) -> tuple[str, ...]:
    """Say in words what keeps the suites from being proven."""
    found = []
    for proof in report.modules:
        found += [f"{c} fails on the reference" for c in proof.false_alarms]
        found += [f"{c} fails on no wrong package" for c in proof.idle]
        if proof.score < plan.bar:
            share = f"{proof.score:.1%} of the mutants, less than {plan.bar:.0%}"
            found.append(f"{proof.module}: the suite notices {share}")
    for mutant in report.survivors:
        if mutant.kind == "named":
            missed = ", ".join(mutant.missed) or "any check"
            found.append(f"named mutant {mutant.name} is not caught by {missed}")
    if report.empty_passed:
        found.append(f"an empty package passes {report.empty_passed} checks")
    if report.template_passed:
        found.append(f"the untouched template passes {report.template_passed} checks")
    found += [f"{c} is not TODO on the template" for c in report.template_other]
    return tuple(found)
