"""A comparison as one HTML file: the table, and passages side by side.

As in `grader.reports.html`: no script, no request, every text cleaned and escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Final, NamedTuple

from jinja2 import PackageLoader
from markupsafe import Markup

from grader.reports.display import one_line, safe_text
from grader.reports.html import environment, policy, style_sheet
from grader.similarity.compare import Compared
from grader.similarity.models import FilePair, Passage, StudentPair

SHOWN_PAIRS: Final = 20  # of students, with their passages; the table has them all
SHOWN_FILES: Final = 8  # of a pair of students
SHOWN_PASSAGES: Final = 3  # of a pair of files
SHOWN_NOTES: Final = 200
MOST_LINES: Final = 50  # of a passage
MOST_COLUMNS: Final = 200
CONTEXT: Final = 2  # lines around a passage


class LineView(NamedTuple):
    """One line; `around` is context, not part of the passage."""

    number: int
    text: str
    around: bool


class Side(NamedTuple):
    """A passage in one of the two files."""

    caption: str
    lines: tuple[LineView, ...]
    left_out: int


class FileView(NamedTuple):
    """Two files beside each other."""

    name: str
    found: FilePair
    a_in_b: str
    b_in_a: str
    passages: tuple[tuple[int, Side, Side], ...]
    left_out: int


class PairView(NamedTuple):
    """Two students; `shown` where their passages are on the page."""

    anchor: str
    a: str
    b: str
    files: tuple[FileView, ...]
    shown: bool


def to_html(compared: Compared) -> str:
    """Return the page of a comparison, for staff only."""
    own = (files("grader.similarity") / "templates" / "compare.css").read_text("utf-8")
    css = style_sheet("base.css") + Markup(own)  # noqa: S704 -- ships with the package
    jinja = environment(PackageLoader("grader.similarity"))
    return jinja.get_template("compare.html.j2").render(
        report=compared.report,
        pairs=tuple(_pairs(compared)),
        notes=compared.report.notes[:SHOWN_NOTES],
        percent=percent,
        css=css,
        csp=policy(style=css),
    )


def percent(share: float) -> str:
    """Return a share as the table shows it; all of it only where it is all."""
    return f"{int(100 * share + 1e-9)} %"


def files_named(found: FilePair) -> str:
    """Return the name of a file in the package, or of both where they differ."""
    a, b = (path.partition("/")[2] for path in (found.file_a, found.file_b))
    return a if a == b else f"{a} and {b}"


def _pairs(compared: Compared) -> Iterator[PairView]:
    for number, pair in enumerate(compared.report.pairs):
        shown = number < SHOWN_PAIRS
        yield PairView(
            anchor=f"pair-{number + 1}",
            a=one_line(pair.a, limit=80),
            b=one_line(pair.b, limit=80),
            files=tuple(
                _file(compared, pair, found, shown=shown and place < SHOWN_FILES)
                for place, found in enumerate(pair.files)
            ),
            shown=shown,
        )


def _file(
    compared: Compared, pair: StudentPair, found: FilePair, *, shown: bool
) -> FileView:
    views: list[tuple[int, Side, Side]] = []
    if shown:
        a = compared.texts[pair.a, found.file_a].splitlines()
        b = compared.texts[pair.b, found.file_b].splitlines()
        views = [_sides(pair, a, b, p) for p in found.passages[:SHOWN_PASSAGES]]
    return FileView(
        name=one_line(files_named(found)),
        found=found,
        a_in_b=percent(found.a_in_b),
        b_in_a=percent(found.b_in_a),
        passages=tuple(views),
        left_out=len(found.passages) - len(views),
    )


def _sides(
    pair: StudentPair, a: list[str], b: list[str], passage: Passage
) -> tuple[int, Side, Side]:
    left = _side(pair.a, a, passage.a_first, passage.a_last)
    right = _side(pair.b, b, passage.b_first, passage.b_last)
    return passage.tokens, left, right


def _side(student: str, lines: list[str], first: int, last: int) -> Side:
    cut = min(last, first + MOST_LINES - 1)
    start = max(1, first - CONTEXT)
    end = min(len(lines), cut + (CONTEXT if cut == last else 0))
    shown = tuple(
        LineView(n, safe_text(lines[n - 1], limit=MOST_COLUMNS), not first <= n <= last)
        for n in range(start, end + 1)
    )
    name = one_line(student, limit=80)
    return Side(f"{name}, lines {first} to {last}", shown, last - cut)
