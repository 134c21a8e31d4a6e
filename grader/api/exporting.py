"""Results in the formats of other programs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from grader.config import find_home, state_folder
from grader.exports import (
    CLASS_FORMATS,
    Choice,
    Exported,
    of_class,
    of_report,
    of_student,
)
from grader.store import Store


@dataclass(frozen=True)
class ExportOptions:
    """What to export: a report as JSON, or what the store has of the choice."""

    course: Path | None = None
    store: Path | None = None
    url: str = ""  # SQLAlchemy address of the store's tables
    report: bytes | None = None
    roster: bytes | None = None
    choice: Choice = field(default_factory=Choice)


def export(form: str, options: ExportOptions) -> Exported:
    """Write results in the format `form` of another program.

    Raises:
        GraderError: there is no such result, or the format does not take it.
    """
    if options.report is not None:
        return of_report(form, options.report, os.environ)
    folder = options.store or state_folder(find_home(options.course)) / "store"
    store = Store.open(folder, url=options.url)
    stored = store.export()
    if form in CLASS_FORMATS:
        return of_class(form, stored, options.choice, options.roster)
    return of_student(form, stored, options.choice, os.environ, store.report)
