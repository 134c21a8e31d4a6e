"""A student's page as one HTML file: no script, no request, as in `reports.html`."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files
from typing import Final

from jinja2 import BaseLoader, ChoiceLoader, PackageLoader
from markupsafe import Markup

from grader.feedback.page import Feedback
from grader.reports.html import environment, policy, style_sheet

_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,79}")


def to_html(shown: Feedback) -> str:
    """Return the page of one student, for that student and the staff."""
    css = css_of_feedback()
    template = environment(loader()).get_template("feedback.html.j2")
    return template.render(page=shown, css=css, csp=policy(style=css))


def loader() -> BaseLoader:
    """Return what finds our templates; `feedback_body.html.j2` is a page's inside."""
    return ChoiceLoader(
        [PackageLoader("grader.feedback"), PackageLoader("grader.reports")]
    )


def css_of_feedback() -> Markup:
    """Return the style sheet that the inside of the page needs."""
    own = (files("grader.feedback") / "templates" / "feedback.css").read_text("utf-8")
    ours = Markup(own)  # noqa: S704 -- ships with the package
    return style_sheet("base.css") + style_sheet("report.css") + ours


def file_name(student: str) -> str:
    """Return the name of a student's file: always the same, and of no one else's.

    What a file system could not tell apart, or would take for a folder, is set apart by
    a digest of the id.
    """
    if _PLAIN.fullmatch(student) and not student.endswith("."):
        return f"{student}.html"
    plain = re.sub(r"[^a-z0-9._@-]+", "-", student.lower()).strip("-.")[:60]
    mark = hashlib.sha256(student.encode()).hexdigest()[:12]
    return f"{plain or 'student'}-{mark}.html"
