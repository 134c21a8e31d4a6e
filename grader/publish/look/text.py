"""Words and numbers as the site shows them, escaped where they come from people."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from markupsafe import Markup, escape

from grader.models.session import Division, Event
from grader.publish.models import Entry
from grader.reports import units
from grader.reports.display import one_line

DASH: Final = units.MISSING
NAME_LIMIT: Final = 80  # of a name in a table; longer ones are cut, with a note


class EventWords(NamedTuple):
    """What an event is called, what is measured, and what ranks it."""

    title: str
    measured: str
    ranked_by: str


class Ends(Protocol):
    """A value with its 95 % interval."""

    @property
    def value(self) -> float: ...

    @property
    def low(self) -> float: ...

    @property
    def high(self) -> float: ...


EVENTS: Final[dict[Event, EventWords]] = {
    "all-round": EventWords(
        "All-round", "speed and memory over all events", "the whole formula"
    ),
    "latency": EventWords(
        "Latency sprint", "answers of the fixed, trained networks", "speed"
    ),
    "training": EventWords(
        "Training sprint", "training to the milestone's target accuracy", "speed"
    ),
    "memory": EventWords(
        "Memory challenge", "peak memory above import while training", "memory"
    ),
    "generation": EventWords(
        "Generation sprint", "tokens per CPU second of the fixed GPT", "speed"
    ),
    "capstone": EventWords(
        "Capstone", "an application of the entrant's own", "its declared metric"
    ),
}
DIVISIONS: Final[dict[Division, str]] = {
    "closed": "Scripts and models as given; only the package differs.",
    "open": "Own model and training script in numpy; same data, same private test.",
}


@lru_cache(maxsize=16384)
def safe(text: str, limit: int = 4000) -> str:
    """Return a text from people on one line, cleaned and escaped."""
    return str(escape(one_line(text, limit=limit)))


def name(text: str) -> str:
    """Return a name, cut, cleaned and escaped."""
    return safe(text, NAME_LIMIT)


def event_path(event: Event, division: Division) -> str:
    """Return where an event's page is, from the site's root."""
    return f"tinymlperf/{division}-{event}.html"


def event_title(event: Event, division: Division) -> str:
    """Return an event and division as a heading."""
    return f"{EVENTS[event].title}, {division} division"


def score(value: float | None) -> str:
    """Return a score with one decimal."""
    return DASH if value is None else f"{value:.1f}"


def ratio(value: float | None) -> str:
    """Return a ratio with two decimals, from ten on with one."""
    if value is None:
        return DASH
    return f"{value:.2f}\u00d7" if value < 10 else f"{value:.1f}\u00d7"


def scores(found: Ends | None) -> str:
    """Return both ends of an interval of a score."""
    return "" if found is None else f"{found.low:.1f}{DASH}{found.high:.1f}"


def ratios(found: Ends | None) -> str:
    """Return both ends of an interval of a ratio."""
    return "" if found is None else f"{found.low:.2f}{DASH}{found.high:.2f}"


@lru_cache(maxsize=4096)
def day(value: date) -> str:
    """Return a date as ISO has it."""
    return value.isoformat()


def points(value: float | None) -> str:
    """Return points, or a dash."""
    return DASH if value is None else units.points(value)


def place(entry: Entry) -> str:
    """Return the rank of a row of points."""
    if entry.rank is None:
        return DASH
    return f"{entry.rank}=" if entry.tied else str(entry.rank)


def count(number: int, one: str, many: str = "") -> str:
    """Return "1 entry", "2 entries"."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def markup(text: str) -> Markup:
    """Mark what a function of this package joined as safe for templates."""
    return Markup(text)  # noqa: S704 -- numbers, our words, and escaped text
