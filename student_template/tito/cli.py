"""The command line: `tito submit`, `tito module list`, `tito module test 02`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from tito import __version__, checks
from tito.bundle import bundle
from tito.deliver import deliver
from tito.errors import TitoError
from tito.package import KIB, PACKAGE, Source, broken, collect, digest_of, find_project

LOCAL = "submissions"  # where a bundle goes when no SUBMIT_TO is given


@click.group()
@click.version_option(__version__)
def main() -> None:
    """Run the public checks of your tinytorch and hand it in."""


@main.command()
@click.option("--to", envvar="SUBMIT_TO", default="", help="Folder to hand in to.")
@click.option("--student", envvar="STUDENT", default="", help="Your id.")
@click.option("--round", "round_", envvar="ROUND", default="", help="Round, if any.")
@click.option("--skip-tests", is_flag=True, help="Do not run the public checks.")
@click.option("--even-if-broken", is_flag=True, help="Hand in despite syntax errors.")
def submit(
    to: str, student: str, round_: str, *, skip_tests: bool, even_if_broken: bool
) -> None:
    """Check your package, pack it, and hand it in.

    Example: tito submit --student ada --to /courses/tinytorch/inbox
    """
    project = find_project(Path.cwd())
    student = student or read_student(project)
    sources = collect(project)
    data = bundle(sources, student=student, round_=round_)
    show_package(sources)
    show_broken(broken(sources), even_if_broken=even_if_broken)
    if not skip_tests:
        click.echo(f"checks   {checks.summary(project)}")
    folder = inbox(to, project)
    digest = digest_of(sources)
    path, new = deliver(data, folder, student=student, digest=digest)
    click.echo(f"digest   {digest}\nbundle   {path}, {len(data) / KIB:.1f} KiB")
    click.echo(f"next     {next_step(to, new=new)}")


def read_student(project: Path) -> str:
    """Return the id in `.student`, or nothing."""
    try:
        return (project / ".student").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def show_package(sources: Sequence[Source]) -> None:
    """List what is handed in, with sizes."""
    total = sum(len(source.data) for source in sources) / KIB
    click.echo(f"package  {PACKAGE}/: {len(sources)} files, {total:.1f} KiB")
    for source in sources:
        click.echo(f"  {len(source.data) / KIB:7.1f} KiB  {source.path}")


def show_broken(problems: Sequence[str], *, even_if_broken: bool) -> None:
    """Show syntax errors; stop unless the student wants to go on."""
    for problem in problems:
        click.echo(f"broken   {problem}")
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


@main.group()
def module() -> None:
    """List and check modules."""


@module.command(name="list")
def list_() -> None:
    """List the modules that have public checks."""
    for name in checks.modules(find_project(Path.cwd())):
        click.echo(name)


@module.command()
@click.argument("name")
def test(name: str) -> None:
    """Run the public checks of module NAME ("02", "tensor" or "02_tensor")."""
    project = find_project(Path.cwd())
    sys.exit(checks.run(project, "-x", str(checks.choose(project, name))))
