"""The overview as plain text of at most 80 columns."""

from __future__ import annotations

import math
from typing import Final

from grader.overview.models import Check, Overview, Part
from grader.overview.words import HOW, counted, name_of, percent, standing
from grader.reports import layout, units
from grader.reports.display import terminal

SHOWN_CHECKS: Final = 10
SHOWN_MISTAKES: Final = 10
SHOWN_STUDENTS: Final = 20


def to_table(made: Overview) -> str:
    """Return tables of modules and milestones, then what fails, then who is stuck."""
    parts = [
        _head(made),
        _modules(made),
        _milestones(made),
        _checks(made),
        _mistakes(made),
        _stuck(made),
        _without(made),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(made: Overview) -> str:
    total = made.total
    judged = f"{total.graded} graded, {total.not_judged} not judged"
    rows = [
        ("course", f"{made.course}, {made.profile} profile"),
        ("round", made.round),
        ("students", f"{made.students}: {judged}, {total.no_result} without a result"),
    ]
    return layout.facts(rows)


def _modules(made: Overview) -> str:
    rows = [_points(part) for part in (*made.modules, made.total)]
    headers = [
        "",
        "module",
        "n",
        "mean",
        "half of them",
        "of",
        "full",
        "none",
        "tenths",
    ]
    legend = (
        "TODO: every check is; tenths: how many tenths of the class earned up to\n"
        "one, two, ... ten tenths of the points (+ fewer than a tenth, * all)"
    )
    return layout.table(rows, headers, "llrrrrrrl") + f"\n{legend}"


def _points(part: Part) -> list[str]:
    lies = part.spread
    return [
        part.number,
        terminal(part.title, 14),
        str(part.graded),
        _short(lies.mean) if lies else units.MISSING,
        f"{_short(lies.lower)} to {_short(lies.upper)}" if lies else units.MISSING,
        units.points(part.points),
        percent(part.full, part.graded) if lies else "",
        percent(part.untouched, part.graded) if lies else "",
        _strip(part),
    ]


def _short(points: float) -> str:
    return f"{points:.1f}".removesuffix(".0")


def _strip(part: Part) -> str:
    """Return one sign a bin: the tenths of the class in it."""
    signs = []
    for count in part.bins:
        tenths = math.floor(10 * count / part.graded) if count else 0
        signs.append(("+" if not tenths else f"{tenths % 10}") if count else ".")
        if tenths == 10:
            signs[-1] = "*"
    return "".join(signs)


def _milestones(made: Overview) -> str:
    rows = [
        [
            part.number,
            terminal(part.title, 24),
            str(part.graded),
            percent(part.reached or 0, part.graded),
            percent(part.untouched, part.graded),
            terminal(units.metric(part.metric_name, part.metric), 10),
            units.MISSING if part.cpu_s is None else units.seconds(part.cpu_s),
        ]
        for part in made.milestones
    ]
    headers = ["", "milestone", "n", "reached", "not run", "metric", "CPU s"]
    table = layout.table(rows, headers, "llrrrrr")
    return f"{table}\nmetric, CPU s: medians of those who ran" if rows else ""


def _checks(made: Overview) -> str:
    shown = [check for check in made.checks if check.mistakes][:SHOWN_CHECKS]
    if not shown:
        return ""
    rows = [_check(check) for check in shown]
    headers = ["", "commonest mistakes in", "share", "wrong", "error", "stop", "holds"]
    more = sum(bool(c.mistakes) for c in made.checks) - len(shown)
    table = layout.table(rows, headers, "llrrrrr")
    text = "holds: checks that are blocked by it, of all students"
    return f"{table}\n{text}" + (f"; {more} more: --format csv" if more else "")


def _check(check: Check) -> list[str]:
    return [
        check.number,
        terminal(check.title, 37),
        percent(check.mistakes, check.students),
        *(str(n) if n else "" for n in (check.wrong, check.raised, check.stopped)),
        str(check.held.checks) if check.held.checks else "",
    ]


def _mistakes(made: Overview) -> str:
    rows = [
        [str(m.students), terminal(m.text, 42), terminal(m.checks[0].id, 28)]
        for m in made.mistakes[:SHOWN_MISTAKES]
    ]
    headers = ["n", "recognised mistake", "most of all in"]
    return layout.table(rows, headers, "rll") if rows else ""


def _stuck(made: Overview) -> str:
    lines = []
    for stuck in made.stuck[:SHOWN_STUDENTS]:
        points = f"{units.points(stuck.earned)} of {units.points(stuck.points)}"
        where = f"{stuck.number} {terminal(stuck.title, 14)} {points}"
        who = terminal(name_of(stuck.who), 26)
        lines.append(terminal(f"{who}: {where}, {standing(stuck)}", layout.WIDTH))
        what = f"{HOW[stuck.how]}: {stuck.check_title}"
        lines.append("    " + terminal(what, layout.WIDTH - 4))
        if stuck.mistake:
            lines.append(
                "    " + terminal(f"this is {stuck.mistake}", layout.WIDTH - 4)
            )
    if not lines:
        return ""
    more = len(made.stuck) - SHOWN_STUDENTS
    lines += [f"  and {more} more: --format csv"] if more > 0 else []
    return "\n".join([f"stuck: {counted(len(made.stuck), 'student')}", *lines])


def _without(made: Overview) -> str:
    if not made.without:
        return ""
    shown = [
        terminal(name_of(w), layout.WIDTH - 2) for w in made.without[:SHOWN_STUDENTS]
    ]
    more = len(made.without) - SHOWN_STUDENTS
    shown += [f"and {more} more: --format csv"] if more > 0 else []
    head = f"without a result: {counted(len(made.without), 'student')}"
    return "\n".join([head, *(f"  {name}" for name in shown)])
