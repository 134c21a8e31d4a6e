"""A report as one HTML file: no script, no request, readable by double-click.

Every text that reaches a template is cleaned by `safe_text` and then escaped; only
`Markup` made here and in `svg` passes as it is. The style sheet is allowed by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from grader.models.report import GradeReport
from grader.reports.display import safe_text
from grader.reports.page import page


def to_html(report: GradeReport) -> str:
    """Return the page of one submission, for the student and the staff."""
    css = style_sheet("base.css") + style_sheet("report.css")
    jinja = environment(PackageLoader("grader.reports"))
    template = jinja.get_template("report.html.j2")
    return template.render(page=page(report), css=css, csp=policy(style=css))


def environment(loader: BaseLoader) -> Environment:
    """Return a Jinja environment in which no template can forget to clean or escape."""
    return Environment(
        loader=loader,
        autoescape=True,
        finalize=_clean,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _clean(value: Any) -> Any:
    """Clean what is about to be written; Jinja escapes it afterwards."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return safe_text(value)


def style_sheet(name: str) -> Markup:
    """Return one of our style sheets."""
    text = (files("grader.reports") / "templates" / name).read_text("utf-8")
    return Markup(text)  # noqa: S704 -- ships with the package


def policy(*, style: str, script: str = "", served: bool = False) -> str:
    """Return a Content-Security-Policy that allows just these inline texts.

    Hashes work from `file://` too, where 'self' has no agreed meaning.

    Args:
        served: it is of a service, which the page may send forms to and listen to.
    """
    rules = ["default-src 'none'", f"style-src '{_hash(style)}'"]
    if script:
        rules.append(f"script-src '{_hash(script)}'")
    if served:
        rules += ["connect-src 'self'", "frame-ancestors 'none'"]
    form = "form-action 'self'" if served else "form-action 'none'"
    return "; ".join([*rules, "base-uri 'none'", form])


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
