"""One result: what it says of its run, and how it is kept."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from grader.config import find_home, load_course, state_folder
from grader.intake import open_submission
from grader.models.report import GradeReport
from grader.store import Store
from grader.training.milestones import INTERRUPTED


def was_interrupted(report: GradeReport) -> bool:
    """Return whether Ctrl-C ended the milestones; the report holds what was done."""
    return any(m.outcome == INTERRUPTED for m in report.verdict.milestones)


def open_store(folder: Path | None = None, course: Path | None = None) -> Store:
    """Open the result store of this course, made at first use."""
    return Store.open(folder or state_folder(find_home(course)) / "store")


def save(report: GradeReport, source: str, course: Path | None = None) -> str:
    """Keep a report and what was graded; return the digest of the result.

    Raises:
        GraderError: the store cannot be written, or `source` is gone.
    """
    package = load_course(find_home(course).course_file).package
    with closing(open_store(course=course)) as store:
        submission = open_submission(source, package=package)
        if submission.digest == report.verdict.submission:  # not edited meanwhile
            store.keep_source(submission, package)
        return store.add_report(report)
