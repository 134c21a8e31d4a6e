"""All of the rich data set: `competition`, `leaderboard`, `samples` and `pages`."""

from __future__ import annotations

from grader.publish.competition_models import EntryPage, PointsPart
from publish.rich_events import competition, samples
from publish.rich_names import COURSE, NAMES, NOW, slug_of
from publish.rich_points import leaderboard

__all__ = ["NAMES", "NOW", "competition", "leaderboard", "pages", "samples", "slug_of"]


def pages() -> dict[str, EntryPage]:
    """Return the data of every entry's page, by slug."""
    made, points = competition(), leaderboard()
    found = {}
    for name in NAMES:
        slug = slug_of(name)
        found[slug] = EntryPage(
            course=COURSE,
            name=name,
            slug=slug,
            points=tuple(
                PointsPart(
                    round=b.round,
                    round_kind=b.round_kind,
                    profile=b.profile,
                    frozen_at=b.frozen_at,
                    entry=e,
                )
                for b in points.boards
                for e in b.entries
                if e.slug == slug
            ),
            events=tuple(e for b in made.boards for e in b.entries if e.slug == slug),
            records=tuple(r for r in made.records if r.slug == slug),
        )
    return found
