"""`tito submit`: check the package, show what is sent, pack it, and hand it in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tito import checks
from tito.bundle import bundle
from tito.deliver import deliver
from tito.errors import TitoError
from tito.package import KIB, PACKAGE, Source, broken, collect, digest_of
from tito.screen import say

LOCAL = "submissions"  # where a bundle goes when no SUBMIT_TO is given


@dataclass(frozen=True)
class Order:
    """What to hand in as whom, and where to."""

    student: str  # empty: what `.student` says
    round_: str
    to: str  # a folder; empty: `submissions/` here
    skip_tests: bool
    even_if_broken: bool


def hand_in(project: Path, order: Order) -> None:
    """Hand in the package of a repository.

    Raises:
        TitoError: it would be rejected, or cannot be delivered.
    """
    student = order.student or read_student(project)
    sources = collect(project)
    data = bundle(sources, student=student, round_=order.round_)
    show_package(sources)
    show_broken(broken(sources), even_if_broken=order.even_if_broken)
    if not order.skip_tests:
        say(f"checks   {checks.summary(project)}")
    folder = inbox(order.to, project)
    digest = digest_of(sources)
    path, new = deliver(data, folder, student=student, digest=digest)
    say(f"digest   {digest}\nbundle   {path}, {len(data) / KIB:.1f} KiB")
    say(f"next     {next_step(order.to, new=new)}")


def read_student(project: Path) -> str:
    """Return the id in `.student`, or nothing."""
    try:
        return (project / ".student").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def show_package(sources: Sequence[Source]) -> None:
    """List what is handed in, with sizes."""
    total = sum(len(source.data) for source in sources) / KIB
    say(f"package  {PACKAGE}/: {len(sources)} files, {total:.1f} KiB")
    for source in sources:
        say(f"  {len(source.data) / KIB:7.1f} KiB  {source.path}")


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


def inbox(to: str, project: Path) -> Path:
    """Return the folder to write to."""
    if "://" in to:
        raise TitoError(
            f"cannot hand in to {to}",
            "This version hands in to a folder: SUBMIT_TO=/path/of/the/inbox.",
        )
    if to:
        return Path(to)
    (project / LOCAL).mkdir(exist_ok=True)
    return project / LOCAL


def next_step(to: str, *, new: bool) -> str:
    """Say what is left to do."""
    if not to:
        return "no SUBMIT_TO was given: upload the file above as your course says"
    if not new:
        return "nothing: exactly this was handed in before"
    return "nothing: it is handed in; hand in again whenever you have more"
