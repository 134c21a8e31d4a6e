"""A clock that is set by hand, and submissions that arrive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from grader.store.received import Received

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: int) -> None:
        self.now += timedelta(**span)


def sent(
    student: str, number: int = 0, *, id_: str = "", at: datetime = START
) -> Received:
    return Received(
        id=id_ or f"s-{student}-{number}",
        student=student,
        sender=student,
        round="one",
        digest="sha256:" + f"{number:064x}",
        received_at=at,
        key=f"sha256:{student}{number}",
        size_bytes=100,
        notes=("left out: data/",),
    )
