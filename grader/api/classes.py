"""A whole class at a glance."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from grader import overview as overviews
from grader.config import find_home, load_course, state_folder
from grader.exports import Choice, Exported
from grader.exports.gradebook import notes
from grader.roster import read_roster
from grader.store import Store


@dataclass(frozen=True)
class OverviewOptions:
    """Which round to look at, and who is in the class."""

    course: Path | None = None
    store: Path | None = None
    url: str = ""  # SQLAlchemy address of the store's tables
    roster: bytes | None = None
    choice: Choice = field(default_factory=Choice)


def overview(form: str, options: OverviewOptions) -> Exported:
    """Look at a whole class: how points lie, what fails most, who is stuck.

    Raises:
        GraderError: there is no such round, or the store or the roster is unreadable.
    """
    home = find_home(options.course)
    modules = load_course(home.course_file).modules
    roster = options.roster
    taught = overviews.Taught(
        needs={module.name: module.needs for module in modules},
        people=None if roster is None else read_roster(roster),
    )
    folder = options.store or state_folder(home) / "store"
    with closing(Store.open(folder, url=options.url)) as store:
        made, book = overviews.overview(
            store.export(), options.choice, store.report, taught
        )
    data = overviews.FORMATS[form](made).encode()
    return Exported(data, tuple(notes(book)), book.unjudged)
