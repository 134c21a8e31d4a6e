"""What a step tells on GitHub: the summary of the public tests, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tito.benchmark import Row
from tito.ci_places import Place, Places
from tito.ci_records import Check, Outcomes, count
from tito.ci_text import cell, pre
from tito.errors import TitoError
from tito.screen import seconds

# Over 1 MiB a step's summary is not shown at all; what was there before counts.
MOST_BYTES = 1_000_000
ADVICE = (
    "These are the public tests, run by your own repository: advice. "
    "The score of record is the course's own run."
)
WRONG = ("failed", "missing")


@dataclass(frozen=True)
class Milestones:
    """Which milestones were run, and how many wait for modules."""

    rows: Sequence[Row] = ()
    waiting: int = 0

    @property
    def good(self) -> bool:
        """Whether all that were run reached their target."""
        return all(row.good for row in self.rows)


def first_wrong(found: Sequence[Check]) -> Check | None:
    """Return the first test to put right, or the first task to write."""
    for kind in ("failed", "missing", "todo"):
        for check in found:
            if check.outcome == kind:
                return check
    return None


def told(check: Check) -> str:
    """Return what a test says, or why it says nothing."""
    if check.outcome == "missing":
        return "not run: Python ended before it, or in it"
    return check.text or check.outcome


def counts(found: Iterable[Check]) -> str:
    """Return "30 passed, 2 failed, 4 to write"."""
    found = list(found)
    names = (("passed",), "passed"), (WRONG, "failed"), (("todo",), "to write")
    words = [f"{n} {word}" for kinds, word in names if (n := count(found, *kinds))]
    return ", ".join(words) or "nothing was run"


def ended(found: Outcomes) -> str:
    """Return why the tests did not come to their end; nothing, if they did."""
    if found.finished:
        return ""
    ran = found.ran
    how = f"with exit code {ran.code}"
    if ran.stopped:
        how = f"after {ran.wall_s:.0f} s, the limit of all tests together"
    elif ran.code < 0:
        how = f"by signal {-ran.code}"
    where = f" in {found.last}" if found.last else " before the first test"
    return f"Python ended {how},{where}"


def summary(found: Outcomes, milestones: Milestones, places: Places) -> Iterator[str]:
    """Yield the summary in pieces, each whole in itself."""
    yield f"## Public tests\n\n**{counts(found.checks)}**\n\n{ADVICE}\n"
    if how := ended(found):
        yield f"\nThe tests did not come to their end: {cell(how, 400)}\n"
    yield "\n| module | passed | failed | to write | first to do |\n"
    yield "|---|--:|--:|--:|---|\n"
    for module in found.modules:
        yield _row(module, found.of(module))
    yield from _milestones(milestones)
    for module in found.modules:
        check = first_wrong(found.of(module))
        if check and check.outcome in WRONG:
            yield _failure(check, places.of(check))


def _row(module: str, found: Sequence[Check]) -> str:
    check = first_wrong(found)
    do = ""
    if check:
        do = cell(check.text if check.outcome == "todo" else check.name)
    numbers = count(found, "passed"), count(found, *WRONG), count(found, "todo")
    shown = " | ".join(map(str, numbers))
    return f"| {cell(module)} | {shown} | {do} |\n"


def _failure(check: Check, place: Place) -> str:
    where = f" at {cell(place.file, 300)}, line {place.line}" if place.file else ""
    text = pre(told(check))
    return f"\n### {cell(check.module)}\n\n{cell(check.name)}{where}\n\n{text}\n"


def _milestones(milestones: Milestones) -> Iterator[str]:
    if milestones.rows:
        yield "\n| milestone | outcome | CPU |\n|---|---|--:|\n"
    for row in milestones.rows:
        cpu = "?" if row.ran.cpu_s is None else seconds(row.ran.cpu_s)
        yield f"| {cell(row.name)} | {cell(row.result)} | {cell(cpu)} |\n"
    if milestones.waiting:
        noun = "milestone waits" if milestones.waiting == 1 else "milestones wait"
        yield f"\n{milestones.waiting} {noun} for modules that do not pass yet.\n"


def append(path: Path, pieces: Iterable[str]) -> None:
    """Add to a step's summary as many whole pieces as it may hold.

    Raises:
        TitoError: it cannot be written.
    """
    try:
        there = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8", errors="replace") as file:
            for piece in pieces:
                there += len(piece.encode("utf-8", "replace"))
                if there > MOST_BYTES:
                    file.write("\n\nThere is more than fits here; see the log.\n")
                    return
                file.write(piece)
    except OSError as error:
        raise TitoError(
            f"the summary cannot be written: {error.strerror}",
            "Check the file that --summary or GITHUB_STEP_SUMMARY names.",
        ) from None
