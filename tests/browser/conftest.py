"""A real Chromium, a real published site and a real report for the browser tests."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

# The sample reports are shared with the unit tests, which need no browser.
sys.path.append(str(Path(__file__).parents[1] / "unit"))

from chromium import Browser
from reports.samples import (
    everything,
    good,
    module_result,
    perceptron,
    perfect,
    report,
    todo,
)

from grader.publish import SiteSettings, build, write_site
from grader.reports import to_html
from grader.store import Store

ROOT = Path(__file__).parents[2]
MODULES = {
    "s1": perfect(),
    "s2": everything(),  # not judged: a dash
    "s3": good(),
    "s4": perfect(),
    "s5": (module_result("tensor", [todo("2.1", "x")] * 4),),
    "s6": (),
}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)))
    with Browser(executable) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Browser:
    """Return the browser with a desktop window, light, on an empty page."""
    browser.resize(1280)
    browser.media(prefers_color_scheme="light")
    browser.open("about:blank")
    return browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish a store with six public students, in a folder with a hard name."""
    folder = tmp_path_factory.mktemp("course")
    store = Store.open(folder / "store")
    for number, (student, modules) in enumerate(MODULES.items()):
        stones = (perceptron(accuracy=0.99 - 0.005 * number),) if number != 5 else ()
        store.add_report(
            report(
                student,
                modules=modules,
                milestones=stones,
                minutes=number,
                cpu_s=0.9 - 0.1 * number,
            )
        )
        store.set_visibility(student, "alias", by="test")
    files = build(
        store.export(),
        store.runs,
        SiteSettings(
            course_secret=b"the secret of one course",
            assets=ROOT / "leaderboard",
            minimum_group=5,
            now=datetime(2026, 9, 14, tzinfo=UTC),
        ),
    )
    store.close()
    target = folder / "a site #1"
    write_site(files, target)
    return target


@pytest.fixture(scope="session")
def report_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(to_html(report()), "utf-8")
    return path
