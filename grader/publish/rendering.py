"""Pages of entries: taken from the cache, or rendered, on all cores where it pays."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from grader.publish.cache import Cache, key_of
from grader.publish.competition_data import sample_file
from grader.publish.competition_models import EntryPage, PointsPart, Samples
from grader.publish.html import Pages
from grader.publish.look.text import place
from grader.publish.models import Entry
from grader.publish.selection import PageSource
from grader.store.documents import Runs

MANY: Final = 64  # new pages; fewer are rendered before a second process has started
PORTION: Final = 16  # pages sent back at once

Files = dict[str, bytes]
# Stands in a kept page where a rank of points does, since a result moves the ranks of
# all below it. Text of strangers cannot hold this character: it is written out.
STAND_IN: Final = "\ue000"
_RANKS: Final = {"points": {"__all__": {"entry": {"rank": True, "tied": True}}}}
# The milestones of the newest round are drawn; those of earlier ones stand in tables.
DRAWN: Final = 1


@dataclass(frozen=True)
class Renderer:
    """Makes the files of one entry.

    Attributes:
        runs: the milestones of a result, by its digest.
        samples: the raw numbers of a session, by its digest.
    """

    pages: Pages
    runs: Callable[[str], Runs]
    samples: Callable[[str], Samples]

    def files(self, source: PageSource) -> tuple[bytes, bytes]:
        """Return the page and the raw numbers behind it; the latter may be empty."""
        page = source.page
        drawn = [self.runs(digest) for digest in source.results[:DRAWN]]
        missing = [None] * (len(source.results) - len(drawn))
        samples = {digest: self.samples(digest) for digest in page.sessions}
        html = self.pages.entry(page, [*drawn, *missing], samples)
        raw = sample_file(page.slug, page.sessions, samples) if samples else b""
        return html, raw


def entry_files(
    sources: Sequence[PageSource], renderer: Renderer, cache: Cache, version: str
) -> Files:
    """Return the files of all entries, by path; equal data give equal bytes."""
    keys = [_keys(source, version) for source in sources]
    files: Files = {}
    missing = []
    for number, (page, raw) in enumerate(keys):
        html, samples = cache.get(page), cache.get(raw) if raw else b""
        if html is None or samples is None:
            missing.append(number)
        else:  # at once, so that no page is held twice
            _add(files, sources[number].page, html, samples)
    made = _rendered(renderer, [_without_ranks(sources[n]) for n in missing])
    for number, (html, samples) in zip(missing, made, strict=True):
        page, raw = keys[number]
        cache.put(page, html)
        if raw:
            cache.put(raw, samples)
        _add(files, sources[number].page, html, samples)
    return files


def _add(files: Files, page: EntryPage, html: bytes, samples: bytes) -> None:
    files[f"entry/{page.slug}.html"] = _with_ranks(page, html)
    if samples:
        files[f"data/v1/samples/{page.slug}.json"] = samples


def _without_ranks(source: PageSource) -> PageSource:
    page = source.page
    parts = (_bare(number, part) for number, part in enumerate(page.points))
    bare = EntryPage(**{**dict(page), "points": tuple(parts)})
    return PageSource(bare, source.results)


def _bare(number: int, part: PointsPart) -> PointsPart:
    entry = Entry(**{**dict(part.entry), "rank": None, "tied": False})
    return PointsPart(**{**dict(part), "entry": entry, "place": _mark(number)})


def _with_ranks(page: EntryPage, html: bytes) -> bytes:
    for number, part in enumerate(page.points):
        html = html.replace(_mark(number).encode(), place(part.entry).encode())
    return html


def _mark(number: int) -> str:
    return f"{STAND_IN}{number}{STAND_IN}"


def _keys(source: PageSource, version: str) -> tuple[bytes, bytes]:
    """Return the keys of the page and of the raw numbers; empty if there are none."""
    data = source.page.model_dump_json(exclude=_RANKS)
    results, sessions = "\n".join(source.results), "\n".join(source.page.sessions)
    page = key_of("page", version, data, results)
    slug = source.page.slug
    return page, key_of("samples", version, slug, sessions) if sessions else b""


def _rendered(
    renderer: Renderer, sources: Sequence[PageSource]
) -> Iterable[tuple[bytes, bytes]]:
    cores = len(os.sched_getaffinity(0))
    # Forking beside other threads may copy a lock that nobody opens again.
    if len(sources) < MANY or cores < 2 or threading.active_count() > 1:
        return map(renderer.files, sources)
    return _in_parallel(renderer, sources, cores)


_SHARED: list[tuple[Renderer, Sequence[PageSource]]] = []  # what children inherit


def _in_parallel(
    renderer: Renderer, sources: Sequence[PageSource], cores: int
) -> list[tuple[bytes, bytes]]:
    _SHARED.append((renderer, sources))
    try:
        with multiprocessing.get_context("fork").Pool(cores) as pool:
            return pool.map(_one, range(len(sources)), PORTION)
    finally:
        _SHARED.pop()


def _one(number: int) -> tuple[bytes, bytes]:
    renderer, sources = _SHARED[-1]
    return renderer.files(sources[number])
