"""Who handed in, and when: Gradescope's `submission_metadata.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class HandedIn:
    """What is known of a submission beside its files; nothing, if nothing is."""

    student: str = ""  # e-mail address of the first member
    members: int = 0
    late_s: float = 0.0  # after the due date that the product names

    def notes(self) -> tuple[str, ...]:
        """Say it; the product itself applies what lateness costs."""
        notes = []
        if self.members > 1:
            notes.append(f"Handed in for a group of {self.members}.")
        if self.late_s > 0:
            notes.append(
                f"Handed in {_span(self.late_s)} after the due date; "
                "this result is without any late penalty."
            )
        return tuple(notes)


def handed_in(path: Path | None) -> HandedIn:
    """Return what the file says; a part that cannot be read is as if it was not there.

    The form of the file is not promised to stay (Gradescope says so), and no grade may
    depend on it.
    """
    if path is None:
        return HandedIn()
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return HandedIn()
    users = [u for u in _get(value, "users", list) if isinstance(u, dict)]
    emails = [_get(user, "email", str) for user in users]
    due = _moment(_get(_get(value, "assignment", dict), "due_date", str))
    came = _moment(_get(value, "created_at", str))
    late_s = (came - due).total_seconds() if came and due else 0.0
    return HandedIn(
        student=next(filter(None, emails), ""), members=len(users), late_s=late_s
    )


def _get(value: Any, key: str, kind: type) -> Any:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else kind()


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def _span(seconds: float) -> str:
    """Return a length of time in whole minutes, rounded up: "1 d 2 h 5 min"."""
    minutes = int(-(-seconds // 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
