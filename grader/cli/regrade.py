"""`grader regrade`: replace many results as a whole, after a look at the difference."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, get_args

import click

from grader import regrades
from grader.cli import talk
from grader.cli.batch import progress_shown
from grader.cli.options import FOLDER, place_of, store_options
from grader.cli.tables import FORM, shown
from grader.grading import GradeOptions
from grader.models.base import Profile
from grader.regrades import Change
from grader.sandbox.wall import CHOICES


@click.group()
def regrade() -> None:
    """Regrade sets: graded aside, looked at, then applied or cancelled as a whole."""


@regrade.command()
@click.argument("name")
@click.option("--round", "round_name", required=True, help="Round to regrade.")
@click.option("--by", required=True, help="Who asks for it.")
@click.option("--reason", default="", help="Why; stands in the history.")
@click.option("--student", "students", multiple=True, help="Only theirs; repeatable.")
@click.option("--profile", type=click.Choice(get_args(Profile)), default="quick")
@click.option("--only", "modules", multiple=True, help="Only this module; repeatable.")
@click.option("--milestone", "milestones", multiple=True, help="Only this milestone.")
@click.option("--no-milestones", is_flag=True, help="Leave the milestones out.")
@click.option("--data", type=FOLDER, help="Data sets (default: TINYTORCH_DATA).")
@click.option("--sandbox", type=click.Choice(CHOICES), default="auto")
@click.option("--jobs", type=click.IntRange(min=1), help="Workers (default: cores).")
@click.option("--format", "form", type=FORM, default="table")
@store_options
def new(name: str, form: str, **given: Any) -> None:
    """Grade the submissions of a round again, aside, and show what that would change.

    Every attempt whose files are kept is graded; nothing counts until `apply`. An
    interrupted set goes on when the same is said again.

    Example: grader regrade new fix-softmax --round week-1 --by "A. Teacher"
    """
    options = GradeOptions(
        course=given["course"],
        round=given["round_name"],
        profile=given["profile"],
        sandbox=given["sandbox"],
        data=given["data"],
        modules=given["modules"],
        milestones=() if given["no_milestones"] else given["milestones"] or None,
    )
    asked = regrades.Regrade(
        name=name,
        by=given["by"],
        reason=given["reason"],
        students=given["students"],
        jobs=given["jobs"] or len(os.sched_getaffinity(0)),
        grade=options,
    )
    with progress_shown() as progress:
        found = regrades.regrade(place_of(given), asked, progress)
    _tell(found, form)


@regrade.command(name="list")
@click.option("--format", "form", type=FORM, default="table")
@store_options
def list_(form: str, **given: Any) -> None:
    """List all sets and how they ended.

    Example: grader regrade list
    """
    sets = regrades.list_regrades(place_of(given))
    rows = [(s.name, s.state, s.round, s.by, s.reason) for s in sets]
    headers = ("set", "state", "round", "by", "reason")
    click.echo(shown(form, headers, rows, [s.model_dump() for s in sets]))


@regrade.command(name="show")
@click.argument("name")
@click.option("--format", "form", type=FORM, default="table")
@store_options
def show_(name: str, form: str, **given: Any) -> None:
    """Show what the set NAME changes: who, by how much, and why.

    Example: grader regrade show fix-softmax
    """
    _tell(regrades.preview(place_of(given), name), form)


@regrade.command()
@click.argument("name")
@click.option("--by", required=True, help="Who applies it.")
@click.option("--reason", default="", help="Stands in the history.")
@click.option("--partly", is_flag=True, help="Leave out what could not be judged.")
@store_options
def apply(name: str, by: str, reason: str, partly: bool, **given: Any) -> None:
    """Let all results of the set NAME count, at once; old results stay in the history.

    Example: grader regrade apply fix-softmax --by "A. Teacher"
    """
    place = place_of(given)
    done = regrades.apply_regrade(place, name, by=by, reason=reason, partly=partly)
    talk.say(f"applied: {_sum(done)}")


@regrade.command()
@click.argument("name")
@click.option("--by", required=True, help="Who cancels it.")
@click.option("--reason", default="", help="Stands in the history.")
@store_options
def cancel(name: str, by: str, reason: str, **given: Any) -> None:
    """End the set NAME without any effect.

    Example: grader regrade cancel fix-softmax --by "A. Teacher"
    """
    regrades.cancel_regrade(place_of(given), name, by=by, reason=reason)
    talk.say(f"{name}: cancelled, nothing was changed")


def _tell(found: Sequence[Change], form: str) -> None:
    headers = ("student", "before", "after", "change", "checks", "why")
    rows = [
        (
            change.student,
            _points(change.old),
            change.problem or _points(change.new),
            "" if change.by is None else f"{change.by:+.2f}",
            f"+{len(change.won)} -{len(change.lost)}" if change.new else "",
            ", ".join([*change.why, *_moved(change)]),
        )
        for change in found
    ]
    data = [_data(change) for change in found]
    click.echo(shown(form, headers, rows, data))
    talk.say(_sum(found))


def _points(result: Any) -> str:
    if result is None:
        return "-"
    return f"{result.earned:.2f}" if result.judged else "not judged"


def _moved(change: Change) -> list[str]:
    """Name the first checks that changed sides."""
    moved = [f"+{check}" for check in change.won] if change.new else []
    moved += [f"-{check}" for check in change.lost] if change.new else []
    return [*moved[:3], *([f"{len(moved) - 3} more"] if len(moved) > 3 else [])]


def _data(change: Change) -> dict[str, Any]:
    return {
        "student": change.student,
        "submission": change.submission,
        "before": change.old.earned if change.old and change.old.judged else None,
        "after": change.new.earned if change.new and change.new.judged else None,
        "change": change.by,
        "won": change.won if change.new else [],
        "lost": change.lost if change.new else [],
        "why": change.why,
        "problem": change.problem,
        "old_document": change.old_document,
        "new_document": change.new_document,
    }


def _sum(found: Sequence[Change]) -> str:
    counts = regrades.summed(found)
    return ", ".join(f"{count} {name}" for name, count in counts.items())
