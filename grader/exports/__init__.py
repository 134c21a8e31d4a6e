"""Write results as other programs read them: pure functions of reports, no I/O.

Class formats hold the results of a round that count, of all students; the others hold
one report. Text that a submission could have written is made harmless for where it will
be shown, and what could not be judged is never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from grader.errors import ConfigError, UsageError
from grader.exports import (
    autolab,
    canvas,
    classroom,
    classroom50,
    github,
    gradescope,
    junit,
    nbgrader,
    prairielearn,
    records,
    spreadsheet,
)
from grader.exports.gradebook import Choice, Gradebook, gradebook, notes
from grader.models.report import GradeReport
from grader.roster import read_roster
from grader.store import Export, has_inconclusive

__all__ = [
    "CLASS_FORMATS",
    "FORMATS",
    "REPORT_FORMATS",
    "STEP_FORMATS",
    "Choice",
    "Exported",
    "of_class",
    "of_report",
    "of_student",
]

CLASS_FORMATS: Final[dict[str, Callable[[Gradebook], bytes]]] = {
    "csv": spreadsheet.write,
    "json": records.write,
    "canvas": canvas.write,
    "nbgrader": nbgrader.write,
}
REPORT_FORMATS: Final[dict[str, Callable[[GradeReport, Mapping[str, str]], bytes]]] = {
    "junit": lambda report, _: junit.write(report),
    "gradescope": lambda report, _: gradescope.write(report),
    "prairielearn": lambda report, _: prairielearn.write(report),
    "autolab": lambda report, _: autolab.write(report),
    "classroom": lambda report, _: classroom.write(report),
    "classroom50": classroom50.write,
}
# What a step of GitHub Actions shows of a report; no other program adds it up.
STEP_FORMATS: Final[dict[str, Callable[[GradeReport], bytes]]] = {
    "github-summary": github.summary,
    "github-annotations": github.commands,
}
FORMATS: Final = (*CLASS_FORMATS, *REPORT_FORMATS, *STEP_FORMATS)


@dataclass(frozen=True)
class Exported:
    """A document, and what has to be said about it."""

    data: bytes
    notes: tuple[str, ...] = ()
    unjudged: bool = False


def of_class(
    form: str, export: Export, choice: Choice, roster: bytes | None = None
) -> Exported:
    """Return the results of a round.

    Raises:
        UsageError: it is not clear which round, or which profile of it.
        ConfigError: the roster cannot be read.
    """
    people = read_roster(roster) if roster is not None else None
    book = gradebook(export, choice, people)
    said = notes(book)
    if form == "canvas" and people is not None:
        strangers = [r.student for r in book.rows if r.person is None]
        said += [f"{name}: not on the roster, left out" for name in strangers]
    return Exported(CLASS_FORMATS[form](book), tuple(said), book.unjudged)


def of_student(
    form: str,
    export: Export,
    choice: Choice,
    env: Mapping[str, str],
    read: Callable[[str], GradeReport],
) -> Exported:
    """Return the result of one student that counts; `read` gives its report.

    Raises:
        GraderError: there is none, or the format does not take it.
    """
    rows = gradebook(export, choice).rows
    found = [r.stored for r in rows if r.student == choice.student and r.stored]
    if not found:
        msg = f"no result of {choice.student!r} is stored in this round"
        raise UsageError(msg, hint="the id is the one that `grader grade` was given")
    return _written(form, read(found[0].digest), env)


def of_report(form: str, data: bytes, env: Mapping[str, str]) -> Exported:
    """Return a report, given as the JSON that `grader grade --format json` prints.

    Raises:
        ConfigError: it is no report of this grader.
        GraderError: the format does not take it.
    """
    try:
        report = GradeReport.model_validate_json(data)
    except ValidationError as exc:
        msg = "this is no report of this grader"
        hint = "make one: grader grade SUBMISSION --format json > r.json"
        raise ConfigError(msg, hint=hint) from exc
    return _written(form, report, env)


def _written(form: str, report: GradeReport, env: Mapping[str, str]) -> Exported:
    if form in STEP_FORMATS:
        data = STEP_FORMATS[form](report)
    else:
        data = REPORT_FORMATS[form](report, env)
    if not has_inconclusive(report):
        return Exported(data)
    said = "some checks could not be judged (our side); there is no score: grade again"
    return Exported(data, (said,), unjudged=True)
