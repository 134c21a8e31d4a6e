"""`tito submit`: check the package, show what is sent, pack it, and hand it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tito import checks
from tito.bundle import bundle
from tito.errors import TitoError
from tito.package import KIB, PACKAGE, Source, broken, collect, digest_of, left_out
from tito.parcel import Parcel, Road, now
from tito.roads import destination, road
from tito.screen import say
from tito.send import hand_over, send_early

NAMED = 5  # files that are left out, named one by one


@dataclass(frozen=True)
class Order:
    """What to hand in as whom, and where to."""

    student: str  # empty: what `.student` says
    round_: str
    to: str  # empty: what the course says, else `submissions/` here
    skip_tests: bool
    even_if_broken: bool


def hand_in(project: Path, order: Order) -> int:
    """Hand in the package of a repository, after all that waits; return the exit code.

    Raises:
        TitoError: it would be rejected, or cannot be delivered.
    """
    send_early(project)
    to = destination(order.to, project)
    way = road(to, project)
    sources = collect(project)
    commit = way.prepare(sources)
    student = order.student or read_student(project)
    parcel = replace(pack(sources, way, student, order.round_), commit=commit)
    show_package(sources, left_out(project))
    show_broken(broken(sources), even_if_broken=order.even_if_broken)
    if not order.skip_tests:
        say(f"checks   {checks.summary(project)}")
        if parcel.commit:
            still(project, way, parcel)
    return hand_over(project, way, parcel, chosen=bool(to))


def pack(sources: Sequence[Source], way: Road, student: str, round_: str) -> Parcel:
    """Return what is to be handed in."""
    data = bundle(sources, student=student, round_=round_)
    return Parcel(data, way.to, student, round_, digest_of(sources), now())


def still(project: Path, way: Road, parcel: Parcel) -> None:
    """See that the commit is the one whose files were checked."""
    sources = collect(project)
    if way.prepare(sources) != parcel.commit or digest_of(sources) != parcel.digest:
        raise TitoError(
            "the repository changed while the checks ran; nothing was handed in",
            "Hand in again, and wait with edits and commits until it is done.",
        )


def read_student(project: Path) -> str:
    """Return the id in `.student`, or nothing."""
    try:
        return (project / ".student").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def show_package(sources: Sequence[Source], others: Sequence[str]) -> None:
    """List what is handed in, with sizes, and what is not."""
    total = sum(len(source.data) for source in sources) / KIB
    say(f"package  {PACKAGE}/: {len(sources)} files, {total:.1f} KiB")
    for source in sources:
        say(f"  {len(source.data) / KIB:7.1f} KiB  {source.path}")
    for path in others[:NAMED]:
        say(f"left out {path}: only Python files are handed in")
    if len(others) > NAMED:
        say(f"left out {len(others) - NAMED} more files that are not Python")


def show_broken(problems: Sequence[str], *, even_if_broken: bool) -> None:
    """Show syntax errors; stop unless the student wants to go on."""
    for problem in problems:
        say(f"broken   {problem}")
    if problems and not even_if_broken:
        what = "1 file" if len(problems) == 1 else f"{len(problems)} files"
        raise TitoError(
            f"Python cannot read {what}; nothing was handed in",
            "Fix the lines above, or hand in anyway with --even-if-broken.",
        )
