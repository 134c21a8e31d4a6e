"""The leaderboard, in a folder."""

from __future__ import annotations

from pathlib import Path

from grader import publishing


def publish(
    target: Path,
    *,
    store: Path | None = None,
    url: str = "",
    course: Path | None = None,
    minimum_group: int | None = None,
) -> Path:
    """Build the leaderboard from the store into a folder; return its index page.

    Args:
        url: SQLAlchemy address of the store's tables.

    Raises:
        LeakError: it would tell what must not be public.
        GraderError: the course or the store is not usable, or the site not writable.
    """
    source = publishing.Source(course, store, url, minimum_group)
    publishing.to_folder(publishing.prepare(source), target)
    return target / "index.html"
