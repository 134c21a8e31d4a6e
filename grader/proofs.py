"""Prove the hidden suites: what `grader validate` runs, and where it goes on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from grader import __version__
from grader.checks.suites import load_suites
from grader.config import find_home, load_course, state_folder
from grader.grading import GradeOptions, Talk, known, silent
from grader.models.validation import ValidationReport
from grader.pipeline import digest_of, reference_files
from grader.sandbox import choose
from grader.validation import Plan
from grader.validation import validate as run_validation
from grader.validation.mutants import Source, select


@dataclass(frozen=True)
class ValidateOptions:
    """What to validate, and how thoroughly."""

    course: Path | None = None
    modules: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("named", "operator")
    sample: int = 0  # machine-made mutants a module; 0: all
    rounds: int = 3
    jobs: int = 2
    bar: float = 0.95
    sandbox: str = "auto"
    fresh: bool = False  # forget what an interrupted run has found


def validate(options: ValidateOptions, progress: Talk = silent) -> ValidationReport:
    """Run the hidden suites against the reference, nothing, the template and mutants.

    Raises:
        GraderError: something of ours is wrong; weak suites are a result.
    """
    home = find_home(options.course)
    course = load_course(home.course_file)
    known(GradeOptions(modules=options.modules), course)
    suites = load_suites(home.suites, course)
    reference = reference_files(home.reference / course.package)
    wall = choose(options.sandbox, secrets=(home.reference, state_folder(home)))
    plan = Plan(
        course=course,
        suites=suites,
        reference=reference,
        template=reference_files(home.template / course.package),
        mutants=select(
            Source(course, reference),
            home.mutants,
            modules=options.modules,
            kinds=options.kinds,
            sample=options.sample,
        ),
        wall=wall,
        digests=(suites.digest, digest_of(reference)),
        rounds=options.rounds,
        sampled=options.sample > 0 or {*options.kinds} != {"named", "operator"},
        jobs=options.jobs,
        bar=options.bar,
        modules=frozenset(options.modules),
        progress=progress,
    )
    basis = [*plan.digests, wall.isolation.tier, __version__, course.model_dump_json()]
    key = hashlib.sha256("\0".join(basis).encode())
    journal = state_folder(home) / "validation" / f"{key.hexdigest()[:16]}.jsonl"
    if options.fresh:
        journal.unlink(missing_ok=True)
    return run_validation(plan, journal)
