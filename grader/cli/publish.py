"""The leaderboard: `grader publish`, and who wishes to be seen on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from grader import api
from grader.cli import talk
from grader.cli.options import course_option, store_options
from grader.collector import no_cycles
from grader.errors import OutdatedError, UsageError
from grader.reports.display import one_line

if TYPE_CHECKING:
    from grader import publishing
    from grader.publish.destination import Changes

PAGES: Final = "pages"


@click.command()
@click.option(
    "--to",
    "target",
    default="site",
    show_default=True,
    help="Folder of the site, replaced as a whole; or `pages`, a branch.",
)
@click.option("--branch", help="Branch of `--to pages` (default: gh-pages).")
@click.option("--remote", help="Remote of `--to pages` (default: origin).")
@click.option("--check", is_flag=True, help="Only say whether it is up to date.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--minimum-group", type=click.IntRange(min=1), help="Fewest public rows.")
@store_options
@no_cycles()  # one search for all, and the process ends before it
def publish(
    target: str, *, check: bool, dry_run: bool, minimum_group: int | None, **given: Any
) -> None:
    """Build the leaderboard from the results in the store, and put it in its place.

    Students are hidden until `grader visibility STUDENT alias` says otherwise, and
    every file is searched for what must not be public before anything is changed.

    With `--to pages` the site becomes the only commit of a branch of the course's
    repository, without a history: what is withdrawn is gone from it.

    Example: grader publish --to site
    """
    from grader import publishing  # noqa: PLC0415 -- not for the sake of help

    if check and dry_run:
        raise UsageError("`--check` and `--dry-run` say the same; use one of them")
    where = _pages(target, given["branch"], given["remote"])
    source = publishing.Source(
        given["course"], given["store"], given["store_url"], minimum_group
    )
    site = publishing.prepare(source)
    for one in site.unchecked:
        talk.say(f"not looked for: {one.strings} x {one.kind}; {one.why}")
    look = check or dry_run
    if where is None:
        found = publishing.to_folder(site, Path(target), dry=look)
        result = str(Path(target) / "index.html")
    else:
        sent = publishing.to_pages(site, where, dry=look)
        found, result = sent.changes, sent.commit
    if look:
        _tell(found, check=check)
        return
    talk.say(f"published: {found.summary()}" if any(found) else "unchanged")
    click.echo(result)


def _tell(found: Changes, *, check: bool) -> None:
    """Say what differs, a line a file.

    Raises:
        OutdatedError: something does, and it is checked.
    """
    for line in found.lines():
        click.echo(one_line(line))
    if check and any(found):
        msg = f"what is published is not what the store says: {found.summary()}"
        raise OutdatedError(msg, hint="Publish again, without `--check`.")
    talk.say(found.summary() if any(found) else "up to date")


def _pages(
    target: str, branch: str | None, remote: str | None
) -> publishing.Pages | None:
    """Return the branch that is meant; None: a folder.

    Raises:
        UsageError: a folder has no branch and no remote.
    """
    from grader import publishing  # noqa: PLC0415 -- not for the sake of help

    usual = publishing.Pages()
    if target == PAGES:
        return publishing.Pages(remote or usual.remote, branch or usual.branch)
    if branch or remote:
        msg = f"`{'--branch' if branch else '--remote'}` goes with `--to pages` alone"
        raise UsageError(msg, hint="A folder has none.")
    return None


@click.command(name="visibility")
@click.argument("student")
@click.argument("visibility", type=click.Choice(["hidden", "alias", "named"]))
@click.option("--by", required=True, help="Who recorded the student's wish.")
@click.option("--name", default="", help="The name to show, where it is 'named'.")
@course_option
def set_visibility(
    student: str, visibility: Any, by: str, name: str, course: Path | None
) -> None:
    """Record how STUDENT wishes to appear on the board: hidden, alias or named.

    Example: grader visibility ada@example.edu alias --by "A. Teacher"
    """
    from grader import publishing  # noqa: PLC0415 -- not for the sake of help

    store = api.open_store(course=course)
    store.set_visibility(student, visibility, by=by, name=name)
    talk.say(f"{student}: {visibility} from the next `grader publish` on")
    if visibility == "alias":
        alias = publishing.alias_of(publishing.Source(course), student)
        talk.say(f"the alias is {alias!r}; tell it to nobody but {student}")
