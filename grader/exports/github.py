"""`github-summary`, `github-annotations`: what a step of GitHub Actions shows.

The summary is Markdown in which untrusted text is code or a preformatted block, so that
neither Markdown nor HTML nor what GitHub adds to them sees anything in it. Annotations
are workflow commands: print them where the runner obeys commands, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from grader.exports.lines import (
    Line,
    Part,
    fitted,
    hundredths,
    name_of,
    parts_of,
    told,
    unjudged,
)
from grader.models.outcome import Blocked, NotImplementedYet, Raised
from grader.models.report import GradeReport
from grader.reports.display import markdown_block, markdown_code, workflow_command

# GitHub shows nothing of a summary over 1 MiB; a step may have written before.
MOST_BYTES: Final = 900_000
MOST_OF_A_KIND: Final = 10  # annotations that are shown for a step
TOLD: Final = 600  # characters of each text in an annotation
_WHERE: Final = re.compile(r"([\w./-]{1,200}\.py):(\d{1,6})(?:, in .*)?", re.DOTALL)


def summary(report: GradeReport) -> bytes:
    """Return points by part, and of each the first check that does not hold.

    Raises:
        UsageError: the report is too large even without any text.
    """
    return fitted(partial(_summary, report), MOST_BYTES, "github-summary")


def _summary(report: GradeReport, limit: int) -> bytes:
    parts = parts_of(report)
    verdict = report.verdict
    problem = unjudged(parts)
    total = f"**{_number(hundredths(verdict.earned))} of "
    total += f"{_number(hundredths(verdict.points))} points**"
    head = [
        f"## {markdown_code(verdict.course)}: {markdown_code(verdict.round)}",
        markdown_code(report.student) if report.student else "",
        problem or total,
        "| what | points | of | checks that hold | first to do |\n"
        "|---|--:|--:|--:|---|\n" + "\n".join(map(_row, parts)),
    ]
    blocks = [text for part in parts if (text := _first(part, limit))]
    text = "\n\n".join([*(h for h in head if h), *blocks])
    return f"{text}\n".encode()


def _row(part: Part) -> str:
    earned = _number(part.earned) if part.judged else "?"
    held = sum(line.passed for line in part.lines)
    found = first_wrong(part.lines)
    do = markdown_code(name_of(found)) if found else ""
    cells = (
        *(markdown_code(part.label), earned, _number(part.points)),
        *(f"{held} of {len(part.lines)}", do),
    )
    return f"| {' | '.join(cells)} |"


def _first(part: Part, limit: int) -> str:
    found = first_wrong(part.lines)
    text = told(found, limit) if found else ""
    if not (found and text):
        return ""
    head = f"### {markdown_code(part.label)}\n\n{markdown_code(name_of(found))}"
    return f"{head}\n\n{markdown_block(text)}"


def first_wrong(lines: Sequence[Line]) -> Line | None:
    """Return what to put right first: a mistake, then what is to write, then others."""
    return next(_by_use(lines), None)


def _by_use(lines: Sequence[Line]) -> Iterator[Line]:
    def rank(line: Line) -> int:
        if isinstance(line.outcome, Blocked) or not line.judged:
            return 2
        return int(isinstance(line.outcome, NotImplementedYet))

    yield from sorted((line for line in lines if not line.passed), key=rank)


def commands(report: GradeReport) -> bytes:
    """Return workflow commands: first failures of all parts, then second ones.

    Mistakes are errors, what is not written yet notices, what could not be judged a
    warning. An error that the package raised stands at its line.
    """
    parts = parts_of(report)
    found = [
        (depth, number, _annotation(part, line))
        for number, part in enumerate(parts)
        for depth, line in enumerate(_by_use(part.lines))
        if line.judged and not isinstance(line.outcome, Blocked)
    ]
    found_commands = [command for _depth, _number, command in sorted(found)]
    if problem := unjudged(parts):
        found_commands.append(workflow_command("warning", problem))
    kept: dict[str, list[str]] = {}
    for command in dict.fromkeys(found_commands):
        kind = command.split(" ", 1)[0].split("::")[1]
        kept.setdefault(kind, []).append(command)
    shown = [line for lines in kept.values() for line in lines[:MOST_OF_A_KIND]]
    return "".join(f"{line}\n" for line in shown).encode()


def _annotation(part: Part, line: Line) -> str:
    todo = isinstance(line.outcome, NotImplementedYet)
    place = _place(line)
    return workflow_command(
        "notice" if todo else "error",
        told(line, TOLD),
        title=f"{part.label}: {name_of(line)}",
        **place,
    )


def _place(line: Line) -> dict[str, str]:
    """Return file and line that raised, if the outcome tells them.

    A submission can name its code objects as it likes, so only plain paths count.
    """
    where = line.outcome.where if isinstance(line.outcome, Raised) else ""
    found = _WHERE.fullmatch(where)
    if not found or found[1].startswith("/") or ".." in found[1].split("/"):
        return {}
    return {"file": found[1], "line": found[2]}


def _number(points: int) -> str:
    return f"{points / 100:.2f}".rstrip("0").rstrip(".")
