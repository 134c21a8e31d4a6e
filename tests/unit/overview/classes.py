"""Classes to look at: students, their attempts, and an overview of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from publish.courses import Course
from reports.samples import (
    WRONG,
    everything,
    good,
    module_result,
    perceptron,
    perfect,
    report,
    todo,
    xor,
)

from grader.exports.gradebook import Choice
from grader.models.outcome import Blocked, Mismatch, Outcome, Passed
from grader.models.report import GradeReport, Measurements, ModuleResult, Verdict
from grader.overview import Overview, Taught, overview
from grader.roster import Person

DAY: Final = 24 * 60  # minutes
NEEDS: Final = {
    "activations": ("tensor",),
    "layers": ("tensor", "activations"),
    "losses": ("tensor",),
    "autograd": ("tensor", "losses"),
}
SIGN: Final = Mismatch(
    what="value",
    call="tanh of (0.5, -0.5)",
    expected="0.4621 at index (0,)",
    got="-0.4621",
    hint="tanh is odd.",
    misconception="the sign of x lost",
)


def tried(
    made: Course, student: str, *attempts: Sequence[ModuleResult], minutes: int = 0
) -> None:
    """Let a student hand in, one different submission a day."""
    for day, modules in enumerate(attempts):
        at = minutes + day * DAY
        made.stored(report(student, modules=modules, milestones=(), minutes=at))


def again(graded: GradeReport, *, minutes: int) -> GradeReport:
    """Return another grading of the same submission, so many minutes later."""
    at = graded.measurements.started_at + timedelta(minutes=minutes)
    measured = Measurements(**{**dict(graded.measurements), "started_at": at})
    return GradeReport(**{**dict(graded), "measurements": measured})


def changed(graded: GradeReport, **changes: str) -> GradeReport:
    """Return a report with another verdict."""
    verdict = Verdict(**{**dict(graded.verdict), **changes})
    return GradeReport(**{**dict(graded), "verdict": verdict})


def modules(**outcomes: Sequence[Outcome]) -> tuple[ModuleResult, ...]:
    """Return six modules; those that are not named hold."""
    return tuple(module_result(m.name, outcomes.get(m.name, ())) for m in perfect())


def look(
    made: Course,
    people: Mapping[str, Person] | None = None,
    needs: Mapping[str, Sequence[str]] = NEEDS,
) -> Overview:
    """Return the overview of the only round there is."""
    taught = Taught(needs, people)
    return overview(made.export(), Choice(), made.report, taught)[0]


def class_of(count: int) -> tuple[Course, dict[str, Person]]:
    """Return a class with something of everything in it, and its roster."""
    made = Course()
    people = {}
    for number in range(count):
        student = f"s{number:04d}"
        people[student] = Person(student, f"Ada Example {number}")
        packages = (
            perfect(),
            good(),
            modules(activations=(Passed(), SIGN), losses=(WRONG[0],)),
            modules(tensor=WRONG, layers=[Blocked(by=("tensor::copies",))] * 2),
            modules(activations=[todo("3.1", "Sigmoid")] * 6),
            everything(),
        )
        chosen = packages[number % len(packages)]
        stones = (perceptron(accuracy=0.99 - number / 1000), xor(WRONG[3]))
        made.stored(report(student, modules=chosen, milestones=stones, minutes=number))
        if number % 9 == 3:
            for day in (1, 2, 3):
                made.stored(report(student, modules=chosen, minutes=number + day * DAY))
    people["absent"] = Person("absent", "Nobody Yet")
    return made, people
