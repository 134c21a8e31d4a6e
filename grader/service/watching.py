"""Server-sent events: one look at the store for all who follow something."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from fastapi.concurrency import run_in_threadpool

from grader.errors import GraderError
from grader.service.answers import FINAL, answers
from grader.service.models import Answer
from grader.service.problems import Problem
from grader.service.site import Site
from grader.store.access import Who

LOOK_S: Final = 1.0
COMMENT_S: Final = 15.0  # so that proxies do not take silence for an end
EACH: Final = 8  # streams of one person at a time
RETRY_MS: Final = 3000  # until a browser connects again
_log = logging.getLogger(__name__)


class Watch:
    """What is followed, and how it stood when it was looked at last."""

    def __init__(self) -> None:
        self._followed: Counter[str] = Counter()  # submissions
        self._followers: Counter[str] = Counter()  # people
        self._seen: dict[str, Answer] = {}
        self._looked_for: frozenset[str] = frozenset()
        self._ended = False
        self._looked = asyncio.Condition()

    async def run(self, site: Site) -> None:
        """Look at what is followed until the service ends."""
        while not site.closing.is_set():
            await asyncio.sleep(LOOK_S)
            if self._followed:
                await self._look(site)
        async with self._looked:
            self._ended = True
            self._looked.notify_all()

    async def _look(self, site: Site) -> None:
        wanted = list(self._followed)
        try:
            found = await run_in_threadpool(_stands, site, wanted)
        except GraderError as exc:  # whoever follows goes on waiting
            _log.error("%s; %s", exc.message, exc.hint)
            return
        async with self._looked:
            self._seen, self._looked_for = found, frozenset(wanted)
            self._looked.notify_all()

    def follow(self, who: str, id_: str) -> None:
        """Note one more who follows.

        Raises:
            Problem: they follow too much already.
        """
        if self._followers[who] >= EACH:
            title = f"you follow {EACH} submissions already"
            raise Problem(429, "rate_limited", title, "end one of them", COMMENT_S)
        self._followers[who] += 1
        self._followed[id_] += 1

    def leave(self, who: str, id_: str) -> None:
        """Note that somebody follows no longer."""
        for counts, name in ((self._followers, who), (self._followed, id_)):
            counts[name] -= 1
            if counts[name] <= 0:
                del counts[name]

    async def changes(self, site: Site, id_: str) -> AsyncIterator[Answer | None]:
        """Yield a submission at each change; None where nothing changed for a while."""
        last = (await run_in_threadpool(_stands, site, [id_])).get(id_)
        while last is not None and not site.closing.is_set():
            yield last
            if last.state in FINAL:
                return
            while not await self._changed(id_, last):
                if site.closing.is_set():
                    return
                yield None
            last = self._seen.get(id_)  # None: it was erased

    async def _changed(self, id_: str, last: Answer) -> bool:
        """Wait until it stands otherwise; False after a while."""

        def differs() -> bool:
            seen = id_ in self._looked_for
            return self._ended or (seen and self._seen.get(id_) != last)

        async with self._looked:
            try:
                async with asyncio.timeout(COMMENT_S):
                    await self._looked.wait_for(differs)
            except TimeoutError:
                return False
        return not self._ended


async def stream(watch: Watch, site: Site, who: Who, id_: str) -> AsyncIterator[bytes]:
    """Yield events as the standard writes them; `watch.follow` came before."""
    try:
        yield f"retry: {RETRY_MS}\n\n".encode()
        async for found in watch.changes(site, id_):
            if found is None:
                yield b": nothing new\n\n"
            else:
                yield f"event: state\ndata: {found.model_dump_json()}\n\n".encode()
    finally:
        watch.leave(who.name, id_)


def _stands(site: Site, ids: list[str]) -> dict[str, Answer]:
    found = answers(site, site.store.inbox.standing(ids=ids))
    return {one.id: one for one in found}
