"""A validation as plain text of at most 80 columns."""

from __future__ import annotations

from typing import Final

from grader.models.validation import ModuleProof, MutantResult, ValidationReport
from grader.reports import layout

SHOWN: Final = 60  # survivors; the JSON report has all of them


def to_proof_table(report: ValidationReport) -> str:
    """Return tables first, then what survived, then what is not proven."""
    parts = [
        _head(report),
        _modules(report),
        _nothing(report),
        _survivors(report),
        _diagnosis(report),
        _problems(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: ValidationReport) -> str:
    rounds = f"{report.rounds} round{'s' if report.rounds != 1 else ''}"
    part = " (not all mutants)" if report.sampled else ""
    return (
        f"{report.course}: {report.checks} checks, reference over {rounds}, "
        f"behind {report.tier}{part}"
    )


def _modules(report: ValidationReport) -> str:
    heads = [
        "module",
        "checks",
        "named",
        "machine",
        "equiv.",
        "score",
        "alarms",
        "idle",
    ]
    rows = [_row(proof) for proof in report.modules]
    return layout.table(rows, heads, "lrrrrrrr")


def _row(proof: ModuleProof) -> list[str]:
    return [
        proof.module,
        str(proof.checks),
        f"{proof.named_killed}/{proof.named}",
        f"{proof.operators_killed}/{proof.operators}",
        str(proof.equivalents),
        f"{proof.score:.1%}",
        str(len(proof.false_alarms)),
        str(len(proof.idle)),
    ]


def _nothing(report: ValidationReport) -> str:
    other = len(report.template_other)
    todo = "all TODO" if not other else f"{other} neither TODO nor blocked by one"
    return (
        f"empty package: {report.empty_passed} of {report.checks} checks passed\n"
        f"untouched template: {report.template_passed} of {report.checks}, {todo}"
    )


def _survivors(report: ValidationReport) -> str:
    if not report.survivors:
        return ""
    lines = [f"survived: {len(report.survivors)}"]
    for mutant in report.survivors[:SHOWN]:
        lines += _survivor(mutant)
    if len(report.survivors) > SHOWN:
        lines.append(f"  and {len(report.survivors) - SHOWN} more, in --format json")
    return "\n".join(lines)


def _survivor(mutant: MutantResult) -> list[str]:
    title = mutant.place if mutant.kind == "operator" else f"named: {mutant.name}"
    lines = [("-", line) for line in mutant.old.splitlines()]
    lines += [("+", line) for line in mutant.new.splitlines()]
    return [f"  {title}", *(f"    {sign} {_fitted(line)}" for sign, line in lines)]


def _fitted(line: str) -> str:
    room = layout.WIDTH - 6
    return line if len(line) <= room else line[: room - 3] + "..."


def _diagnosis(report: ValidationReport) -> str:
    if not report.declared:
        return ""
    share = report.diagnosed / report.declared
    return (
        f"mistake named: {report.diagnosed} of {report.declared} named mutants that "
        f"declare one ({share:.0%})"
    )


def _problems(report: ValidationReport) -> str:
    if not report.problems and report.sampled:
        return "nothing wrong found; without all mutants that is no proof"
    if not report.problems:
        return "proven: no false alarm, no idle check, every bar met"
    return "\n".join(["not proven:", *(f"  {problem}" for problem in report.problems)])
