"""Commands to hand in and to follow what was handed in: parse, call, exit."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tito.follow import status as tell_status
from tito.hand_in import Order, hand_in
from tito.login import login as log_in
from tito.package import find_project
from tito.screen import say
from tito.send import send_all
from tito.waiting import everything

HOUR_S = 3600.0
TO = click.option(
    "--to",
    envvar="SUBMIT_TO",
    default="",
    metavar="PLACE",
    help="https://..., git, git:REMOTE, or a folder; else as the course says.",
)


@click.command()
@TO
@click.option("--student", envvar="STUDENT", default="", help="Your id.")
@click.option("--round", "round_", envvar="ROUND", default="", help="Round, if any.")
@click.option("--skip-tests", is_flag=True, help="Do not run the public checks.")
@click.option("--even-if-broken", is_flag=True, help="Hand in despite syntax errors.")
@click.option("--queued", is_flag=True, help="Only hand in what is kept from before.")
def submit(  # noqa: PLR0913 -- one for each option
    to: str,
    student: str,
    round_: str,
    *,
    skip_tests: bool,
    even_if_broken: bool,
    queued: bool,
) -> None:
    """Check your package, pack it, and hand it in.

    It asks nothing. What was kept from before is handed in first, oldest first. When
    the place cannot be reached, the bundle is kept in .tinytorch/queue; what counts is
    when it arrives, so hand in again as soon as you can. The same again is noticed.

    Exit codes: 0 handed in, 1 not handed in and something has to be put right, 3 kept
    and not handed in yet.

    Example: tito submit --student ada --to /courses/tinytorch/inbox
    """
    project = find_project(Path.cwd())
    if queued:
        sys.exit(_only_kept(project, to))
    order = Order(student, round_, to, skip_tests, even_if_broken)
    sys.exit(hand_in(project, order))


def _only_kept(project: Path, to: str) -> int:
    chosen = click.get_current_context().get_parameter_source("to")
    given = to if chosen is click.core.ParameterSource.COMMANDLINE else ""
    if not any(everything(project)):
        say("nothing is kept here; all that was packed was handed in")
        return 0
    return send_all(project, to=given)


@click.command()
@TO
def login(to: str) -> None:
    """Store the token that your course gave you, for its service.

    It is asked for without being shown, or read from standard input; then it is tried.
    It lies in .tinytorch/token, readable by you alone, and git leaves it out. In CI,
    set TINYTORCH_TOKEN instead.

    Example: tito login < token.txt
    """
    log_in(find_project(Path.cwd()), to)


@click.command()
@click.argument("id_", metavar="[ID]", default="")
@click.option("--wait", is_flag=True, help="Until it is graded.")
@click.option(
    "--limit",
    "limit_s",
    type=click.FloatRange(min=0),
    default=HOUR_S,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait at most.",
)
def status(id_: str, *, wait: bool, limit_s: float) -> None:
    """Say where what you handed in is: the latest, or the one named.

    Without a connection it says what the receipt in .tinytorch/receipts says.

    Exit codes: 0 graded, 1 rejected or something has to be put right, 4 not graded yet.

    Example: tito status --wait
    """
    sys.exit(tell_status(find_project(Path.cwd()), id_, wait=wait, limit_s=limit_s))
