"""The leaderboard."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from grader import rounds
from grader.config import find_home, load_course, state_folder
from grader.publish import SiteSettings, build, write_site
from grader.store import Store


def publish(
    target: Path,
    *,
    store: Path | None = None,
    url: str = "",
    course: Path | None = None,
    minimum_group: int | None = None,
) -> Path:
    """Build the leaderboard from the store; return its index page.

    Args:
        url: SQLAlchemy address of the store's tables.

    Raises:
        GraderError: the course or the store is not usable, or the site not writable.
    """
    home = find_home(course)
    settings = load_course(home.course_file)
    how = SiteSettings(
        course_secret=rounds.course_secret(state_folder(home)),
        assets=home.leaderboard,
        minimum_group=minimum_group or settings.minimum_group,
        now=datetime.now(UTC),
    )
    folder = store or state_folder(home) / "store"
    with closing(Store.open(folder, url=url)) as opened:
        files = build(opened.export(), opened.runs, how)
    write_site(files, target)
    return target / "index.html"
