"""Run hidden checks on many packages, one sandbox a worker for all of them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar, cast

from grader.checks.oracle import Oracle
from grader.checks.runner import Ran, SuiteRunner
from grader.checks.suites import Check
from grader.models.course import Course
from grader.models.submission import SourceFile
from grader.pipeline import CEILING
from grader.sandbox import Wall, Zygote
from grader.sandbox.package import package_of

Files = tuple[SourceFile, ...]
T = TypeVar("T")
R = TypeVar("R")


class Worker:
    """Two zygotes, kept from package to package; a context manager."""

    def __init__(self, wall: Wall, course: Course, reference: Files) -> None:
        self._wall, self._course, self._reference = wall, course, reference
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        truth = package_of(self._course, self._reference)
        oracle = self._stack.enter_context(Zygote(self._wall, truth, memory=CEILING))
        self._zygote = self._stack.enter_context(
            Zygote(self._wall, truth, memory=CEILING)
        )
        self._oracle = self._stack.enter_context(closing(Oracle(oracle)))
        self._zygote.compile(self._course.limits.load)
        self._compiled = self._zygote.package
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def run(
        self,
        files: Files,
        checks: Iterable[Check],
        secret: bytes,
        until: Callable[[Ran], bool] = lambda _: False,
    ) -> list[Ran]:
        """Run `checks` on the package `files`, up to the first that `until` accepts."""
        same = {f.path: f.data for f in self._compiled.files}
        code = {
            f.path: self._compiled.code[f.path]
            for f in files
            if same.get(f.path) == f.data and f.path in self._compiled.code
        }
        self._zygote.package = replace(self._compiled, files=files, code=code)
        runner = SuiteRunner(self._course, self._zygote, self._oracle, secret)
        return runner.run(checks, until)


def spread(
    tasks: Sequence[T],
    act: Callable[[Worker, T], R],
    make: Callable[[], Worker],
    jobs: int,
) -> Iterator[R]:
    """Yield act(worker, task) for every task, in the order in which they end.

    Threads, since most of the work is done in sandboxes; each keeps one worker for as
    long as it lives, because a sandbox dies with the thread that started it.

    Raises:
        Exception: the first that any thread met; the others stop at their next task.
    """
    todo, lock = iter(tasks), threading.Lock()
    done: queue.SimpleQueue[_Answer[R]] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        try:
            with make() as worker:
                while not stop.is_set():
                    with lock:
                        task = next(todo, _NOTHING)
                    if isinstance(task, _Nothing):
                        break
                    done.put(_Answer(act(worker, task)))
            done.put(_Answer(ended=True))
        except BaseException as exc:  # noqa: BLE001 -- told where it can be raised
            done.put(_Answer(error=exc, ended=True))

    jobs = min(jobs, len(tasks))
    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        yield from _answers(done, jobs)
    finally:
        stop.set()
        for thread in threads:
            thread.join()


class _Nothing:
    """No task is left."""


_NOTHING = _Nothing()


@dataclass(frozen=True)
class _Answer(Generic[R]):
    value: R | None = None
    error: BaseException | None = None
    ended: bool = False


def _answers(done: queue.SimpleQueue[_Answer[R]], running: int) -> Iterator[R]:
    while running:
        answer = done.get()
        running -= answer.ended
        if answer.error is not None:
            raise answer.error
        if not answer.ended:
            yield cast(R, answer.value)
