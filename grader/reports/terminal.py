"""A report as plain text of at most 80 columns; no colour needed or used."""

from __future__ import annotations

import textwrap
from typing import Final

from grader.models.report import CheckResult, GradeReport, ModuleResult
from grader.reports import layout, summary, units
from grader.reports.display import columns, one_line, terminal
from grader.reports.words import LABELS, PACK, STATES, Message, State, message, state

BAR: Final = 12
LINES: Final = 6  # of one failure
NOTES: Final = 20
_MARKS: Final[dict[State, str]] = {
    "passed": "=",
    "failed": "x",
    "blocked": "-",
    "todo": ".",
    "unjudged": "?",
}
_HEADS: Final[dict[State, str]] = {**LABELS, "unjudged": "?"}  # the legend explains it


def to_table(report: GradeReport) -> str:
    """Return the whole report: tables first, then what to do, then the total."""
    parts = [
        _head(report),
        _modules(report),
        _milestones(report),
        _failures(report),
        _blocked(report),
        _unjudged(report),
        _todos(report),
        _notes(report),
        _total(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: GradeReport) -> str:
    verdict, measured = report.verdict, report.measurements
    tier = measured.isolation.tier
    wall = "none (the code was trusted)" if tier == "none" else tier
    rows = [
        ("graded", report.label),
        ("course", f"{verdict.course}, {verdict.profile} profile"),
        ("round", f"{verdict.round} ({verdict.round_kind})"),
        ("isolation", wall),
        ("engine", verdict.engine),
    ]
    if measured.pack:
        rows += [("answers", PACK), ("pack", measured.pack.removeprefix("sha256:"))]
    return layout.facts(rows)


def _modules(report: GradeReport) -> str:
    modules = report.verdict.modules
    tallies = [summary.counts(module.checks) for module in modules]
    shown = [s for s in STATES if any(tally[s] for tally in tallies)]
    # number, points, bar and the gaps between them take up to 31 columns
    room = layout.WIDTH - 31 - sum(len(_HEADS[s]) + 2 for s in shown)
    rows = [
        [
            module.number,
            terminal(module.title, max(6, min(24, room))),
            _of(units.points(module.earned), units.points(module.points)),
            _bar(tally),
            *(str(tally[s]) if tally[s] else "" for s in shown),
        ]
        for module, tally in zip(modules, tallies, strict=True)
    ]
    headers = ["", "module", "points", "checks", *(_HEADS[s] for s in shown)]
    legend = "  ".join(f"{_MARKS[s]} {LABELS[s]}" for s in shown)
    table = layout.table(rows, headers, "llrl" + "r" * len(shown))
    return f"{table}\n{legend}" if rows else ""


def _bar(tally: dict[State, int]) -> str:
    """Return `BAR` marks in proportion to `tally`; none above zero vanishes."""
    total = sum(tally.values())
    present = [s for s in STATES if tally[s]]
    lengths = {s: max(1, tally[s] * BAR // total) for s in present}
    while present and sum(lengths.values()) != BAR:
        short = sum(lengths.values()) < BAR
        gaps = {s: tally[s] * BAR / total - lengths[s] for s in present}
        free = present if short else [s for s in present if lengths[s] > 1]
        chosen = max(free, key=lambda s: gaps[s] if short else -gaps[s])
        lengths[chosen] += 1 if short else -1
    return "".join(_MARKS[s] * lengths[s] for s in present)


def _milestones(report: GradeReport) -> str:
    rows = []
    for result, cost in summary.milestones(report):
        cpu = memory = units.MISSING
        if cost is not None:
            used, limit = cost.usage, cost.memory_limit_bytes
            cpu = _of(units.seconds(used.cpu_s), units.points(cost.cpu_limit_s))
            peak = units.mebibytes(used.peak_rss_bytes)
            memory = _of(peak, units.mebibytes(limit))
        rows.append(
            [
                result.number,
                terminal(result.title, 14),
                _of(units.points(result.earned), units.points(result.points)),
                terminal(units.metric(result.metric_name, result.metric), 8),
                terminal(units.metric(result.metric_name, result.target), 8),
                cpu,
                memory,
                _reached(state(result.outcome)),
            ]
        )
    headers = ["", "milestone", "points", "got", "target", "CPU s", "MiB", ""]
    return layout.table(rows, headers, "llrrrrrl") if rows else ""


def _reached(found: State) -> str:
    return "reached" if found == "passed" else LABELS[found]


def _failures(report: GradeReport) -> str:
    told = [line for m in report.verdict.modules for line in _failed(m)]
    told += [
        _told(f"milestone {m.number} {m.title}", message(m.outcome))
        for m in report.verdict.milestones
        if state(m.outcome) == "failed"
    ]
    return "\n\n".join(told)


def _failed(module: ModuleResult) -> list[str]:
    """Return a module's failures; the same cause is told once."""
    alike: dict[Message, list[str]] = {}
    for check in summary.in_state(module, "failed"):
        alike.setdefault(message(check.outcome), []).append(check.title)
    told = []
    for what, titles in alike.items():
        more = len(titles) - 1
        title = f"{titles[0]} (and {_count(more, 'check')} more)" if more else titles[0]
        told.append(_told(f"{module.number} {title}", what))
    return told


def _told(title: str, what: Message) -> str:
    """Return one failure in at most six lines; a long hint takes what is left."""
    lines = [terminal(f"FAILED {title}", layout.WIDTH)]
    if what.head:
        lines.append("  " + terminal(what.head, layout.WIDTH - 2))
    for label, text in what.lines:
        room = LINES - len(lines) if label == "hint" else 1
        first, *rest = _wrapped(text, layout.WIDTH - 14, room)
        lines.append(f"    {label:<9} {first}")
        lines += [" " * 14 + line for line in rest]
    return "\n".join(lines[:LINES])


def _wrapped(text: str, width: int, room: int) -> list[str]:
    line = one_line(text, limit=4 * width)
    if room <= 1 or columns(line) != len(
        line
    ):  # textwrap does not know wide characters
        return [terminal(text, width)]
    return textwrap.wrap(line, width, max_lines=room, placeholder=" ...") or [""]


def _blocked(report: GradeReport) -> str:
    return "\n".join(
        terminal(f"blocked by {by}: {_count(n, 'check')}", layout.WIDTH)
        for by, n in summary.blocked(report)
    )


def _unjudged(report: GradeReport) -> str:
    waiting: list[CheckResult] = []
    for module in report.verdict.modules:
        waiting += summary.in_state(module, "unjudged")
    if not waiting:
        return ""
    text = (
        f"{_count(len(waiting), 'check')} could not be judged (our side); "
        "nothing to do, it will be re-run."
    )
    return textwrap.fill(text, layout.WIDTH)


def _todos(report: GradeReport) -> str:
    return "\n".join(
        _todo_line(module) for module in report.verdict.modules if summary.todo(module)
    )


def _todo_line(module: ModuleResult) -> str:
    found = summary.todo(module)
    if found is None:
        return ""
    next_task = one_line(found.message).removeprefix("TODO ")
    return terminal(
        f"TODO {module.number} {module.title}: {found.left} left to write; "
        f"next: {next_task}",
        layout.WIDTH,
    )


def _notes(report: GradeReport) -> str:
    notes = report.verdict.notes
    lines = [terminal(f"note: {note}", layout.WIDTH) for note in notes[:NOTES]]
    if len(notes) > NOTES:
        lines.append(f"note: and {len(notes) - NOTES} more")
    return "\n".join(lines)


def _total(report: GradeReport) -> str:
    verdict = report.verdict
    total = f"{units.points(verdict.earned)} of {units.points(verdict.points)} points"
    if not verdict.points:
        return f"total      {total}"
    return f"total      {total} ({100 * verdict.earned / verdict.points:.1f} %)"


def _of(used: str, limit: str) -> str:
    return f"{used} / {limit}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
