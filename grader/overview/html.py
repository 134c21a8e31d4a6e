"""An overview as one HTML file, for staff: no script, no request, as in `reports.html`.

All numbers of the charts stand in tables too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final, NamedTuple

from jinja2 import PackageLoader
from markupsafe import Markup

from grader.overview.charts import distribution, shares
from grader.overview.models import Check, Overview, Part
from grader.overview.words import (
    HOW,
    failures,
    holds_back,
    name_of,
    percent,
    standing,
)
from grader.reports import units
from grader.reports.display import one_line
from grader.reports.html import environment, policy, style_sheet

SHOWN_CHECKS: Final = 20
SHOWN_MISTAKES: Final = 20
SHOWN_PLACES: Final = 3  # checks in which a mistake was recognised
NAME: Final = 80  # characters of a student's name and id


class PartView(NamedTuple):
    """A module, a milestone or the total, with its chart."""

    part: Part
    chart: Markup
    middle: str  # "52.5 of 60"
    notes: str


class CheckView(NamedTuple):
    """A check that fails by mistakes."""

    check: Check
    share: str
    bar: Markup
    failures: str
    holds: str
    mistake: str


def to_html(made: Overview, pages: Mapping[str, str] | None = None) -> str:
    """Return the page of an overview.

    Args:
        pages: titles and addresses of pages beside it, where it is not alone.
    """
    own = (files("grader.overview") / "templates" / "overview.css").read_text("utf-8")
    css = style_sheet("base.css") + Markup(own)  # noqa: S704 -- ships with the package
    jinja = environment(PackageLoader("grader.overview"))
    jinja.filters.update(
        who=lambda who: one_line(name_of(who), limit=NAME),
        points=units.points,
    )
    wrong = [check for check in made.checks if check.mistakes]
    return jinja.get_template("overview.html.j2").render(
        made=made,
        pages=pages or {},
        parts=tuple(_lying(made)),
        stones=tuple(_stone(part) for part in made.milestones),
        checks=tuple(_check(check) for check in wrong[:SHOWN_CHECKS]),
        more_checks=max(0, len(wrong) - SHOWN_CHECKS),
        mistakes=made.mistakes[:SHOWN_MISTAKES],
        more_mistakes=max(0, len(made.mistakes) - SHOWN_MISTAKES),
        places=SHOWN_PLACES,
        as_of=f"{made.as_of:%Y-%m-%d %H:%M} UTC" if made.as_of else "",
        percent=percent,
        standing=standing,
        holds_back=holds_back,
        how=HOW,
        css=css,
        csp=policy(style=css),
    )


def _lying(made: Overview) -> Iterator[PartView]:
    """Yield the total and the modules, all charts to one scale."""
    parts = (made.total, *made.modules)
    top = max((max(p.bins) / p.graded for p in parts if p.graded), default=1.0)
    for part in parts:
        lies, of = part.spread, units.points(part.points)
        notes = ", ".join(
            f"{percent(count, part.graded)} {what}"
            for count, what in (
                (part.full, "all points"),
                (part.untouched, "untouched"),
            )
            if count
        )
        if lies is None:
            middle, told = units.MISSING, "nothing judged"
        else:
            middle = f"{units.points(lies.median)} of {of}"
            told = (
                f"median {middle}, half of the class between "
                f"{units.points(lies.lower)} and {units.points(lies.upper)}"
            )
            told = ", ".join(filter(None, (told, notes)))
        label = one_line(f"{part.title}: {told}")
        yield PartView(part, distribution(part, top, label), middle, notes)


def _stone(part: Part) -> PartView:
    reached = part.reached or 0
    bar = shares([("passed", reached / part.graded)] if part.graded else [])
    told = [f"{part.metric_name} {units.metric(part.metric_name, part.metric)}"]
    if part.cpu_s is not None:
        told.append(f"CPU {units.seconds(part.cpu_s)} s")
    if part.untouched:
        told.append(f"{part.untouched} did not run so far")
    if part.not_judged:
        told.append(f"{part.not_judged} not judged")
    return PartView(part, bar, f"{reached} of {part.graded}", ", ".join(told))


def _check(check: Check) -> CheckView:
    kinds = ("wrong", check.wrong), ("raised", check.raised), ("stopped", check.stopped)
    bar = shares([(kind, count / check.students) for kind, count in kinds])
    return CheckView(
        check=check,
        share=percent(check.mistakes, check.students),
        bar=bar,
        failures=failures(check),
        holds=holds_back(check),
        mistake=f"{check.mistake} ({check.mistaken})" if check.mistake else "",
    )
