"""`grader compete`: measure entries of the competition, record them, decide duels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

import click
from tabulate import tabulate

from grader import competing
from grader.cli import talk
from grader.cli.options import course_option, place_of, store_options
from grader.competing import CompeteOptions, Measured, Value
from grader.errors import INTERRUPTED, InconclusiveError
from grader.models.outcome import Passed
from grader.reports.display import terminal
from grader.reports.words import message
from grader.sandbox.wall import CHOICES
from grader.store import Store

F = TypeVar("F", bound=Callable[..., Any])
QUICK: Final = 2  # launches and pairs of a look that is never stored
EVENTS: Final = ("latency", "training", "memory", "generation")
WIDTH: Final = 100
HEADERS: Final = (
    *("event", "workload", "speed-up", "95 %", "memory", "canary", "batch"),
    *("gates", "state"),
)


@click.group()
def compete() -> None:
    """Measure entries of TinyMLPerf against the reference."""


def _measuring(command: F) -> F:
    """Add what all measuring commands take."""
    for option in (
        click.option(
            "--event",
            "events",
            multiple=True,
            type=click.Choice(EVENTS),
            help="What to measure; repeatable (default: all).",
        ),
        click.option(
            "--workload", "workloads", multiple=True, help="Only this; repeatable."
        ),
        click.option(
            "--division",
            type=click.Choice(("closed", "open")),
            default="closed",
            show_default=True,
            help="Open: with the submission's own model and training script.",
        ),
        click.option(
            "--sandbox",
            type=click.Choice(CHOICES),
            default="auto",
            help="docker: a container for each session, ranked apart.",
        ),
        click.option(
            "--format",
            "form",
            type=click.Choice(["table", "json"]),
            default="table",
        ),
    ):
        command = option(command)
    return command


@compete.command()
@click.argument("submission")
@click.option(
    "--quick", is_flag=True, help="A first look: 2 launches of 2 pairs, no requeue."
)
@_measuring
@course_option
@click.pass_context
def run(ctx: click.Context, /, submission: str, *, quick: bool, **given: Any) -> None:
    """Measure SUBMISSION against the reference; nothing is stored.

    Example: grader compete run student_template --event latency --quick
    """
    options = _options(given, quick=quick)
    found = competing.run(submission, options, talk.progress())
    if quick:
        talk.say("a quick look: no basis for a rank or a record")
    ctx.exit(_shown(found, given["form"]))


@compete.command()
@click.argument("submission")
@click.option("--student", default="", help="Whose entry it is, if no bundle says so.")
@click.option("--all", "every", is_flag=True, help="All events.")
@_measuring
@store_options
@click.pass_context
def record(
    ctx: click.Context, /, submission: str, student: str, *, every: bool, **given: Any
) -> None:
    """Measure SUBMISSION and keep every session in the store, void ones too.

    How often is fixed. What is interrupted is not kept.

    Example: grader compete record hand_in.zip --student ada@example.edu --all
    """
    if every == bool(given["events"]):
        raise click.UsageError("name events, or take --all")
    keep = competing.Keep(partial(_store, given), student)
    found = competing.record(submission, keep, _options(given), talk.progress())
    ctx.exit(_shown(found, given["form"]))


@compete.command(name="head-to-head")
@click.argument("challenger")
@click.argument("holder")
@click.option("--student", default="", help="Store it: who challenges.")
@click.option("--holder", "whose", default="", help="Store it: who holds the record.")
@_measuring
@store_options
@click.pass_context
def head_to_head(
    ctx: click.Context, /, challenger: str, holder: str, **given: Any
) -> None:
    """Measure CHALLENGER against HOLDER, pair by pair, and say who is faster.

    Both are submissions. A record needs a win beyond doubt; it is kept in the store
    where both people are named.

    Example: grader compete head-to-head ada.zip grace.zip --event latency
    """
    student, whose = given.pop("student"), given.pop("whose")
    keep = None
    if student or whose:
        keep = competing.Keep(partial(_store, given), student, whose)
    found = competing.head_to_head(
        challenger, holder, _options(given), keep, talk.progress()
    )
    ctx.exit(_shown(found, given["form"]))


def _store(given: dict[str, Any]) -> Store:
    place = place_of(given)
    return Store.open(place.path, url=place.url)


def _options(given: dict[str, Any], *, quick: bool = False) -> CompeteOptions:
    taken = ("course", "events", "workloads", "sandbox", "division")
    options = {k: given[k] for k in taken}
    if quick:
        return CompeteOptions(**options, launches=QUICK, pairs=QUICK, requeues=0)
    return CompeteOptions(**options)


def _shown(found: Iterable[Measured], form: str) -> int:
    """Print the result; return the exit code."""
    measured = list(found)
    if form == "json":
        click.echo(json.dumps([m.model_dump(mode="json") for m in measured]))
    else:
        click.echo("\n".join(_table(measured)))
    if any(competing.was_interrupted(m.last) for m in measured):
        talk.say("interrupted; what was measured in full is kept")
        return INTERRUPTED
    if any(not isinstance(m.last.outcome, Passed) for m in measured):
        return 1
    if any(m.last.voids for m in measured):
        talk.say("void: our side; measure again, on a quieter machine if it stays so")
        return InconclusiveError.exit_code
    return 0


def _table(measured: list[Measured]) -> Iterator[str]:
    last = measured[-1].last
    place = f"{last.conditions.host_class}, {last.conditions.isolation.tier}"
    pairs = "1 pair" if last.plan.pairs == 1 else f"{last.plan.pairs} pairs"
    plan = f"{last.plan.launches} launches of {pairs}"
    yield f"TinyMLPerf, {last.division} division: {plan}, on {terminal(place, 80)}"
    yield ""
    yield tabulate(
        [_row(m) for m in measured], HEADERS, tablefmt="simple", disable_numparse=True
    )
    for one in measured:
        yield from _told(one)


def _row(one: Measured) -> tuple[str, ...]:
    last, value = one.last, one.speed
    gates = {gate.state for gate in one.gates}
    return (
        one.event,
        one.workload,
        _number(value),
        f"{value.low:.3f} to {value.high:.3f}" if value else "",
        _number(one.memory),
        "" if one.canary_offset is None else f"{one.canary_offset:+.2%}",
        "" if one.event == "memory" else f"{last.plan.batch_size}",
        "" if not gates else "failed" if "failed" in gates else min(gates),
        _state(one),
    )


def _number(value: Value | None) -> str:
    return f"{value.value:.3f}" if value else ""


def _state(one: Measured) -> str:
    last = one.last
    if not isinstance(last.outcome, Passed):
        return "failed"
    if last.voids:
        return "unstable" if len(one.sessions) > 1 else "void"
    if one.wins is not None:
        return "wins" if one.wins else "no win beyond doubt"
    return "counts"


def _told(one: Measured) -> Iterator[str]:
    """Yield what a table has no room for."""
    name = f"{one.event} {one.workload}"
    for session in one.sessions:
        for void in session.voids:
            why = f"{void.reason}: {void.detail}" if void.detail else void.reason
            yield terminal(f"{name}, attempt {session.attempt} is void: {why}", WIDTH)
    if not isinstance(one.last.outcome, Passed):
        said = message(one.last.outcome)
        yield terminal(f"{name}: {said.head}", WIDTH)
        for line in said.lines:
            yield f"  {line.label:<10}{terminal(line.text, WIDTH)}"
    for gate in one.gates:
        if gate.state != "passed":
            yield terminal(f"{name}: {gate.name} {gate.state}: {gate.detail}", WIDTH)
    for note in one.notes:
        yield terminal(f"{name}: {note}", WIDTH)
    for document in one.documents:
        yield f"{name}: {document}"
