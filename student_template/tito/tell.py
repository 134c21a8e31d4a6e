"""What is told of a submission: its receipt, and where the service says that it is."""

from __future__ import annotations

from tito.parcel import Parcel, Receipt, moment
from tito.screen import clean
from tito.service import Answer

WORDS = {
    "waiting": "waiting",
    "grading": "being graded now",
    "graded": "graded",
    "inconclusive": "not judged yet, for reasons of the service",
    "failed": "not judged yet, for reasons of the service",
    "rejected": "rejected; nothing of it was graded",
}
OURS = "it is graded again by itself; there is nothing for you to do"


def received(answer: Answer) -> str:
    """Return when the service got it, and whether that was in time."""
    late = f"{span(answer.late_s)} late" if answer.late_s > 0 else "in time"
    return f"{moment(answer.received_at)}, {late}"


def state(answer: Answer) -> str:
    """Return where it is, in one line."""
    word = WORDS.get(answer.state, answer.state or "unknown")
    if answer.state == "waiting":
        others = "1 waits" if answer.ahead == 1 else f"{answer.ahead} wait"
        word += f"; {others} before it" if answer.ahead else "; it is next"
    if answer.state in ("inconclusive", "failed"):
        word += f"; {OURS}"
    return word


def points(answer: Answer) -> str:
    """Return "41.5 of 60 points", or nothing before there are any."""
    if answer.earned is None:
        return ""
    whole = "" if answer.points is None else f" of {answer.points:g}"
    return f"{answer.earned:g}{whole} points"


def lines(answer: Answer) -> list[str]:
    """Return all that is told of where it is."""
    found = [f"received {received(answer)}"]
    found += [f"note     {note}" for note in answer.notes]
    found.append(f"state    {state(answer)}")
    if answer.message:
        found.append(f"message  {answer.message}")
    if told := points(answer):
        found.append(f"points   {told}")
    if answer.page:
        found.append(f"page     {answer.page}")
    return found


def what(thing: Parcel | Receipt) -> str:
    """Return which package it is: digest, round, and when it was packed."""
    short = thing.digest.removeprefix("sha256:")[:8]
    round_ = f", round {thing.round_}" if thing.round_ else ""
    return clean(f"package {short}{round_}, packed {moment(thing.made_at)}")


def span(value_s: float) -> str:
    """Return a time as people say it: "2 min", "3 h 20 min", "4 days 2 h"."""
    minutes, seconds = divmod(round(value_s), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} {'day' if days == 1 else 'days'} {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
