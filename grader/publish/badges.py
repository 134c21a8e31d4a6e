"""Small pictures of one number, for a README: `badges/<slug>.svg`.

Points of the newest round, or the score of the competition; never a rank, which others
can change. Everything is in the file: no font, style or picture is fetched.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from markupsafe import escape

from grader.publish.competition_models import EntryPage
from grader.reports.display import columns, one_line

HEIGHT: Final = 20
LETTER: Final = 6.6  # width of a letter of 11 pixels in a common sans-serif face
PAD: Final = 8.0
SHORT: Final = 40  # characters of the left side


def badge(page: EntryPage) -> bytes | None:
    """Return the badge of an entry; None where there is no number to show."""
    value = _value(page)
    if value is None:
        return None
    return _drawn(one_line(page.course or "tinytorch", limit=SHORT), value)


def _value(page: EntryPage) -> str | None:
    for part in page.points:
        if part.entry.total is not None:
            return f"{part.entry.total:g} / {part.entry.points:g} points"
    for entry in page.events:
        if entry.state == "ranked" and entry.score is not None:
            return f"{entry.event} {entry.score:.1f}"
    return None


@lru_cache(maxsize=16384)
def _drawn(label: str, value: str) -> bytes:
    left, right = (
        round(2 * PAD + LETTER * columns(text), 1) for text in (label, value)
    )
    width, flat = round(left + right, 1), f"{right - 3:.1f}"
    safe_label, safe_value = escape(label), escape(value)
    middle_left, middle_right = round(left / 2, 1), round(left + right / 2, 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}"'
        f' viewBox="0 0 {width} {HEIGHT}" role="img"'
        f' aria-label="{safe_label}: {safe_value}">'
        f"<title>{safe_label}: {safe_value}</title>"
        f'<rect width="{width}" height="{HEIGHT}" rx="3" fill="#30363d"/>'
        f'<path d="M{left} 0h{flat}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{flat}z"'
        ' fill="#0b5d8a"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"'
        ' text-anchor="middle">'
        f'<text x="{middle_left}" y="14">{safe_label}</text>'
        f'<text x="{middle_right}" y="14">{safe_value}</text></g></svg>\n'
    ).encode()
