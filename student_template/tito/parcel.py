"""What is handed in, what comes back, and what a road between the two can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from tito.package import Source


@dataclass(frozen=True)
class Parcel:
    """A bundle, and what it was when it was packed.

    Attributes:
        to: where it is meant to go: "https://...", "git:REMOTE" or a folder.
        made_at: when it was packed, in UTC: "2026-10-05T14:03:00+00:00".
        commit: of the git road, the commit that has exactly these files.
    """

    data: bytes
    to: str
    student: str
    round_: str
    digest: str
    made_at: str
    commit: str = ""


@dataclass(frozen=True)
class Receipt:
    """What is known of something that was handed in.

    Attributes:
        id: the service's, the name of the tag, or the name of the file.
        handed_in_at: when it was acknowledged, in UTC, by the clock here.
        new: whether it was handed in for the first time.
        place: what is to be shown as the place where it lies now.
        answer: the service's last answer; empty on other roads.
        asked_at: when that was.
    """

    id: str
    to: str
    student: str
    round_: str
    digest: str
    made_at: str
    handed_in_at: str
    new: bool = True
    place: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    asked_at: str = ""


class Road(Protocol):
    """One way to hand in."""

    to: str
    keeps: bool  # whether what cannot go now is kept, to go later

    def prepare(self, sources: Sequence[Source]) -> str:
        """Look whether the road can be taken, without sending anything.

        Returns:
            The commit that has exactly these files, on the road of git; else nothing.

        Raises:
            TitoError: something has to be put right first.
        """

    def hand_in(self, parcel: Parcel) -> Receipt:
        """Hand in; the same parcel again is noticed and kept once.

        Raises:
            LaterError: it cannot be reached, or takes nothing now.
            RefusedError: exactly this will never be taken.
            TitoError: something has to be put right first.
        """


def receipt(parcel: Parcel, id_: str, *, new: bool, place: str) -> Receipt:
    """Return the receipt of a parcel that was taken just now."""
    who = (parcel.student, parcel.round_, parcel.digest, parcel.made_at)
    return Receipt(id_, parcel.to, *who, now(), new, place)


def now() -> str:
    """Return this moment in UTC: "2026-10-05T14:03:00+00:00"."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def moment(text: str) -> str:
    """Return a time as people read it: "2026-10-05 14:03:00 UTC"."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text or "?"
    if when.tzinfo is None:
        return text
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def stamp(text: str) -> str:
    """Return a time as it stands in names: "20261005T140300Z"."""
    when = datetime.fromisoformat(text).astimezone(UTC)
    return when.strftime("%Y%m%dT%H%M%SZ")
