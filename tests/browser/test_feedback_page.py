"""The page of one student as students meet it: on a phone, in the dark, printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe import violations
from chromium import Browser
from feedback.people import DAY, Term, begun, three_days
from reports.samples import START, everything, perceptron, xor
from test_pages import CONTRASTS, SCHEMES

from grader.feedback import to_html
from grader.models.outcome import Blocked

pytestmark = pytest.mark.browser

WIDTHS = (320, 390, 768, 1280)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page with everything, one of a final round that is open, one that is done."""
    full = three_days()
    full.comes(
        everything(), day=3, milestones=(perceptron(), xor(Blocked(by=("autograd",))))
    )
    full.comment("Well tested.\nCome to the lab on Monday.")
    full.override(9.5, "setup")
    open_ = Term()
    open_.policy(due_at=START + DAY, closes_after_days=1)
    open_.comes(begun(), round_kind="final")
    done = Term()
    done.comes(begun()[:1])
    folder = tmp_path_factory.mktemp("feedback")
    found = {}
    for name, term in (("full", full), ("open", open_), ("done", done)):
        found[name] = folder / f"{name}.html"
        shown = term.page(now=START, name="Ada Lovelace")
        found[name].write_text(to_html(shown), "utf-8")
    return found


def test_they_load_nothing_and_break_no_policy(
    page: Browser, pages: dict[str, Path]
) -> None:
    for path in pages.values():
        page.open(path.as_uri())

        assert page.requests() == [path.as_uri()]
        assert page.complaints() == []
        assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1120px"


@pytest.mark.parametrize("width", WIDTHS)
def test_they_never_scroll_sideways(
    page: Browser, pages: dict[str, Path], width: int
) -> None:
    page.resize(width, mobile=width < 500)
    for path in pages.values():
        page.open(path.as_uri())
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )

        assert page.evaluate("document.documentElement.scrollWidth") == width, path


@pytest.mark.parametrize("scheme", SCHEMES)
def test_their_text_stands_out(
    page: Browser, pages: dict[str, Path], scheme: str
) -> None:
    page.media(prefers_color_scheme=scheme)
    for path in pages.values():
        page.open(path.as_uri())
        page.evaluate(
            "document.querySelectorAll('details').forEach(d => d.open = true)"
        )
        seen, low = page.evaluate(CONTRASTS)

        assert seen > 20
        assert low == [], path


def test_axe_finds_nothing(page: Browser, pages: dict[str, Path]) -> None:
    for path in pages.values():
        page.open(path.as_uri())

        assert violations(page) == [], path


def test_axe_would_find_something(page: Browser, pages: dict[str, Path]) -> None:
    page.open(pages["full"].as_uri())
    page.evaluate("document.querySelector('svg[role=img] title').remove()")
    page.evaluate("document.querySelector('h1').remove()")

    found = " ".join(violations(page))
    assert "page-has-heading-one" in found


def test_the_next_thing_is_on_the_first_screen_of_a_phone(
    page: Browser, pages: dict[str, Path]
) -> None:
    page.resize(390, 844, mobile=True)
    page.open(pages["full"].as_uri())

    top = "document.querySelector('#next').getBoundingClientRect().top"
    assert 0 < page.evaluate(top) < 844


def test_a_link_of_the_next_thing_leads_to_its_check(
    page: Browser, pages: dict[str, Path]
) -> None:
    page.open(pages["full"].as_uri())

    page.click(".do .what a")

    top = page.evaluate(
        "document.querySelector(location.hash).getBoundingClientRect().top"
    )
    assert 0 <= top < 900


def test_without_script_all_is_there_and_print_unfolds(
    page: Browser, pages: dict[str, Path]
) -> None:
    page.open(pages["full"].as_uri(), scripts=False)
    assert page.evaluate("document.querySelectorAll('script, button').length") == 0

    page.resize(794)
    page.media(kind="print")
    rest = "document.querySelector('.rest ul').getBoundingClientRect().height"
    assert page.evaluate(rest) > 15
    assert page.evaluate("document.documentElement.scrollWidth") == 794


def test_headings_lead_through_the_page(page: Browser, pages: dict[str, Path]) -> None:
    page.open(pages["full"].as_uri())

    found = page.evaluate(
        "[...document.querySelectorAll('h1, h2')].map(h => h.textContent.trim())"
    )
    assert found == [
        "Feedback for Ada Lovelace",
        "Do this next",
        "Modules",
        "What waits for what",
        "Checks",
        "Milestones",
        "Your attempts",
        "Your mark",
        "Notes from intake",
    ]
