"""What every page stands in: templates, style sheet, script, policy, navigation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader
from markupsafe import Markup

from grader.errors import ConfigError
from grader.publish.look import text
from grader.reports import units
from grader.reports.html import environment, policy, style_sheet

Kind = Literal["plain", "boards", "sorted"]
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_SPACE: Final = re.compile(r"\s*([{};,])\s*|\n\s*")


class Frame:
    """Renders templates with what does not differ from page to page made once."""

    def __init__(self, assets: Path, **always: Any) -> None:
        base = style_sheet("base.css") + asset(assets, "assets/site.css")
        css, boards = (
            _smaller(base),
            _smaller(base + asset(assets, "assets/boards.css")),
        )
        script = asset(assets, "assets/site.js")
        self._plain = {"css": css, "script": "", "csp": policy(style=css)}
        self._boards = {"css": boards, "script": "", "csp": policy(style=boards)}
        self._sorted = {
            "css": boards,
            "script": script,
            "csp": policy(style=boards, script=script),
        }
        loader = ChoiceLoader(
            [FileSystemLoader(assets / "templates"), PackageLoader("grader.reports")]
        )
        self._jinja = environment(loader)
        self._jinja.globals.update(
            DASH=text.DASH,
            day=text.day,
            count=text.count,
            event_path=text.event_path,
            event_title=text.event_title,
            events=text.EVENTS,
            divisions=text.DIVISIONS,
            **always,
        )
        self._jinja.filters.update(
            points=text.points,
            name=lambda v: text.markup(text.name(v)),
            score=text.score,
            scores=text.scores,
            ratio=text.ratio,
            ratios=text.ratios,
            short=units.short_digest,
            metric=lambda v, name: units.metric(name, v),
            seconds=lambda v: text.DASH if v is None else units.seconds(v),
            mib=lambda v: text.DASH if v is None else units.mebibytes(v),
        )

    def page(self, template: str, kind: Kind = "plain", **context: Any) -> bytes:
        """Return a page.

        Args:
            kind: "boards" for one that lists many, "sorted" if its tables also sort.
        """
        fixed = {"plain": self._plain, "boards": self._boards, "sorted": self._sorted}[
            kind
        ]
        found = self._jinja.get_template(f"{template}.html.j2")
        return found.render(**fixed, **context).encode()


def asset(assets: Path, name: str) -> Markup:
    """Return one of the site's own files.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        found = (assets / name).read_text("utf-8")
    except OSError as exc:
        msg = f"the site's file {name} cannot be read in {assets}"
        raise ConfigError(msg, hint="Name the `leaderboard` folder.") from exc
    return Markup(found)  # noqa: S704 -- ours, beside the templates


def _smaller(css: str) -> Markup:
    """Return a style sheet without comments and indents; every page carries it."""
    bare = _COMMENT.sub("", css)
    joined = _SPACE.sub(lambda found: found[1] or " ", bare)
    return Markup(joined.replace(";}", "}").strip())  # noqa: S704 -- as `asset`
