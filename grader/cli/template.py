"""`grader template`: the students' repository, and how it gets new modules."""

from __future__ import annotations

from pathlib import Path

import click

from grader.cli import talk
from grader.cli.options import FOLDER, course_option
from grader.config import Home, find_home, load_course
from grader.models.course import Course
from grader.reports.display import one_line
from grader.template import (
    Action,
    Step,
    build,
    dates_of,
    due_dates,
    release,
    submit_of,
    submit_place,
    update,
    upto_of,
)

UPTO = click.option("--upto", default="", help="Last module, by number or name.")
WORDS = {
    "add": "new",
    "replace": "updated",
    "patch": "you changed it; the difference lies beside it",
    "deleted": "was deleted here, and stays so",
    "retired": "no longer part of the course; left as it is",
}


DUE = click.option(
    "--due",
    multiple=True,
    metavar="NAME=DAY",
    help="When a module or milestone is due; students see it. May be repeated.",
)


SUBMIT = click.option(
    "--submit",
    default="",
    metavar="PLACE",
    help="Where students hand in: https://..., git, git:REMOTE, a folder, or none.",
)


@click.group()
def template() -> None:
    """The students' repository: stubs, public tests, milestones, tito."""


@template.command(name="build")
@click.argument("target", type=FOLDER)
@UPTO
@DUE
@SUBMIT
@click.option("--git", is_flag=True, help="Make it a git repository with one commit.")
@course_option
def build_(  # noqa: PLR0913 -- one for each option
    target: Path,
    upto: str,
    *,
    due: tuple[str, ...],
    submit: str,
    git: bool,
    course: Path | None,
) -> None:
    """Write the students' repository into the new folder TARGET.

    It holds nothing of the solution. Push it as the template of your assignment, or
    give it out as an archive.

    Example: grader template build tinytorch-student --upto 06
    """
    home, loaded = _course(course)
    made = release(home, loaded, upto, due_dates(due, loaded), submit_place(submit))
    build(made, target, git=git)
    talk.say(f"{len(made.files)} files, modules up to {made.upto}")
    click.echo(target)


@template.command(name="update")
@click.argument("repositories", type=FOLDER, nargs=-1, required=True)
@UPTO
@DUE
@SUBMIT
@click.option("--dry-run", is_flag=True, help="Say what would happen.")
@course_option
def update_(  # noqa: PLR0913 -- one for each option
    repositories: tuple[Path, ...],
    upto: str,
    *,
    due: tuple[str, ...],
    submit: str,
    dry_run: bool,
    course: Path | None,
) -> None:
    """Bring students' REPOSITORIES to the course as it is now.

    Files that the student has not changed are replaced, new ones are added. A file that
    they have changed is left alone, and what is new in it lies beside it as
    FILE.patch, for `git apply`. Without --upto a repository gets no further modules;
    due dates and the place to hand in stay where --due and --submit name no other.

    Example: grader template update repos/ada repos/grace --upto 08
    """
    home, loaded = _course(course)
    named = due_dates(due, loaded)
    for repository in repositories:
        dates = dates_of(repository, loaded) | named
        place = submit_place(submit) if submit else submit_of(repository)
        made = release(home, loaded, upto or upto_of(repository), dates, place)
        steps = update(made, repository, dry=dry_run)
        click.echo(f"{one_line(str(repository))}: {_sum(steps)}")
        for step in steps:
            if step.action not in {"same", "add", "replace"}:
                where = f" ({one_line(step.path)})" if step.about else ""
                name = one_line(step.about or step.path)
                click.echo(f"  {name}: {WORDS[step.action]}{where}")


def _course(folder: Path | None) -> tuple[Home, Course]:
    home = find_home(folder)
    return home, load_course(home.course_file)


def _sum(steps: list[Step]) -> str:
    actions = [step.action for step in steps]
    words: dict[Action, str] = {
        "add": "new",
        "replace": "updated",
        "patch": "to merge",
        "same": "as before",
    }
    counts = {word: actions.count(action) for action, word in words.items()}
    return ", ".join(f"{n} {word}" for word, n in counts.items() if n) or "nothing"
