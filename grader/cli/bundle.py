"""`grader bundle`: the same grading inside other products' containers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from grader.bundles.contents import Asked
from grader.bundles.products import HANDIN, IMAGE, Made, bundle
from grader.bundles.settings import Product
from grader.cli import talk
from grader.cli.options import FOLDER, course_option
from grader.grading import GradeOptions
from grader.models.base import Profile

F = TypeVar("F", bound=Callable[..., Any])
OUT: Final = click.Path(path_type=Path)
COMMON: Final = (
    click.option("--round", "round_name", default="", help="Default: the only one."),
    click.option("--profile", type=click.Choice(get_args(Profile)), default="quick"),
    click.option(
        "--module", "modules", multiple=True, help="Only this module; repeatable."
    ),
    click.option("--milestone", "milestones", multiple=True, help="Only this one."),
    click.option("--no-milestones", is_flag=True, help="Leave the milestones out."),
)


def _common(timeout_s: float) -> Callable[[F], F]:
    """Add what all bundles are asked for; `timeout_s` is the product's default."""

    def add(command: F) -> F:
        timeout = click.option(
            "--timeout-s",
            type=float,
            default=timeout_s,
            show_default=True,
            help="Wall time that the product gives one grading.",
        )
        for option in reversed((*COMMON, timeout, course_option)):
            command = option(command)
        return command

    return add


WHEELS: Final = click.option(
    "--wheels", type=FOLDER, help="Put these wheels in; else the image downloads them."
)


@click.group(name="bundle")
def bundle_group() -> None:
    """Grade inside Gradescope, PrairieLearn or Autolab."""


@bundle_group.command()
@click.argument("out", type=OUT)
@WHEELS
@_common(600)
def gradescope(out: Path, wheels: Path | None, **given: Any) -> None:
    """Write OUT, a zip to upload as the autograder of a Gradescope assignment.

    Example: grader bundle gradescope autograder.zip --round week-1 --module tensor
    """
    _tell(bundle(_asked("gradescope", given, wheels), out))


@bundle_group.command()
@click.argument("out", type=OUT)
@click.option(
    "--image", default=IMAGE, show_default=True, help="Where it is pushed to."
)
@_common(600)
def prairielearn(out: Path, image: str, **given: Any) -> None:
    """Write OUT, a folder with a PrairieLearn question and the image that grades it.

    Example: grader bundle prairielearn week-1-question --round week-1 --module tensor
    """
    _tell(bundle(_asked("prairielearn", given), out, image=image))


@bundle_group.command()
@click.argument("out", type=OUT)
@click.option("--handin", default=HANDIN, show_default=True, help="Name of a hand-in.")
@WHEELS
@_common(900)
def autolab(out: Path, handin: str, wheels: Path | None, **given: Any) -> None:
    """Write OUT, a folder with the files of an Autolab lab and its autograding image.

    Example: grader bundle autolab week-1-lab --round week-1 --module tensor
    """
    _tell(bundle(_asked("autolab", given, wheels), out, handin=handin))


def _asked(
    product: Product, given: dict[str, Any], wheels: Path | None = None
) -> Asked:
    milestones = () if given["no_milestones"] else given["milestones"] or None
    options = GradeOptions(
        course=given["course"],
        round=given["round_name"],
        profile=given["profile"],
        modules=given["modules"],
        milestones=milestones,
    )
    return Asked(product, options, given["timeout_s"], wheels)


def _tell(made: Made) -> None:
    settings = made.settings
    talk.say(
        f"{settings.round}, {settings.profile} profile, {made.size / 1e6:.1f} MB; "
        f"a grading that takes {settings.deadline_s:.0f} s ends without a score"
    )
    talk.say("it holds hidden suites, reference and this round's secret: staff only")
    click.echo(made.path)
