"""An Atom feed of what is new: results, entries of the competition, records.

It is made from public data alone, so what is withdrawn or hidden is gone from it with
the next build. An id is a name-based UUID of what an item is about, and stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from grader.publish.competition_models import Competition, EventBoard, Record
from grader.publish.models import Leaderboard
from grader.reports.display import one_line

NEWEST: Final = 100  # items; a reader asks often enough
_SPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "tinytorch-grader/leaderboard")


class Item(NamedTuple):
    """One entry of the feed, before it is text."""

    on: date
    about: tuple[str, ...]  # what its id is made from
    title: str
    text: str
    path: str


def feed(points: Leaderboard, competition: Competition) -> bytes:
    """Return the feed, the newest item first (RFC 4287)."""
    items = sorted(
        {item.about: item for item in _items(points, competition)}.values(),
        key=lambda item: (item.on, item.about),
        reverse=True,
    )[:NEWEST]
    course = points.course or competition.course
    updated = items[0].on if items else points.generated_at.date()
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{_id('feed', course)}</id>",
        f"<title>{_text(course or 'tinytorch')} leaderboard</title>",
        f"<updated>{_time(updated)}</updated>",
        f"<author><name>{_text(course or 'tinytorch')}</name></author>",
        '<link rel="self" type="application/atom+xml" href="feed.atom"/>',
        '<link rel="alternate" type="text/html" href="index.html"/>',
        *(_entry(course, item) for item in items),
        "</feed>",
        "",
    ]
    return "\n".join(lines).encode()


def _items(points: Leaderboard, competition: Competition) -> Iterator[Item]:
    yield from _results(points)
    yield from _entries(competition)
    yield from _records(competition)


def _results(points: Leaderboard) -> Iterator[Item]:
    for board in points.boards:
        for row in board.entries:
            if row.total is None:
                continue
            source = row.provenance
            about = ("result", board.round, board.profile, row.slug, source.submission)
            yield Item(
                on=source.graded_on,
                about=about,
                title=f"{row.name}: {row.total:g} points",
                text=f"{row.total:g} of {row.points:g} points in {board.round}"
                f" ({board.profile} profile).",
                path=f"entry/{row.slug}.html",
            )


def _entries(competition: Competition) -> Iterator[Item]:
    for board in competition.boards:
        where = f"{board.event}, {board.division} division, {board.host_class}"
        for row in board.entries:
            if row.state != "ranked" or row.interval is None:
                continue
            ends = row.interval
            yield Item(
                on=row.measured_on,
                about=("entry", *_board(board), row.slug, row.submission),
                title=f"{row.name}: {ends.value:.1f} in {board.event}",
                text=f"{where}: {ends.value:.1f} ({ends.low:.1f} to {ends.high:.1f});"
                " the reference has 100.",
                path=f"entry/{row.slug}.html",
            )


def _records(competition: Competition) -> Iterator[Item]:
    for record in competition.records:
        where = f"{record.event}, {record.division} division, {record.host_class}"
        yield Item(
            on=record.set_on,
            about=("record", *_board(record), record.slug, record.submission),
            title=f"Record in {record.event}: {record.name}, {record.value:.1f}",
            text=f"{where}: {record.value:.1f}; the reference has 100.",
            path="records.html",
        )


def _board(row: EventBoard | Record) -> tuple[str, str, str]:
    return row.event, row.division, row.host_class


def _entry(course: str, item: Item) -> str:
    return (
        f"<entry><id>{_id(course, *item.about)}</id><title>{_text(item.title)}</title>"
        f"<updated>{_time(item.on)}</updated>"
        f'<link rel="alternate" type="text/html" href={quoteattr(item.path)}/>'
        f'<content type="text">{_text(item.text)}</content></entry>'
    )


def _id(*parts: str) -> str:
    return uuid.uuid5(_SPACE, "\0".join(parts)).urn


def _time(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _text(text: str) -> str:
    """Return text for XML: no control characters, no markup."""
    return escape(one_line(text))
