"""`grader serve`: the intake service."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, get_args

import click

from grader import api
from grader.cli import talk
from grader.cli.options import FOLDER, course_option
from grader.config import find_home
from grader.errors import ConfigError
from grader.models.base import Profile
from grader.rounds import load_round
from grader.sandbox.wall import CHOICES

EXTRA: Final = 'pip install -e ".[server]"'


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Listen here.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="0: any that is free.",
)
@click.option(
    "--round", "round_name", default="", help="Where work goes that names none."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Workers (default: cores).")
@click.option("--executor", type=click.Choice(["local", "docker"]), default="local")
@click.option("--sandbox", type=click.Choice(CHOICES), default="auto")
@click.option("--profile", type=click.Choice(get_args(Profile)), default="quick")
@click.option("--only", "modules", multiple=True, help="Only this module; repeatable.")
@click.option("--milestone", "milestones", multiple=True, help="Only this milestone.")
@click.option("--no-milestones", is_flag=True, help="Leave the milestones out.")
@click.option("--data", type=FOLDER, help="Data sets (default: TINYTORCH_DATA).")
@click.option("--store", type=FOLDER, help="Result store (default: .grader/store).")
@click.option(
    "--store-url", "--url", "url", default="", help="SQLAlchemy address of its tables."
)
@click.option("--board", type=FOLDER, help="Publish the leaderboard here and serve it.")
@click.option(
    "--per-hour",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Submissions of one student that are taken in an hour.",
)
@click.option(
    "--behind-proxy",
    default="",
    metavar="ADDRESSES",
    help="Believe X-Forwarded-* of these, comma-separated.",
)
@click.option("--root-path", default="", help="Where the proxy has it: /grader.")
@click.option(
    "--site",
    default="",
    help="Address that students use; mails with links need it, and GRADER_SMTP.",
)
@course_option
def serve(**given: Any) -> None:
    """Take submissions in over HTTP, grade them, and tell how they stand.

    Everything lasts in the store: stopped or killed, the service goes on where it was.

    Example: grader serve --round week-1 --board site
    """
    try:
        from grader.service import (  # noqa: PLC0415 -- of an extra
            Settings,
            mail,
            server,
        )
    except ModuleNotFoundError as exc:
        msg = f"the service needs the package {exc.name}"
        raise ConfigError(msg, hint=EXTRA) from exc
    listen = server.Listen(given["host"], given["port"], given["behind_proxy"])
    if not listen.loopback and not listen.proxies:
        talk.say("anybody between here and the students can read their tokens: put a")
        talk.say("proxy with TLS before it, see docs/how-to/service.md")
    given["post"] = mail.Post.of(os.environ)
    if given["post"] and not given["site"]:
        msg = "mails with links need the address of this service"
        raise ConfigError(msg, hint="`--site` https://grader.example.org")
    server.serve(_settings(given, listen, Settings), listen, _ready)


def _ready(address: str) -> None:
    click.echo(address)
    talk.say("takes submissions in; Ctrl-C ends it")


def _settings(given: dict[str, Any], listen: Any, settings: Any) -> Any:
    home = find_home(given["course"])
    state = api.state_folder(home)
    round_ = load_round(state, given["round_name"]).name
    grade = api.GradeOptions(
        course=given["course"],
        round=round_,
        profile=given["profile"],
        sandbox="docker" if given["executor"] == "docker" else given["sandbox"],
        data=given["data"],
        modules=given["modules"],
        milestones=() if given["no_milestones"] else given["milestones"] or None,
    )
    store: Path = given["store"] or state / "store"
    return settings(
        grade=grade,
        round=round_,
        store=store,
        url=given["url"],
        jobs=given["jobs"] or api.cores(),
        board=given["board"],
        per_hour=given["per_hour"],
        secure=not listen.loopback or bool(listen.proxies),
        root_path=given["root_path"].rstrip("/"),
        address=given["site"],
        post=given["post"],
    )
