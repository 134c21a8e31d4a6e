"""A reproduced project as a card of plain text, at most 80 columns."""

from __future__ import annotations

import textwrap
from typing import Final

from grader.models.capstone import Metric
from grader.models.outcome import Passed
from grader.models.project import (
    Claim,
    ClaimMissed,
    ClaimNotJudged,
    ClaimReported,
    ClaimReproduced,
    ClaimUnclear,
    Draw,
    Project,
)
from grader.reports import layout, units
from grader.reports.display import one_line, terminal
from grader.reports.words import message

INDENT: Final = 11
WORDS: Final = layout.WIDTH - INDENT  # beside the names of facts


def to_card(project: Project) -> str:
    """Return what was claimed, what was measured, and what it cost."""
    declared = project.capstone
    about = textwrap.fill(one_line(declared.summary, limit=600), layout.WIDTH)
    parts = [
        terminal(declared.title, layout.WIDTH),
        about,
        "\n".join(_fact(*row) for row in _facts(project)),
        _draws(project),
        *(_ended(draw) for draw in project.draws),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def claim_words(claim: Claim, metric: Metric) -> str:
    """Return the verdict on a claim in words."""
    match claim:
        case ClaimReproduced():
            return "reproduced"
        case ClaimUnclear(by=by):
            return f"unclear: {_plain(metric, by)} short, inside of the interval"
        case ClaimMissed(by=by):
            return f"not reproduced: {_plain(metric, by)} short"
        case ClaimReported():
            return "reported by the submission; not measured by us, never ranked"
        case ClaimNotJudged():
            return "not judged"


def _facts(project: Project) -> list[tuple[str, str]]:
    declared, found = project.capstone, project.reproduction
    metric, data = declared.metric, project.data
    rows = [
        ("task", declared.task),
        (
            "data",
            f"{data.title}; {data.train:,} to learn from, {data.held_out:,} held out",
        ),
        ("metric", metric.name + (f" ({metric.unit})" if metric.unit else "")),
        ("claimed", _plain(metric, metric.claimed)),
    ]
    if found is not None:
        low, high = _plain(metric, found.low), _plain(metric, found.high)
        over = f"{found.draws} draws" if found.over == "draws" else "its examples"
        value = _plain(metric, found.value)
        rows.append(("measured", f"{value} ({low} to {high}, 95 % over {over})"))
    rows += [
        ("claim", claim_words(project.claim, metric)),
        ("budget", _budget(project)),
        ("round", project.round),
        ("isolation", project.isolation.tier),
    ]
    return rows


def _fact(name: str, text: str) -> str:
    """Return a name and what it is, on as many lines as that takes."""
    lines = textwrap.wrap(one_line(text, limit=400), WORDS) or [""]
    return f"\n{'':<{INDENT}}".join([f"{name:<{INDENT}}{lines[0]}", *lines[1:]])


def _budget(project: Project) -> str:
    budget = project.capstone.budget
    slower = project.budget_factor
    text = f"{budget.cpu_s:g} s CPU, {units.mebibytes(budget.memory_bytes)} MiB a draw"
    return text if slower < 1.05 else f"{text}; this host is {slower:.1f} times slower"


def _draws(project: Project) -> str:
    metric = project.capstone.metric
    rows = [_row(draw, metric) for draw in project.draws]
    headers = ["draw", metric.name[:20], "CPU s", "MiB", "slices", ""]
    return layout.table(rows, headers, "rrrrrl") if rows else ""


def _row(draw: Draw, metric: Metric) -> list[str]:
    value = draw.metric if metric.measured else draw.reported
    used = draw.usage
    return [
        str(draw.number),
        units.MISSING if value is None else _plain(metric, value),
        units.seconds(used.cpu_s) if used else units.MISSING,
        units.mebibytes(used.peak_rss_bytes) if used else units.MISSING,
        str(len(draw.curve)),
        "" if isinstance(draw.outcome, Passed) else draw.outcome.kind.replace("_", " "),
    ]


def _ended(draw: Draw) -> str:
    """Return what ended a draw, with what the student needs to mend it."""
    if isinstance(draw.outcome, Passed):
        return ""
    said = message(draw.outcome)
    lines = [f"draw {draw.number}: {one_line(said.head)}"]
    lines += [f"  {line.label:<9} {one_line(line.text)}" for line in said.lines]
    return "\n".join(terminal(line, layout.WIDTH) for line in lines)


def _plain(metric: Metric, value: float) -> str:
    return units.metric(metric.name, value)
