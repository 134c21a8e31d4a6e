"""The reference, asked for right answers: recorded ones where there are, else live.

All submissions of a round meet the same inputs, so nearly all requests are the same
bytes for each. A recording answers as long as a check asks what was asked when it was
made; from the first other request on, a process answers, brought to the same state.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from grader.checks.recording import Exchange, Recording, asked
from grader.checks.remote import OracleError, Session
from grader.errors import SandboxUnavailableError
from grader.models.measure import Limits
from grader.sandbox import Channel, Died, Ending, Group, SandboxLost, Zygote
from grader.sandbox.channel import answer, question

ORACLE_LIMITS: Final = Limits(
    cpu_s=3600, wall_s=7200, memory_bytes=2**32, frame_bytes=2**40, output_bytes=2**30
)


class Conversation:
    """What one check asks the reference.

    Args:
        channel: gives the process that answers what is not recorded.
        recorded: what this check asked when it was run on the reference itself.
        stale: told when the process does not answer as it did then.
    """

    def __init__(
        self,
        channel: Callable[[], Channel],
        recorded: Sequence[Exchange] = (),
        stale: Callable[[], None] = lambda: None,
    ) -> None:
        self._open, self._recorded, self._stale = channel, recorded, stale
        self._channel: Channel | None = None
        self._number = 0
        self._frames: list[bytes] = []  # answered from the recording

    def ask(
        self,
        op: str,
        *args: Any,
        refer: Callable[[Any], Any] | None = None,
        **more: Any,
    ) -> Any:
        """Return the value of one answer; see `Channel.ask`."""
        self._number += 1
        frame = question(self._number, op, args, refer=refer, more=more)
        return answer(self._number, *self._exchange(frame))

    def _exchange(self, frame: bytes) -> tuple[bytes, bytes]:
        at = len(self._frames)
        if self._channel is None and at < len(self._recorded):
            known = self._recorded[at]
            if known.asked == asked(frame):
                self._frames.append(frame)
                return known.text, known.body
        return _answered(self._live(), frame)

    def _live(self) -> Channel:
        """Return the process, after all that was answered for it so far."""
        if self._channel is None:
            channel = self._open()
            for frame, known in zip(self._frames, self._recorded, strict=False):
                if _answered(channel, frame) != (known.text, known.body):
                    self._stale()
                    msg = "the reference answers otherwise than it was recorded"
                    raise OracleError(msg)
            self._channel = channel
        return self._channel

    def spent_cpu_s(self) -> float:
        """Return the CPU seconds of the process; times are never recorded."""
        return self._live().spent_cpu_s()


def _answered(channel: Channel, frame: bytes) -> tuple[bytes, bytes]:
    """Return the answer to one request; a death of the reference is no student's."""
    try:
        return channel.exchange(frame)
    except Died as exc:
        msg = f"the reference's process: {exc}"
        raise OracleError(msg) from exc


class Oracle:
    """The reference behind a wall of its own, started when it is first needed.

    Each check has a pristine process, as on the student's side: what it is answered
    depends on nothing that was asked before, nor on what was recorded.

    Attributes:
        delayed: told how many seconds a start took, which no check is charged for.
    """

    def __init__(self, zygote: Zygote, recording: Recording | None = None) -> None:
        self._zygote = zygote
        self.delayed: Callable[[float], None] = lambda _: None
        self._recording = dict(recording or {})
        self._group: Group | None = None
        self._running = False

    def tt(self, check: str, seed: int) -> Any:
        """Return the reference's namespace for `check`, its random numbers seeded.

        Its errors are ours.

        Raises:
            SandboxUnavailableError: it does not start; nothing can be judged.
        """
        recorded = self._recording.get(check, ())

        def stale() -> None:
            self._recording.pop(check, None)  # the check is repeated without it

        return _seeded(Conversation(self._fresh, recorded, stale), seed, trusted=True)

    def holds(self, check: str) -> bool | None:  # noqa: ARG002 -- for packs
        """Return whether `check` is known to pass on the reference; None: run it."""
        return None

    def twice(self, seed: int) -> tuple[Any, Callable[[], Any]]:
        """Return the reference in the student's place, and how to ask for the oracle.

        The errors of the first are answers, as a student's are. Nothing is recorded.
        """
        channel = self._fresh()
        one, two = (Conversation(lambda: channel) for _ in range(2))
        return _seeded(one, seed, trusted=False), lambda: _seeded(
            two, seed, trusted=True
        )

    def _fresh(self) -> Channel:
        """Return a process that has answered nothing yet."""
        started = time.monotonic()
        try:
            with contextlib.suppress(
                Ending
            ):  # killed by somebody: not a check's affair
                return self._forked()
            self._restart()
            return self._forked()
        except Ending as exc:
            self._restart()
            msg = f"the reference's sandbox: {exc}"
            raise SandboxLost(msg) from exc
        finally:
            self.delayed(time.monotonic() - started)

    def _forked(self) -> Channel:
        if self._group is not None and self._running:
            self._group.finish()
        if self._group is None or not self._group.alive:
            self._group = _load(self._zygote)
        self._running = True
        return self._group.check(ORACLE_LIMITS, seed=0)

    def _restart(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            with contextlib.suppress(Ending):
                group.close()
        self._zygote.restart()

    def close(self) -> None:
        """End the processes."""
        if self._group is not None:
            self._group.close()


class Recorder(Oracle):
    """An oracle that writes down what it answers.

    Only for runs on the reference itself: what a student's code has touched must not
    become anybody's right answer.
    """

    def __init__(self, zygote: Zygote) -> None:
        super().__init__(zygote)
        self.made: dict[str, list[Exchange]] = {}

    def tt(self, check: str, seed: int) -> Any:
        """Return the reference's namespace for `check`; what it asks is kept."""
        self.made[check] = []
        return _seeded(_Written(self._fresh(), self.made[check]), seed, trusted=True)


class _Written(Conversation):
    """A conversation that is written down, up to where times are asked for."""

    def __init__(self, channel: Channel, log: list[Exchange]) -> None:
        super().__init__(lambda: channel)
        self._log: list[Exchange] | None = log

    def _exchange(self, frame: bytes) -> tuple[bytes, bytes]:
        text, body = super()._exchange(frame)
        if self._log is not None:
            self._log.append(Exchange(asked(frame), text, body))
        return text, body

    def spent_cpu_s(self) -> float:
        self._log = None
        return super().spent_cpu_s()


def _load(zygote: Zygote) -> Group:
    """Return a group that has imported the reference.

    Raises:
        SandboxUnavailableError: it cannot be imported.
    """
    try:
        return zygote.group(list(zygote.package.symbols), ORACLE_LIMITS)
    except SandboxLost:
        raise  # by no fault of the reference
    except Ending as exc:
        msg = f"the reference cannot be loaded: {exc}"
        raise SandboxUnavailableError(msg, hint="grader doctor") from exc


def _seeded(conversation: Conversation, seed: int, *, trusted: bool) -> Any:
    # Known methods are not shared between checks: what one asks must not depend on
    # what another has asked before.
    session = Session(conversation, set(), trusted=trusted)
    session.ask("seed", seed)
    return session.namespace()
