"""Counts and shares in words; the same on every surface."""

from __future__ import annotations

from typing import Final

from grader.overview.models import Check, FailKind, Part, Stuck, Who

HOW: Final[dict[FailKind, str]] = {
    "wrong": "wrong answer",
    "raised": "raises an error",
    "stopped": "stopped",
    "blocked": "blocked",
    "todo": "TODO",
    "unjudged": "not judged",
}


def percent(count: int, of: int) -> str:
    """Return a share in whole percent; none and all only where it is none and all."""
    if not of:
        return "0 %"
    share = round(100 * count / of)
    if count:
        share = max(1, share)
    return f"{share if count == of else min(99, share)} %"


def counted(count: int, noun: str) -> str:
    """Return "1 check", "2 checks"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def name_of(who: Who) -> str:
    """Return the name with the id, or the id alone; raw."""
    return f"{who.name} ({who.student})" if who.name else who.student


def failures(check: Check) -> str:
    """Say how a check fails, and what is no mistake of its own in the last place."""
    told = [
        f"{count} {word}"
        for count, word in (
            (check.wrong, "wrong"),
            (check.raised, "with an error"),
            (check.stopped, "stopped"),
            (check.blocked, "blocked"),
            (check.todo, "TODO"),
            (check.unjudged, "not judged"),
        )
        if count
    ]
    return ", ".join(told)


def holds_back(check: Check | Part) -> str:
    """Say how many checks this one blocks; empty for none."""
    if not check.held.checks:
        return ""
    checks = counted(check.held.checks, "check")
    return f"blocks {checks} of {counted(check.held.students, 'student')}"


def standing(stuck: Stuck) -> str:
    """Say since when a student stands still."""
    return f"{stuck.attempts} attempts since {stuck.since:%Y-%m-%d}"
