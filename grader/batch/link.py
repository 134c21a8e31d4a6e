"""One connection to the scheduler of a Dask cluster, in our words.

Dask itself would run the work of a lost worker elsewhere, count that for all work the
worker held, and give up after a number that the scheduler's owner sets. Here every task
is for one worker alone and asked for once: dask never runs it elsewhere, and what that
means is decided where the job table is.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from grader.errors import (
    ConfigError,
    GraderError,
    InconclusiveError,
    SandboxUnavailableError,
)

ANSWER_S: Final = 30.0  # of the scheduler itself, which only keeps books
CLOSE_S: Final = 5.0
# Bytes come back in dask's own format: nothing of a worker's is unpickled here.
_FORMATS: Final = ["dask", "msgpack"]
# What must be alike for client and scheduler to understand each other.
_ALIKE: Final = ("dask", "distributed", "cloudpickle")
_LOGGERS: Final = ("distributed", "distributed.client", "distributed.core", "tornado")


@dataclass
class Worker:
    """A worker as we know it."""

    address: str
    born: str = ""  # of its process, once it was looked at
    good: bool = False
    others: bool = False  # somebody else's work is on it
    gone: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class Reply:
    """How a task ended: with bytes, an exception's text, or with its worker."""

    data: bytes = b""
    error: str = ""
    lost: bool = False


def dask() -> Any:
    """Return `distributed`, which only clusters need.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        module = importlib.import_module("distributed")
    except ImportError as exc:
        msg = "grading on a cluster needs the packages dask and distributed"
        raise ConfigError(msg, hint='pip install -e ".[cluster]"') from exc
    for name in _LOGGERS:  # what matters of it comes as an error of ours
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    return module


class Link:
    """A connection; made by `Link.open`."""

    def __init__(self, address: str, client: Any) -> None:
        self.address, self._client = address, client
        self._prefix = f"grader-{uuid.uuid4().hex[:12]}"
        self._tasks = 0

    @classmethod
    async def open(cls, address: str) -> Link:
        """Connect to a scheduler; TLS is as dask's own configuration says.

        Raises:
            SandboxUnavailableError: none answers.
            ConfigError: the address, or the scheduler's version, is not usable.
        """
        distributed = dask()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # versions are compared below
                client = await distributed.Client(
                    address,
                    asynchronous=True,
                    set_as_default=False,
                    serializers=_FORMATS,
                    deserializers=_FORMATS,
                )
        except OSError as exc:
            msg = f"no Dask scheduler answers at {address}"
            hint = "start one: dask scheduler; see docs/how-to/cluster.md"
            raise SandboxUnavailableError(msg, hint=hint) from exc
        except (ValueError, TypeError, RuntimeError) as exc:
            msg = f"{address} cannot be used as a scheduler's address: {exc}"
            hint = "tcp://HOST:8786, or tls:// with dask's TLS settings"
            raise ConfigError(msg, hint=hint) from exc
        link = cls(address, client)
        try:
            await link._compare(distributed.versions.get_versions()["packages"])
        except BaseException:
            await link.close()
            raise
        return link

    async def _compare(self, ours: dict[str, str]) -> None:
        found = await self._asked(self._client.scheduler.versions(packages=[]))
        theirs = found["packages"]
        for name in _ALIKE:
            if theirs[name] != ours[name]:
                msg = f"the scheduler runs {name} {theirs[name]}, this {ours[name]}"
                hint = "install the same packages on both, from requirements.lock"
                raise ConfigError(msg, hint=hint)

    async def update(self, known: dict[str, Worker]) -> list[Worker]:
        """Note who is gone and who has others' work; return the workers that are new.

        Raises:
            InconclusiveError: the scheduler is lost.
        """
        there: dict[str, Sequence[Any]]
        there = await self._asked(self._client.scheduler.processing(workers=None))
        for address, worker in known.items():
            keys = there.get(address)
            if keys is None:
                worker.gone.set()
            else:
                worker.others = not all(str(k).startswith(self._prefix) for k in keys)
        return [Worker(address) for address in there if address not in known]

    async def retired(self, address: str) -> bool:
        """Return whether a worker that is gone was sent away, as clusters shrink."""
        events = await self._asked(self._client.scheduler.events(topic="all"))
        ends = [
            event["expected"]
            for _, event in events
            if event.get("action") == "remove-worker" and event["worker"] == address
        ]
        return bool(ends and ends[-1])

    @contextlib.asynccontextmanager
    async def ask(
        self, worker: Worker, function: Callable[..., bytes], *data: bytes
    ) -> AsyncIterator[Reply]:
        """Run function(*data) on `worker`; the cluster forgets it at the end.

        Raises:
            InconclusiveError: the scheduler is lost.
        """
        self._tasks += 1
        future = self._client.submit(
            function,
            *data,
            key=f"{self._prefix}-{self._tasks}",
            workers=[worker.address],
            allow_other_workers=False,
            pure=False,
        )
        try:
            yield await self._reply(future, worker)
        finally:
            future.release()

    async def _reply(self, future: Any, worker: Worker) -> Reply:
        distributed = dask()
        answer = asyncio.ensure_future(future.result())
        gone = asyncio.ensure_future(worker.gone.wait())
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                return Reply(lost=True)
            error = None if answer.cancelled() else answer.exception()
        finally:
            gone.cancel()
            answer.cancel()
        if answer.cancelled() or isinstance(error, distributed.CancelledError):
            raise self._lost()
        if isinstance(error, distributed.scheduler.KilledWorker):
            return Reply(lost=True)  # before we saw it: the scheduler allows no failure
        if error is not None:
            first = str(error).strip().partition("\n")[0]
            return Reply(error=f"{type(error).__name__}: {first}")
        return Reply(data=answer.result())

    async def _asked(self, question: Any) -> Any:
        if self._client.status != "running":
            question.close()
            raise self._lost()
        try:
            return await asyncio.wait_for(question, ANSWER_S)
        except (OSError, TimeoutError) as exc:
            raise self._lost() from exc

    def _lost(self) -> GraderError:
        msg = f"the connection to the Dask scheduler at {self.address} was lost"
        hint = "finished results are kept; start it and run the same command again"
        return InconclusiveError(msg, hint=hint)

    async def close(self) -> None:
        """Let the cluster forget all that is not done."""
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._client.close(), CLOSE_S)
